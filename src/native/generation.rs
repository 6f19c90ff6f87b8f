//! One loaded version of a library.

use super::check::{Checked, Exports, Kind, check, missing_symbol};
use super::os::{self, Loaded, OpenError};
use super::read::read_at_rest;
use super::signature::Signatures;
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::Import;
use blake3::Hash;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The symbol that `HOTVM_VERSION(n)` defines.
const VERSION_VARIABLE: &str = "hotvm_version";

/// The function that tells a version where the variable is missing.
const VERSION_FUNCTION: &str = "get_version";

/// The bytes of a library, not yet trusted.
#[derive(Debug)]
pub(super) struct Content {
    /// The file that they are from: the library, or the source that it was built from.
    pub file: PathBuf,
    pub bytes: Vec<u8>,
    pub hash: Hash,
    /// How long the compiler took, if it had to run.
    pub built: Option<Duration>,
}

impl Content {
    pub fn new(file: &Path, bytes: Vec<u8>, built: Option<Duration>) -> Content {
        let hash = blake3::hash(&bytes);
        Content { file: file.to_owned(), bytes, hash, built }
    }

    /// The file check.
    pub fn check(&self, name: &str) -> Result<Checked, Diagnostic> {
        check(&self.bytes).map_err(|flaw| flaw.diagnostic(name, &self.file))
    }
}

/// A library as it was when it was loaded. It stays mapped for good: see [`Loaded`].
#[derive(Debug)]
pub(super) struct Generation {
    loaded: Loaded,
    /// The hash of what was loaded; `None` for the system's libraries, which are not ours to watch.
    pub hash: Option<Hash>,
    /// What it exports, where that is known.
    exports: Option<Exports>,
    /// What it tells about the functions that the program knows.
    pub signatures: Signatures,
    /// What it says its version is, once it was asked.
    version: OnceCell<Option<u32>>,
}

impl Generation {
    /// Loads a library that has passed the file check, and tells these signatures.
    pub fn load(
        name: &str,
        content: &Content,
        checked: Checked,
        signatures: Signatures,
    ) -> Result<Generation, Diagnostic> {
        let loaded = os::open_private(&content.bytes, &content.file, checked.needs_folder)
            .map_err(|e| load_failed(name, &content.file, e))?;
        let (hash, exports) = (Some(content.hash), checked.exports);
        Ok(Generation { loaded, hash, exports, signatures, version: OnceCell::new() })
    }

    /// Loads a library of the system by its bare name. Only the loader knows the file before it is
    /// loaded, and it trusts the system's own.
    pub fn load_system(name: &str) -> Result<Generation, Diagnostic> {
        let (loaded, file) =
            os::open_system(name).map_err(|e| load_failed(name, Path::new(name), e))?;
        let bytes = file.and_then(|file| read_at_rest(name, &file).ok());
        let exports = bytes.and_then(|bytes| check(&bytes).ok()).and_then(|c| c.exports);
        let signatures = Signatures::default();
        Ok(Generation { loaded, hash: None, exports, signatures, version: OnceCell::new() })
    }

    /// The address of the function that an import asks for, if it is there with the right signature
    /// and version.
    pub fn resolve(&self, import: &Import) -> Result<usize, Diagnostic> {
        if let Some(exports) = &self.exports {
            exports.require_function(&import.library, &import.symbol)?;
        }
        self.signatures.check(import)?;
        let address = self.loaded.address(&import.symbol);
        let address = address.ok_or_else(|| missing_symbol(&import.library, &import.symbol))?;
        if let Some(wanted) = import.version
            && self.version() != Some(wanted)
        {
            return Err(other_version(import, wanted, self.version()));
        }
        Ok(address)
    }

    /// The version that the library reports. It is asked once, and only where a program wants to
    /// know: another library's `get_version` may be something else altogether.
    pub fn version(&self) -> Option<u32> {
        *self.version.get_or_init(|| self.version_variable().or_else(|| self.version_function()))
    }

    fn version_variable(&self) -> Option<u32> {
        let address = self.own(VERSION_VARIABLE, Kind::Data { size: 4 })?;
        let version = std::ptr::with_exposed_provenance::<u32>(address);
        // SAFETY: the library is mapped, and its export table gives the variable four bytes; nothing
        // writes to what `HOTVM_VERSION` defines as constant.
        Some(unsafe { version.read_unaligned() })
    }

    fn version_function(&self) -> Option<u32> {
        let address = self.own(VERSION_FUNCTION, Kind::Function)?;
        // SAFETY: the address is of a function, by the export table. That it is `int (void)` is the
        // contract for a library whose version a program asks for.
        let get_version = unsafe { std::mem::transmute::<usize, extern "C" fn() -> i32>(address) };
        u32::try_from(get_version()).ok()
    }

    /// The address of a symbol of this library itself. The loader alone would also find those of
    /// the libraries that this one needs.
    fn own(&self, symbol: &str, kind: Kind) -> Option<usize> {
        let is_own = self.exports.as_ref().is_none_or(|e| e.kind(symbol) == Some(kind));
        self.loaded.address(symbol).filter(|_| is_own)
    }
}

fn load_failed(name: &str, file: &Path, error: OpenError) -> Diagnostic {
    let failed = Diagnostic::error(Code::LoadFailed, format!("`{name}` could not be loaded"));
    match error {
        OpenError::Refused(words) => failed.note(format!("the system's loader says: {words}")),
        OpenError::NoCopy(what, why) => failed
            .note(format!("{what} could not be made: {why}"))
            .note(
                "a library that finds others by `$ORIGIN` is loaded from a copy in its own folder",
            )
            .help(format!("make the folder of {} writable, or copy all of it", file.display())),
    }
}

fn other_version(import: &Import, wanted: u32, found: Option<u32>) -> Diagnostic {
    let (library, symbol) = (&import.library, &import.symbol);
    let message = match found {
        Some(found) => format!("`{library}` reports version {found}, and {wanted} is asked for"),
        None => format!("`{library}` reports no version, and {wanted} is asked for"),
    };
    Diagnostic::error(Code::VersionMismatch, message)
        .note(format!("the `.lib` of `{symbol}` says `version {wanted}`"))
        .help("a library reports it by `HOTVM_VERSION(n)` of hotvm.h or `int get_version(void)`")
}
