//! Finds the texts that others include.

use super::input::is_bytecode;
use crate::assemble::Included;
use crate::diagnostics::{Code, Diagnostic, closest};
use std::fs;
use std::path::{Path, PathBuf};

/// The longest text that is included, in bytes.
const MAX_LENGTH: u64 = 1 << 30;

/// Where included texts are looked for, behind the folder of the text that includes them.
#[derive(Clone, Debug, Default)]
pub struct IncludePath {
    /// The folders, in order.
    pub dirs: Vec<PathBuf>,
}

impl IncludePath {
    /// Reads what a text includes by a name. `from` is the name of that text.
    ///
    /// # Errors
    /// When it cannot be found or read; with where it was looked for.
    pub fn read(&self, name: &str, from: &str) -> Result<Included, Diagnostic> {
        let beside = Path::new(from).parent().unwrap_or(Path::new(""));
        let folders = || std::iter::once(beside).chain(self.dirs.iter().map(|dir| &**dir));
        let paths: Vec<PathBuf> = folders().map(|folder| folder.join(name)).collect();
        let Some(path) = paths.iter().find(|path| path.exists()) else {
            let places: Vec<String> =
                paths.iter().map(|path| format!("`{}`", path.display())).collect();
            let near = folders().find_map(|folder| similar(&folder.join(name)));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name its folder with `-I DIR`, or in the `include-dirs` of hotvm.toml"
                    .to_owned(),
            };
            let message = format!("`{name}` is not there");
            return Err(Diagnostic::error(Code::BadInclude, message)
                .note(format!("looked for {}", places.join(", ")))
                .help(help));
        };
        let shown = path.display().to_string();
        let text = text_of(path).map_err(|why| {
            Diagnostic::error(Code::BadInclude, format!("`{shown}` cannot be included: {why}"))
        })?;
        Ok(Included { name: shown, text })
    }
}

/// The text of a file, or why it has none.
fn text_of(path: &Path) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    // Anything else may never end.
    if !about.is_file() {
        return Err(
            if about.is_dir() { "it is a folder" } else { "it is no plain file" }.to_owned()
        );
    }
    if about.len() > MAX_LENGTH {
        return Err("it is over 1 GiB".to_owned());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    if is_bytecode(&bytes) {
        return Err("it is bytecode, which is a whole program; include its text".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to())
    })
}

/// The most similar name in the folder of a file that is not there.
pub(super) fn similar(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new("."));
    let name = path.file_name()?.to_str()?;
    let entries = fs::read_dir(folder).ok()?;
    let names: Vec<String> =
        entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    let near = closest(name, names.iter().map(|n| &**n))?;
    Some(path.with_file_name(near).display().to_string())
}
