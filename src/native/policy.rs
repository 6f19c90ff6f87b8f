//! Which libraries a program may load.
//!
//! Bytecode may come from strangers, libraries may not: native code can do all that the user can.
//! So a program gets what lies in folders that the user vouched for, and nothing else.

use super::settings::Settings;
use crate::diagnostics::{Code, Diagnostic};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A folder that libraries are searched in and may come from.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub path: PathBuf,
    /// What made it one, for messages.
    pub because: &'static str,
}

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Load,
    Build,
}

/// The answer to "may this program load that?".
#[derive(Clone, Debug)]
pub(super) struct Policy {
    folders: Vec<Folder>,
    files: Vec<PathBuf>,
    system: bool,
    native: bool,
}

impl Policy {
    /// The policy of these settings and of the user's `HOTVM_LIB_PATH`.
    pub fn new(settings: &Settings) -> Policy {
        Policy::with_lib_path(settings, std::env::var_os("HOTVM_LIB_PATH"))
    }

    fn with_lib_path(settings: &Settings, lib_path: Option<OsString>) -> Policy {
        let folder = |because| move |path: &PathBuf| Folder { path: path.clone(), because };
        let lib_path: Vec<PathBuf> = lib_path
            .iter()
            .flat_map(std::env::split_paths)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        let program_dir = match settings.program_dir.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => settings.program_dir.clone(),
        };
        let mut folders = vec![Folder { path: program_dir, because: "the program's folder" }];
        folders.extend(settings.lib_dirs.iter().map(folder("--lib-dir")));
        folders.extend(settings.config.lib_dirs.iter().map(folder("lib-dirs in hotvm.toml")));
        folders.extend(lib_path.iter().map(folder("HOTVM_LIB_PATH")));
        Policy {
            folders,
            files: settings.allow_libs.clone(),
            system: settings.allow_system_libs,
            native: !settings.no_native,
        }
    }

    /// The folders that are searched, in order.
    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }

    /// The folder that relative paths start from.
    pub fn program_dir(&self) -> &Path {
        &self.folders[0].path
    }

    /// Whether the system's own libraries may be loaded.
    pub fn allows_system(&self) -> bool {
        self.system
    }

    /// Refuses everything under `--no-native`.
    pub fn admit_any(&self, name: &str) -> Result<(), Diagnostic> {
        if self.native {
            return Ok(());
        }
        Err(Diagnostic::error(Code::NotAllowed, format!("`{name}` is not loaded"))
            .note("`--no-native` refuses every library"))
    }

    /// Whether the file `real`, which the program calls `name`, may be used. `real` has no
    /// symbolic links left, so what is compared is where the file truly lies.
    pub fn admit(&self, name: &str, real: &Path, purpose: Purpose) -> Result<(), Diagnostic> {
        // Folders are resolved at each question: they may be made or moved while a program runs.
        let within =
            |folder: &Folder| folder.path.canonicalize().is_ok_and(|f| real.starts_with(f));
        let named = |file: &PathBuf| file.canonicalize().is_ok_and(|f| f == real);
        let single = purpose == Purpose::Load && self.files.iter().any(named);
        if single || self.folders.iter().any(within) {
            return Ok(());
        }
        let parent = real.parent().unwrap_or(real).display();
        let help = match purpose {
            Purpose::Load => format!(
                "to trust this one file, run with `--allow-lib {}`; to trust its folder, with \
                 `--lib-dir {parent}`",
                real.display()
            ),
            Purpose::Build => format!("to trust its folder, run with `--lib-dir {parent}`"),
        };
        Err(Diagnostic::error(Code::NotAllowed, format!("`{name}` may not be loaded"))
            .note(format!("it is the file {}", real.display()))
            .note(format!("this program may load from {}", self.list_folders()))
            .help(help))
    }

    /// The folders and their reasons in one line.
    pub fn list_folders(&self) -> String {
        let all: Vec<_> = self
            .folders
            .iter()
            .map(|f| format!("{} ({})", shown(&f.path).display(), f.because))
            .collect();
        all.join(", ")
    }
}

/// A path as messages show it: absolute and without links where that is known.
pub(super) fn shown(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct World {
        dir: tempfile::TempDir,
        settings: Settings,
    }

    impl World {
        fn new() -> World {
            let dir = tempfile::tempdir().unwrap();
            for folder in ["program/sub", "libs", "elsewhere"] {
                fs::create_dir_all(dir.path().join(folder)).unwrap();
            }
            for file in ["program/a.so", "program/sub/b.so", "libs/c.so", "elsewhere/d.so"] {
                fs::write(dir.path().join(file), "").unwrap();
            }
            let settings =
                Settings { program_dir: dir.path().join("program"), ..Settings::default() };
            World { dir, settings }
        }

        fn path(&self, file: &str) -> PathBuf {
            self.dir.path().join(file)
        }

        fn admits(&self, file: &str, purpose: Purpose) -> bool {
            let real = self.path(file).canonicalize().unwrap();
            Policy::with_lib_path(&self.settings, None).admit(file, &real, purpose).is_ok()
        }
    }

    #[test]
    fn the_programs_folder_and_what_is_named_are_allowed_and_nothing_else() {
        let mut world = World::new();
        assert!(world.admits("program/a.so", Purpose::Load));
        assert!(world.admits("program/sub/b.so", Purpose::Build));
        assert!(!world.admits("libs/c.so", Purpose::Load));
        world.settings.lib_dirs = vec![world.path("libs")];
        assert!(world.admits("libs/c.so", Purpose::Build));
        assert!(!world.admits("elsewhere/d.so", Purpose::Load));
        world.settings.allow_libs = vec![world.path("elsewhere/d.so")];
        assert!(world.admits("elsewhere/d.so", Purpose::Load));
        assert!(!world.admits("elsewhere/d.so", Purpose::Build));
        world.settings.config.lib_dirs = vec![world.path("elsewhere")];
        assert!(world.admits("elsewhere/d.so", Purpose::Build));
    }

    #[test]
    fn folders_of_the_users_own_environment_are_allowed() {
        let world = World::new();
        let lib_path = std::env::join_paths([world.path("libs")]).unwrap();
        let policy = Policy::with_lib_path(&world.settings, Some(lib_path));
        let real = world.path("libs/c.so").canonicalize().unwrap();
        assert!(policy.admit("c", &real, Purpose::Load).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_seen_through() {
        let world = World::new();
        std::os::unix::fs::symlink(world.path("elsewhere/d.so"), world.path("program/in.so"))
            .unwrap();
        std::os::unix::fs::symlink(world.path("elsewhere"), world.path("program/way")).unwrap();
        assert!(!world.admits("program/in.so", Purpose::Load));
        assert!(!world.admits("program/way/d.so", Purpose::Load));
    }

    #[test]
    fn a_refusal_names_the_file_the_folders_and_the_flags() {
        let world = World::new();
        let real = world.path("libs/c.so").canonicalize().unwrap();
        let policy = Policy::with_lib_path(&world.settings, None);
        let error = policy.admit("../libs/c.so", &real, Purpose::Load).unwrap_err();
        assert_eq!(error.code, Code::NotAllowed);
        assert!(error.message.contains("`../libs/c.so`"));
        assert!(error.notes[1].contains("the program's folder"));
        let help = error.help.unwrap();
        assert!(help.contains("--allow-lib") && help.contains("--lib-dir"), "{help}");

        let none = Settings { no_native: true, ..world.settings.clone() };
        let error = Policy::with_lib_path(&none, None).admit_any("a").unwrap_err();
        assert!(error.notes[0].contains("--no-native"));
    }
}
