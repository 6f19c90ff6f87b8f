//! Debug information in a file of its own, as distributions ship it and `objcopy --only-keep-debug`
//! makes it.

use object::Object;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a system keeps the debug information of what it has installed.
const OF_THE_SYSTEM: &str = "/usr/lib/debug";

/// The bytes of the file that holds the debug information of the library at `path`, whose own bytes
/// are `library`: found by build-id or debug link, beside the library or where the system keeps
/// such. It is not returned if it belongs to another build.
pub(in crate::native) fn separate_file(library: &[u8], path: &Path) -> Option<Vec<u8>> {
    let file = object::File::parse(library).ok()?;
    let folder = path.parent().filter(|f| *f != Path::new("")).unwrap_or(Path::new("."));
    by_build_id(&file, folder).or_else(|| by_link(&file, folder))
}

fn by_build_id(library: &object::File, folder: &Path) -> Option<Vec<u8>> {
    let id = library.build_id().ok()??;
    let (first, rest) = id.split_first()?;
    let mut name = format!(".build-id/{first:02x}/");
    for byte in rest {
        write!(name, "{byte:02x}").ok()?;
    }
    name.push_str(".debug");
    [folder, Path::new(OF_THE_SYSTEM)].iter().find_map(|folder| {
        let bytes = read(&folder.join(&name))?;
        let same = object::File::parse(&*bytes).ok()?.build_id().ok()? == Some(id);
        same.then_some(bytes)
    })
}

fn by_link(library: &object::File, folder: &Path) -> Option<Vec<u8>> {
    let (name, crc) = library.gnu_debuglink().ok()??;
    let name = Path::new(std::str::from_utf8(name).ok()?);
    // A link is a name and no path; one that leads elsewhere is none of ours to follow.
    if name.components().count() != 1 || name.file_name().is_none() {
        return None;
    }
    let absolute = folder.canonicalize().ok()?;
    let of_the_system = Path::new(OF_THE_SYSTEM).join(absolute.strip_prefix("/").ok()?);
    [folder.to_owned(), folder.join(".debug"), of_the_system]
        .iter()
        .filter_map(|folder| read(&folder.join(name)))
        .find(|bytes| crc32fast::hash(bytes) == crc)
}

/// A pipe or a device could keep us waiting for ever.
fn read(path: &PathBuf) -> Option<Vec<u8>> {
    if path.metadata().ok()?.is_file() { fs::read(path).ok() } else { None }
}
