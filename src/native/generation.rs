//! One loaded version of a library.

use super::check::{Checked, Exports, Kind, check, missing_symbol};
use super::debuginfo::separate_file;
use super::early::Early;
use super::guard::Callee;
use super::needs::Needs;
use super::os::{self, Loaded, OpenError};
use super::read::{Inputs, Writer, read_at_rest};
use super::signature::Signatures;
use super::state::Statics;
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::{CType, Import, Signature};
use blake3::Hash;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
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
    /// What the compiler had to say all the same.
    pub warnings: Option<Diagnostic>,
    /// The files that all this was made from.
    pub inputs: Inputs,
}

impl Content {
    pub fn new(file: &Path, bytes: Vec<u8>, inputs: Inputs) -> Content {
        let (file, hash) = (file.to_owned(), blake3::hash(&bytes));
        Content { inputs, file, bytes, hash, built: None, warnings: None }
    }

    /// The file check.
    pub fn check(&self, name: &str) -> Result<Checked, Diagnostic> {
        check(&self.bytes).map_err(|flaw| flaw.diagnostic(name, &self.file))
    }
}

/// What a library was loaded from.
#[derive(Debug)]
pub(super) struct Image {
    file: PathBuf,
    bytes: Vec<u8>,
    /// What it needs, as that was when it was loaded.
    pub needs: Needs,
    statics: OnceLock<Statics>,
}

impl Image {
    /// The library's variables. They are read when the first reload asks, since most runs have none.
    pub fn statics(&self) -> &Statics {
        self.statics.get_or_init(|| match separate_file(&self.bytes, &self.file) {
            Some(debug) => Statics::read_with(&self.bytes, &debug),
            None => Statics::read(&self.bytes),
        })
    }
}

/// A library as it was when it was loaded. It stays mapped when it is dropped: see [`Loaded`].
#[derive(Debug)]
pub(super) struct Generation {
    loaded: Loaded,
    /// The hash of what was loaded; `None` for the system's libraries, which are not ours to watch.
    pub hash: Option<Hash>,
    /// What was loaded, for those that come after it; the system's have none.
    pub image: Option<Arc<Image>>,
    /// What it exports, where that is known.
    exports: Option<Exports>,
    /// What it tells about the functions that the program knows.
    pub signatures: Signatures,
    /// Why it must stay mapped when nothing calls it any more, if it must.
    pub must_stay: Option<String>,
    /// What it says its version is, once it was asked.
    version: OnceCell<Result<Option<u32>, Diagnostic>>,
}

impl Generation {
    /// Loads a library that has passed the file check, and tells these signatures.
    pub fn load(
        early: Early,
        content: &mut Content,
        checked: Checked,
        signatures: Signatures,
    ) -> Result<Generation, Diagnostic> {
        let Checked { exports, needed, must_stay, initialisers } = checked;
        let arguments = early.guarded_arguments();
        if arguments.is_some() {
            initialisers.hide(&mut content.bytes);
        }
        let (bytes, file) = (&content.bytes, &content.file);
        let needs = Needs::of(&needed, file);
        let loaded =
            early.load(|| os::open_private(bytes, file, needed.is_relative())).map_err(|e| {
                let failed = load_failed(early.library, file, e);
                let old = needs.outdated().into_iter().map(|need| need.sentence(early.library));
                old.fold(failed, Diagnostic::note)
            })?;
        needs.loaded();
        if let Some(arguments) = arguments {
            early.initialise(&loaded, &initialisers, arguments)?;
        }
        let (hash, version) = (Some(content.hash), OnceCell::new());
        let (file, bytes) = (content.file.clone(), std::mem::take(&mut content.bytes));
        let image = Some(Arc::new(Image { file, bytes, needs, statics: OnceLock::new() }));
        Ok(Generation { loaded, hash, image, exports, signatures, must_stay, version })
    }

    /// Loads a library of the system by its bare name. Only the loader knows the file before it is
    /// loaded, and it trusts the system's own.
    pub fn load_system(early: Early) -> Result<Generation, Diagnostic> {
        let name = early.library;
        let (loaded, file) = early
            .load(|| os::open_system(name))
            .map_err(|e| load_failed(name, Path::new(name), e))?;
        let real = file.and_then(|file| file.canonicalize().ok());
        let bytes = real.and_then(|file| read_at_rest(name, &file, Writer::Done).ok());
        let exports = bytes.and_then(|bytes| check(&bytes).ok()).and_then(|c| c.exports);
        let (signatures, version) = (Signatures::default(), OnceCell::new());
        let must_stay = Some("it is the system's".to_owned());
        let (hash, image) = (None, None);
        Ok(Generation { loaded, hash, image, exports, signatures, must_stay, version })
    }

    /// The address of the function that an import asks for, if it is there with the right signature.
    pub fn resolve(&self, import: &Import) -> Result<usize, Diagnostic> {
        if let Some(exports) = &self.exports {
            exports.require_function(&import.library, &import.symbol)?;
        }
        self.signatures.check(import)?;
        let address = self.loaded.address(&import.symbol);
        address.ok_or_else(|| missing_symbol(&import.library, &import.symbol))
    }

    /// Compares the version that an import asks for, if it does, with what the library reports.
    pub fn check_version(&self, import: &Import, early: Early) -> Result<(), Diagnostic> {
        let Some(wanted) = import.version else { return Ok(()) };
        match self.version(early)? {
            Some(found) if found == wanted => Ok(()),
            found => Err(other_version(import, wanted, found)),
        }
    }

    /// Unmaps the library, if nothing in it forbids that, and tells whether it is gone. `target` is
    /// the address of one of its functions.
    ///
    /// # Safety
    /// No call into it is under way, none will follow, and nobody outside of it holds a pointer that
    /// one of its functions has returned.
    pub unsafe fn unload(self, target: usize) -> bool {
        // SAFETY: calls and returned pointers are the caller's word. By the static scan, the library
        // has left nothing else behind that could come back to its code or data.
        self.must_stay.is_none() && unsafe { self.loaded.unload(target) }
    }

    /// What the loader added to the addresses of the library's file, where it tells.
    pub fn base(&self) -> Option<usize> {
        self.loaded.base()
    }

    /// The version that the library reports. It is asked once, and only where a program wants to
    /// know: another library's `get_version` may be something else altogether.
    pub fn version(&self, early: Early) -> Result<Option<u32>, Diagnostic> {
        if let Some(version) = self.version.get() {
            return version.clone();
        }
        let version = match self.version_variable() {
            Some(version) => Ok(Some(version)),
            None => self.version_function(early),
        };
        self.version.get_or_init(|| version).clone()
    }

    fn version_variable(&self) -> Option<u32> {
        let address = self.own(VERSION_VARIABLE, Kind::Data { size: 4 })?;
        let version = std::ptr::with_exposed_provenance::<u32>(address);
        // SAFETY: the library is mapped, and its export table gives the variable four bytes; nothing
        // writes to what `HOTVM_VERSION` defines as constant.
        Some(unsafe { version.read_unaligned() })
    }

    fn version_function(&self, early: Early) -> Result<Option<u32>, Diagnostic> {
        let Some(address) = self.own(VERSION_FUNCTION, Kind::Function) else { return Ok(None) };
        let (signature, callee) = (
            Signature { params: Vec::new(), result: CType::I32 },
            Callee::Function(VERSION_FUNCTION),
        );
        // SAFETY: the address is of a function, by the export table. That it is `int (void)` is the
        // contract for a library whose version a program asks for.
        let version = unsafe { early.call(callee, address, &signature, &[]) }?;
        Ok(u32::try_from(version as i32).ok())
    }

    /// The address of a symbol of this library itself. The loader alone would also find those of
    /// the libraries that this one needs.
    pub fn own(&self, symbol: &str, kind: Kind) -> Option<usize> {
        // Asked first: for what nobody has, the loader looks everywhere.
        let is_own = self.exports.as_ref().is_none_or(|e| e.kind(symbol) == Some(kind));
        if is_own { self.loaded.address(symbol) } else { None }
    }
}

fn load_failed(name: &str, file: &Path, error: OpenError) -> Diagnostic {
    let failed = Diagnostic::error(Code::LoadFailed, format!("`{name}` could not be loaded"));
    match error {
        OpenError::Refused(words) => failed
            .note(format!("the system's loader says: {words}"))
            .help("a library that it needs must be installed, or in a folder of LD_LIBRARY_PATH"),
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
        .help(
            "a library reports it by `HOTVM_VERSION(n)` of hotvm.h or `int get_version(void)`; to go \
             on with another version, run with `--version-mismatch warn`",
        )
}
