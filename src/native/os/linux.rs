//! Linux: libraries are loaded from sealed memory, the system's are found through the loader's cache.

use super::unix;
pub use super::unix::{
    changed_at, end_group, in_own_group, is_executable, is_link, is_mapped, on_hangup,
    private_temp_folder, stamp,
};
use super::{Loaded, OpenError};
use libloading::os::unix::Library;
use std::ffi::OsStr;
#[cfg(target_env = "gnu")]
use std::ffi::c_char;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
#[cfg(target_env = "gnu")]
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
#[cfg(target_env = "gnu")]
use std::sync::OnceLock;

/// The most descriptors that loaded libraries may hold; a process often has no more than 1024.
const MOST_DESCRIPTORS: RawFd = 256;

/// What stands before the name of every file in memory.
const MEMORY_MARK: &[u8] = b"hotvm:";

/// Loads a library from bytes in memory, under a name that the loader has never seen.
///
/// A file in memory is fastest and leaves nothing behind, but lies in no folder and keeps a
/// descriptor. A library that finds others through `$ORIGIN` gets a copy in its own folder instead;
/// a temporary copy serves where `/proc` or memory files are missing or descriptors run short.
pub fn open_private(bytes: &[u8], file: &Path, needs_folder: bool) -> Result<Loaded, OpenError> {
    if !needs_folder && let Ok(memory) = memory_file(bytes, file) {
        let path = PathBuf::from(format!("/proc/self/fd/{}", memory.as_raw_fd()));
        if memory.as_raw_fd() <= MOST_DESCRIPTORS && path.exists() {
            let library = unix::open(&path, file)?;
            return Ok(described(library).0.with_memory(memory));
        }
    }
    let library = match file.parent() {
        Some(folder) if needs_folder => unix::open_copy(bytes, file, folder),
        _ => unix::open_copy(bytes, file, &std::env::temp_dir()),
    };
    Ok(described(library?).0)
}

/// Whether the loader's name of a file is one that [`open_private`] gives.
pub fn is_private_copy(name: &[u8]) -> bool {
    let mark = unix::COPY_MARK.as_bytes();
    name.starts_with(b"/proc/self/fd/") || name.windows(mark.len()).any(|window| window == mark)
}

/// The name of a library in that of its private copy: the file in memory, or that in a folder.
pub fn name_in_copy(copy: &[u8]) -> &[u8] {
    let file = copy.rsplit(|&byte| byte == b'/').next().unwrap_or(copy);
    let mark = unix::COPY_MARK.as_bytes();
    let end = file.windows(mark.len()).position(|window| window == mark);
    let name = file.strip_suffix(b" (deleted)").unwrap_or(&file[..end.unwrap_or(file.len())]);
    let in_memory = name.strip_prefix(b"memfd:").and_then(|name| name.strip_prefix(MEMORY_MARK));
    in_memory.or(name.strip_prefix(b".")).unwrap_or(name)
}

/// A file that exists in memory only, sealed so that nobody can change it under the mapping.
fn memory_file(bytes: &[u8], file: &Path) -> io::Result<File> {
    // The name is for people: it is what /proc/PID/maps and debuggers show.
    let name: Vec<u8> = file.file_name().unwrap_or_default().as_bytes().to_vec();
    let name = CString::new([MEMORY_MARK, &name[..name.len().min(200)]].concat())?;
    // SAFETY: `name` is a C string that outlives the call.
    let fd =
        unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just created, and nothing else owns it.
    let mut memory = unsafe { File::from_raw_fd(fd) };
    memory.write_all(bytes)?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    // SAFETY: the descriptor is open; the call takes no pointer.
    if unsafe { libc::fcntl(memory.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(memory)
}

/// Loads a library of the system, from the first of its files that the loader takes, and says which
/// that is.
pub fn open_system(name: &str) -> Result<(Loaded, Option<PathBuf>), OpenError> {
    let mut first = None;
    for file in system_files(name) {
        match unix::open(&file, Path::new(name)) {
            Ok(library) => return Ok(described(library)),
            Err(e) => first = first.or(Some(e)),
        }
    }
    let unknown = || OpenError::Refused(format!("the loader knows no library called {name}"));
    Err(first.unwrap_or_else(unknown))
}

/// The files that the loader knows as this library: for `m`, `/lib/…/libm.so.6`. Given whole paths, it
/// does not search folders of its own, which the environment may name.
///
/// The plain `libm.so` is for linkers; with glibc it is a text, and on most systems it comes with
/// development packages only. What programs load has a version, which the loader's cache tells.
/// The plain name follows for systems without a cache, such as musl's.
pub fn system_files(name: &str) -> Vec<PathBuf> {
    let plain = format!("lib{name}.so");
    let versioned = format!("{plain}.");
    let cache = std::fs::read("/etc/ld.so.cache").unwrap_or_default();
    let mut known: Vec<(&str, &str)> = cached_libraries(&cache)
        .filter(|(name, _)| name.strip_prefix(&versioned).is_some_and(|v| !v.is_empty()))
        .collect();
    // The newest first, versions compared as numbers.
    known.sort_by_cached_key(|(name, _)| {
        let parts = name[versioned.len()..].split('.');
        let version = parts.map(|part| part.parse::<u32>().unwrap_or(0));
        std::cmp::Reverse(version.collect::<Vec<_>>())
    });
    let folders = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];
    let plain = folders.iter().map(|folder| Path::new(folder).join(&plain));
    let plain = plain.filter(|path| path.is_file());
    known.into_iter().map(|(_, path)| PathBuf::from(path)).chain(plain).collect()
}

/// The libraries in the loader's cache, each with its file: after a magic and a header of 48 bytes,
/// entries of 24 bytes, whose second and third words are where name and path are.
fn cached_libraries(cache: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    // An older format may stand before the one in use today.
    let magic = b"glibc-ld.so.cache1.1";
    let start = cache.windows(magic.len()).position(|w| w == magic).unwrap_or(cache.len());
    let cache = &cache[start..];
    let word = |at: usize| {
        let bytes = cache.get(at..at.checked_add(4)?)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?) as usize)
    };
    let text =
        move |at: usize| CStr::from_bytes_until_nul(cache.get(word(at)?..)?).ok()?.to_str().ok();
    let count = word(magic.len()).unwrap_or(0).min(cache.len() / 24);
    (0..count).filter_map(move |i| Some((text(48 + 24 * i + 4)?, text(48 + 24 * i + 8)?)))
}

/// `argc`, `argv` and `envp`. The arguments are copies, made once.
#[cfg(target_env = "gnu")]
pub fn initialiser_arguments() -> Option<[u64; 3]> {
    static ARGUMENTS: OnceLock<Vec<usize>> = OnceLock::new();
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    let pointers = ARGUMENTS.get_or_init(|| {
        let arguments = std::env::args_os().filter_map(|it| CString::new(it.into_vec()).ok());
        arguments.map(|it| it.into_raw().expose_provenance()).chain([0]).collect()
    });
    // SAFETY: it is the C library's own variable, and only read.
    let environment = unsafe { environ }.expose_provenance();
    let arguments = pointers.as_ptr().expose_provenance();
    Some([pointers.len() - 1, arguments, environment].map(|word| word as u64))
}

/// Other C libraries do not tell where they have put a library.
#[cfg(not(target_env = "gnu"))]
pub fn initialiser_arguments() -> Option<[u64; 3]> {
    None
}

/// A library with its base, and the file that the loader took it from, as the loader's list says.
#[cfg(target_env = "gnu")]
fn described(library: Library) -> (Loaded, Option<PathBuf>) {
    /// The head of the loader's record of a library, as `<link.h>` declares it.
    #[repr(C)]
    struct LinkMap {
        address: usize,
        name: *const c_char,
    }
    let handle = library.into_raw();
    let mut record: *const LinkMap = std::ptr::null();
    // SAFETY: the handle is of an open library, and this request writes one pointer to `record`.
    let known = unsafe {
        libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut record).cast()) == 0
            && !record.is_null()
            && !(*record).name.is_null()
    };
    let (base, file) = known
        .then(|| {
            // SAFETY: the loader's record lives as long as the library, and its name is a C string.
            let (base, name) = unsafe { ((*record).address, CStr::from_ptr((*record).name)) };
            (base, PathBuf::from(OsStr::from_bytes(name.to_bytes())))
        })
        .unzip();
    // SAFETY: the handle came from `into_raw` above, and nothing closed it.
    (Loaded::new(unsafe { Library::from_raw(handle) }, base), file)
}

/// Other C libraries do not tell.
#[cfg(not(target_env = "gnu"))]
fn described(library: Library) -> (Loaded, Option<PathBuf>) {
    (Loaded::new(library, None), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mathematics_library_is_found_under_its_version() {
        let files = system_files("m");
        let is_mathematics = |file: &PathBuf| file.to_string_lossy().contains("/libm.so");
        assert!(files.iter().any(is_mathematics), "{files:?}");
        assert!(files.iter().all(|file| file.is_absolute()), "{files:?}");
        assert!(system_files("no_such_library_anywhere").is_empty());
        let (library, _) = open_system("m").unwrap();
        assert!(library.address("cos").is_some() && library.address("no_such_symbol").is_none());
    }

    #[test]
    fn copies_tell_the_name_that_they_were_given() {
        for copy in ["/memfd:hotvm:libf.so (deleted)", "/tmp/.libf.so.hotvm-a7b", "./libf.so"] {
            assert_eq!(name_in_copy(copy.as_bytes()), b"libf.so", "{copy}");
        }
    }

    #[test]
    fn a_damaged_cache_gives_no_names_and_no_panic() {
        let cache = std::fs::read("/etc/ld.so.cache").unwrap_or_default();
        for end in (0..cache.len()).step_by(97) {
            cached_libraries(&cache[..end]).for_each(drop);
        }
        let mut wild = b"glibc-ld.so.cache1.1".to_vec();
        wild.extend([0xff; 300]);
        assert_eq!(cached_libraries(&wild).count(), 0);
    }
}
