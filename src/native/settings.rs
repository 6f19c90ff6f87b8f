//! What the user allows and wishes, gathered by whoever starts a program.

use super::config::Config;
use crate::diagnostics::Diagnostic;
use std::path::PathBuf;

/// Where libraries may come from and how sources are built.
///
/// The default allows the current folder and nothing else, and reads no `hotvm.toml`;
/// [`Settings::for_program`] does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The folder that relative library paths start from: the program's own. Empty means the
    /// current folder.
    pub program_dir: PathBuf,
    /// More folders that libraries may come from: `--lib-dir`.
    pub lib_dirs: Vec<PathBuf>,
    /// Whether bare names may mean libraries of the system: `--allow-system-libs`.
    pub allow_system_libs: bool,
    /// Single files that may be loaded, wherever they lie: `--allow-lib`.
    pub allow_libs: Vec<PathBuf>,
    /// What happens to a library of another version than its `.lib` asks for.
    pub version_mismatch: VersionMismatch,
    /// Whether code that is no longer in use is unmapped where that is known to be safe: `--unload`.
    pub unload: bool,
    /// Whether every library is refused: `--no-native`.
    pub no_native: bool,
    /// The project's `hotvm.toml`.
    pub config: Config,
    /// What becomes of the variables of a library that is replaced.
    pub state: StateMode,
    /// Where built sources are kept. `None` means `HOTVM_CACHE_DIR`, else `hotvm` in
    /// `XDG_CACHE_HOME` or `~/.cache`, else a folder for this user among the temporary files.
    pub cache_dir: Option<PathBuf>,
}

/// What happens to a library of another version than its `.lib` asks for: `--version-mismatch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionMismatch {
    /// It is not bound.
    #[default]
    Refuse,
    /// It is bound, with a warning.
    Warn,
}

/// What becomes of the static variables of a library that is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateMode {
    /// They keep their values, but for those that can depend on a pointer which is lost.
    #[default]
    Consistent,
    /// Each keeps its value if it can, whatever becomes of the others: `--partial-state`.
    Partial,
    /// All begin anew: `--fresh-state`.
    Fresh,
}

impl Settings {
    /// The settings of a program in `dir`, with the `hotvm.toml` found there or above.
    pub fn for_program(dir: impl Into<PathBuf>) -> Result<Settings, Diagnostic> {
        let program_dir = Some(dir.into()).filter(|dir| !dir.as_os_str().is_empty());
        let program_dir = program_dir.unwrap_or_else(|| PathBuf::from("."));
        let config = Config::find(&program_dir)?;
        Ok(Settings { program_dir, config, ..Settings::default() })
    }
}
