//! `hotvm.toml`: what a project says once for all of its programs.

use crate::diagnostics::{Code, Diagnostic};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The name that is looked for in the program's folder and in those above it.
const FILE_NAME: &str = "hotvm.toml";

/// What a `hotvm.toml` says; all of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// `lib-dirs`: folders that libraries may come from, absolute once read.
    pub lib_dirs: Vec<PathBuf>,
    /// `include-dirs`: folders that program texts include others from, absolute once read.
    pub include_dirs: Vec<PathBuf>,
    /// `cc`: the C compiler, arguments allowed; a relative path starts from the file's folder.
    pub cc: Option<String>,
    /// `cflags`: arguments added to every C build.
    pub cflags: Vec<String>,
    /// `[test]`: settings of the golden-test runner.
    pub test: TestConfig,
    /// The file that all this was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// The `[test]` table of a `hotvm.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestConfig {
    /// `flags`: given to every test program.
    pub flags: Vec<String>,
}

impl Config {
    /// Reads the nearest `hotvm.toml`: in `dir`, or else in the closest folder above that has one.
    pub fn find(dir: &Path) -> Result<Config, Diagnostic> {
        let start = fs::canonicalize(dir).or_else(|_| std::path::absolute(dir));
        let start = start.unwrap_or_else(|_| dir.to_owned());
        let file = start.ancestors().map(|d| d.join(FILE_NAME)).find(|f| f.exists());
        file.map_or_else(|| Ok(Config::default()), |file| Config::read(&file))
    }

    fn read(file: &Path) -> Result<Config, Diagnostic> {
        let text = fs::read_to_string(file).map_err(|e| {
            Diagnostic::error(Code::CannotRead, format!("cannot read `{}`", file.display()))
                .note(e.to_string())
        })?;
        let mut config: Config = toml::from_str(&text).map_err(|e| {
            Diagnostic::error(Code::BadConfig, format!("`{}` cannot be used", file.display()))
                .note(e.to_string().trim_end())
                .help("the keys are `lib-dirs`, `include-dirs`, `cc`, `cflags`, and `flags` in the table `[test]`")
        })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        for dir in config.lib_dirs.iter_mut().chain(&mut config.include_dirs) {
            *dir = folder.join(&*dir);
        }
        config.file = Some(file.to_owned());
        Ok(config)
    }

    /// The folder of the file, from which its relative paths start.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.file.as_deref().and_then(Path::parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("programs/deep")).unwrap();
        fs::write(dir.path().join(FILE_NAME), text).unwrap();
        dir
    }

    #[test]
    fn the_nearest_file_counts_and_its_folders_become_absolute() {
        let dir = project(
            "lib-dirs = ['native', '/opt/x']\ncc = 'clang'\ncflags = ['-O3']\n[test]\nflags = ['-q']\n",
        );
        let root = dir.path().canonicalize().unwrap();
        let config = Config::find(&dir.path().join("programs/deep")).unwrap();
        assert_eq!(config.lib_dirs, [root.join("native"), PathBuf::from("/opt/x")]);
        assert_eq!(config.cc.as_deref(), Some("clang"));
        assert_eq!(config.cflags, ["-O3"]);
        assert_eq!(config.test.flags, ["-q"]);
        assert_eq!(config.folder(), Some(&*root));

        fs::write(dir.path().join("programs/hotvm.toml"), "").unwrap();
        let nearer = Config::find(&dir.path().join("programs/deep")).unwrap();
        assert_eq!(nearer.folder(), Some(&*root.join("programs")));
        assert_eq!(nearer.cc, None);
    }

    #[test]
    fn a_bad_file_is_named_and_explained_in_the_words_of_toml() {
        for (text, words) in [("lib_dirs = []", "lib_dirs"), ("cc = 3", "string"), ("cc =", "cc =")]
        {
            let dir = project(text);
            let error = Config::find(dir.path()).unwrap_err();
            assert_eq!(error.code, Code::BadConfig);
            assert!(error.message.contains("hotvm.toml"), "{error:?}");
            assert!(error.notes[0].contains(words), "{error:?}");
        }
    }
}
