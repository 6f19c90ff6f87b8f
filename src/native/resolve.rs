//! From a library's name in a program to the place where it is.

use super::build::Language;
use super::os;
use super::policy::{Policy, Purpose, shown};
use crate::diagnostics::{Code, Diagnostic, closest};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Endings that make a name a path. Some are of sources that hotvm cannot build: naming one is a
/// mistake about a file, not a search for `libshapes.cpp.so`.
const ENDINGS: &[&str] = &[
    "so", "dll", "dylib", "c", "rs", "a", "o", "h", "cc", "cpp", "cxx", "hpp", "m", "s", "S", "d",
    "go", "zig", "f90", "swift",
];

/// Where a library is, as the program means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A shared library.
    File(PathBuf),
    /// A source to build one from.
    Source(PathBuf, Language),
    /// The system's own library of this name, found by its loader.
    System(String),
}

impl Place {
    /// What the library called `name` means. A path is not looked at yet.
    pub fn of(name: &str, policy: &Policy) -> Result<Place, Diagnostic> {
        policy.admit_any(name)?;
        if is_path(name) {
            let path = policy.program_dir().join(name);
            return Ok(match path.extension().and_then(Language::of_extension) {
                Some(language) => Place::Source(path, language),
                None => Place::File(path),
            });
        }
        let candidates = Place::candidates(name, policy);
        if let Some(path) = candidates.into_iter().find(|path| path.is_file()) {
            return Ok(Place::File(path));
        }
        let file_name = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
        match policy.allows_system() && !os::system_files(name).is_empty() {
            true => Ok(Place::System(name.to_owned())),
            false => Err(bare_name_not_found(name, &file_name, policy)),
        }
    }

    /// The files that the library called `name` can come from, whether they are there or not.
    pub fn candidates(name: &str, policy: &Policy) -> Vec<PathBuf> {
        if is_path(name) {
            return vec![policy.program_dir().join(name)];
        }
        let file_name = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
        policy.folders().iter().map(|folder| folder.path.join(&file_name)).collect()
    }

    /// The file, where hotvm knows it.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Place::File(path) | Place::Source(path, _) => Some(path),
            Place::System(_) => None,
        }
    }

    /// The same place, free of symbolic links, if the policy allows it.
    pub fn admitted(&self, name: &str, policy: &Policy) -> Result<Place, Diagnostic> {
        let real = |path: &PathBuf, purpose| {
            let real = path.canonicalize().map_err(|e| path_not_found(name, path, &e))?;
            policy.admit(name, &real, purpose).map(|()| real)
        };
        Ok(match self {
            Place::File(path) => Place::File(real(path, Purpose::Load)?),
            Place::Source(path, language) => Place::Source(real(path, Purpose::Build)?, *language),
            Place::System(name) => Place::System(name.clone()),
        })
    }
}

/// Whether a name is a path rather than something to search for.
fn is_path(name: &str) -> bool {
    let separator = |c| c == '/' || (cfg!(windows) && c == '\\');
    let ending = Path::new(name).extension().and_then(OsStr::to_str);
    // Versions follow the ending: libz.so.1.3
    let versioned = || {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        stem.ends_with(".so") && name[stem.len()..].starts_with('.')
    };
    name.contains(separator) || ending.is_some_and(|e| ENDINGS.contains(&e)) || versioned()
}

fn path_not_found(name: &str, path: &Path, why: &std::io::Error) -> Diagnostic {
    let folder = path.parent().unwrap_or(Path::new("."));
    let wanted = path.file_name().and_then(OsStr::to_str).unwrap_or(name);
    let files = file_names(folder);
    let error = Diagnostic::error(Code::LibraryNotFound, format!("there is no library `{name}`"));
    let error = match why.kind() {
        std::io::ErrorKind::NotFound if folder.is_dir() => {
            error.note(format!("looked for {}", shown(folder).join(wanted).display()))
        }
        std::io::ErrorKind::NotFound => {
            error.note(format!("there is no folder {}", shown(folder).display()))
        }
        _ => error.note(format!("{}: {why}", path.display())),
    };
    let source = built_from(&files, stem(wanted));
    error.maybe_help(
        source.or_else(|| similar(wanted, files.iter().map(String::as_str)).map(did_you_mean)),
    )
}

fn bare_name_not_found(name: &str, file_name: &str, policy: &Policy) -> Diagnostic {
    let files: Vec<String> = policy.folders().iter().flat_map(|f| file_names(&f.path)).collect();
    let libraries = || files.iter().filter_map(|f| f.strip_suffix(DLL_SUFFIX)).map(without_prefix);
    let in_system = !policy.allows_system() && !os::system_files(name).is_empty();
    let help = if in_system {
        Some(format!(
            "if you mean the library `{name}` of the system, run with `--allow-system-libs`"
        ))
    } else {
        built_from(&files, name).or_else(|| similar(name, libraries()).map(did_you_mean))
    };
    let mut searched = policy.list_folders();
    if policy.allows_system() {
        searched.push_str(", the system");
    }
    Diagnostic::error(Code::LibraryNotFound, format!("there is no library `{name}`"))
        .note(format!("looked for {file_name} in {searched}"))
        .help(help.unwrap_or_else(|| {
            "name its folder with `--lib-dir DIR`, or in the `lib-dirs` of hotvm.toml".to_owned()
        }))
}

/// The nearest of `names`; `name` itself, found where the policy does not reach, helps nobody.
fn similar<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    closest(name, names.filter(|n| *n != name))
}

fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// Advice for someone who names the library where only its source is.
fn built_from(files: &[String], stem: &str) -> Option<String> {
    let source = |file: &&String| {
        let path = Path::new(file.as_str());
        path.file_stem() == Some(OsStr::new(stem))
            && path.extension().and_then(Language::of_extension).is_some()
    };
    let file = files.iter().find(source)?;
    Some(format!("{file} is there: name it instead, and hotvm builds it"))
}

fn stem(file_name: &str) -> &str {
    without_prefix(file_name.split('.').next().unwrap_or(file_name))
}

fn without_prefix(name: &str) -> &str {
    name.strip_prefix(DLL_PREFIX).unwrap_or(name)
}

fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;
    use std::fs;

    fn world(files: &[&str]) -> (tempfile::TempDir, Settings) {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let settings = Settings { program_dir: dir.path().join("program"), ..Settings::default() };
        (dir, settings)
    }

    fn place(name: &str, settings: &Settings) -> Result<Place, Diagnostic> {
        let policy = Policy::new(settings);
        let place = Place::of(name, &policy)?;
        place.admitted(name, &policy).map(|_| place)
    }

    #[test]
    fn endings_and_separators_make_a_path() {
        for name in ["a/b", "x.so", "libx.so.1", "libx.so.1.2.3", "x.c", "x.rs", "x.dylib", "x.cpp"]
        {
            assert!(is_path(name), "{name}");
        }
        for name in ["m", "math_ops", "gtk-4", "python3.11", "a.b", "", ".so1"] {
            assert!(!is_path(name), "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_are_searched_in_order_and_paths_start_at_the_program() {
        let (dir, mut settings) =
            world(&["program/libnear.so", "one/libfar.so", "two/libfar.so", "program/src/x.c"]);
        settings.lib_dirs = vec![dir.path().join("one"), dir.path().join("two")];
        let at = |path: &str| dir.path().join("program").join(path);
        assert_eq!(place("near", &settings), Ok(Place::File(at("libnear.so"))));
        assert_eq!(place("far", &settings), Ok(Place::File(dir.path().join("one/libfar.so"))));
        assert_eq!(place("libnear.so", &settings), Ok(Place::File(at("libnear.so"))));
        let source = Place::Source(at("src/x.c"), Language::C);
        assert_eq!(place("src/x.c", &settings), Ok(source));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_not_found_is_said_with_places_and_the_likely_name() {
        let (_dir, settings) = world(&["program/libmath_ops.so", "program/text.c"]);
        let error = place("math_opt", &settings).unwrap_err();
        assert_eq!(error.code, Code::LibraryNotFound);
        assert!(error.notes[0].contains("libmath_opt.so in "), "{error:?}");
        assert_eq!(error.help.as_deref(), Some("did you mean `math_ops`?"));

        let error = place("./libmath_op.so", &settings).unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `libmath_ops.so`?"));
        let error = place("nowhere/libx.so", &settings).unwrap_err();
        assert!(error.notes[0].contains("there is no folder"), "{error:?}");
        for name in ["text", "libtext.so"] {
            let help = place(name, &settings).unwrap_err().help.unwrap();
            assert!(help.contains("text.c is there"), "{help}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_systems_libraries_need_a_flag() {
        let (_dir, mut settings) = world(&["program/x"]);
        let error = place("m", &settings).unwrap_err();
        assert!(error.help.unwrap().contains("--allow-system-libs"));
        settings.allow_system_libs = true;
        assert_eq!(place("m", &settings), Ok(Place::System("m".to_owned())));
    }

    #[test]
    fn odd_names_are_errors_not_panics() {
        let (_dir, settings) = world(&["program/x"]);
        for name in ["", ".", "/", "..", "\0", "a\0.so", "../", "\u{fffd}/x.so", "x.so."] {
            let result = place(name, &settings);
            assert!(result.is_err() || name.ends_with(['.', '/']), "{name:?}: {result:?}");
        }
    }
}
