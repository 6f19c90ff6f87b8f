//! The flags of the language: what a text is assembled with.

use clap::Args;
use hotvm::diagnostics::Diagnostic;
use hotvm::native::Config;
use hotvm::program::IncludePath;
use std::path::{Path, PathBuf};

/// What a text is assembled with.
#[derive(Args, Clone, Default)]
pub(super) struct LanguageFlags {
    /// Define a constant, 1 without a value; may be given more than once
    #[arg(short = 'D', long = "define", value_name = "NAME[=VALUE]", value_parser = define)]
    defines: Vec<(String, String)>,
    /// Look for included files in this folder too; may be given more than once
    #[arg(short = 'I', long = "include-dir", value_name = "DIR")]
    include_dirs: Vec<PathBuf>,
}

impl LanguageFlags {
    pub(super) fn defines(&self) -> &[(String, String)] {
        &self.defines
    }

    /// Where a program in this folder includes texts from.
    pub(super) fn include_path(&self, folder: &Path) -> Result<IncludePath, Diagnostic> {
        let mut dirs = self.include_dirs.clone();
        dirs.extend(Config::find(folder)?.include_dirs);
        Ok(IncludePath { dirs })
    }
}

fn define(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, "1"));
    let is_name = hotvm::disassemble::is_name(name);
    if !is_name {
        return Err(format!("`{name}` is no name: letters, digits and `_`"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
