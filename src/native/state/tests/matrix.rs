//! Every kind of variable, by both compilers and at every level of optimisation.

use super::*;

const KINDS: [(&str, &str); 2] =
    [("kinds.c", include_str!("kinds.c")), ("other.c", include_str!("other.c"))];

/// Values that must be the same after the migration.
const CARRIED: std::ops::RangeInclusive<i32> = 0..=38;

/// Values that the new version has for itself.
const ITS_OWN: [(i32, i64); 15] = [
    (100, 15),  // too_narrow
    (101, 4),   // cut
    (102, 0),   // retyped
    (103, 30),  // edited
    (104, 200), // config.limit
    (105, 0),   // pointer
    (106, 0),   // function
    (107, 0),   // list
    (108, 0),   // mixed_union
    (109, 1),   // address
    (110, 1),   // threaded
    (111, 2 + 98 + 41),
    (112, 9),  // grown.added
    (113, 46), // particles[].added
    (114, 0),  // longer
];

/// What must be told as lost, wherever the compiler keeps it.
const LOST: [&str; 10] = [
    "address",
    "cut",
    "function",
    "grown.removed",
    "list",
    "mixed_union",
    "pointer",
    "retyped",
    "threaded",
    "too_narrow",
];

fn check(compiler: &str, flags: &[&str]) {
    check_between((compiler, flags), (compiler, flags));
}

fn check_between(first: (&str, &[&str]), (compiler, flags): (&str, &[&str])) {
    let old = Library::compile(first.0, first.1, &KINDS);
    let new = Library::compile(compiler, &[flags, &["-DNEW"]].concat(), &KINDS);
    old.call("change", 2);
    old.call("change", 3);
    let before: Vec<_> = CARRIED.map(|what| old.call("probe", what)).collect();
    let untouched: Vec<_> = CARRIED.map(|what| new.call("probe", what)).collect();
    let report = old.migrate(&new);

    let same = |what: &i32| new.call("probe", *what) == before[*what as usize];
    let wrong: Vec<_> = CARRIED.filter(|what| !same(what)).collect();
    assert_eq!(wrong, [0; 0], "{compiler} {flags:?}: {report:#?}");
    let moved = CARRIED.filter(|what| before[*what as usize] != untouched[*what as usize]);
    assert_eq!(moved.count(), before.len(), "each value had changed");
    for (what, expected) in ITS_OWN {
        assert_eq!(new.call("probe", what), expected, "{compiler} {flags:?}: {what}: {report:#?}");
    }

    let lost = report.fresh.iter().filter(|fresh| fresh.lost).map(|fresh| &*fresh.name);
    let mut lost: Vec<_> = lost.chain(report.gone.iter().map(|gone| &**gone)).collect();
    lost.sort_unstable();
    assert_eq!(lost, LOST, "{compiler} {flags:?}: {report:#?}");
    // What never changes may be a constant to the compiler, and then it is no variable.
    let edited: Vec<_> = report.edited.iter().filter(|name| *name != "never_changed").collect();
    assert_eq!(edited, ["config.limit", "edited"], "{compiler} {flags:?}");
}

#[test]
fn gcc_without_optimisation() {
    check("gcc", &["-O0"]);
}

#[test]
fn gcc_with_older_information() {
    check("gcc", &["-O1", "-gdwarf-4", "-gstrict-dwarf"]);
    check("gcc", &["-O3", "-gdwarf-4", "-fdebug-types-section", "-gz"]);
}

#[test]
fn gcc_with_optimisation() {
    check("gcc", &["-O2"]);
}

#[test]
fn gcc_with_link_time_optimisation() {
    check("gcc", &["-O2", "-flto"]);
}

#[test]
fn clang_without_optimisation() {
    if has_clang() {
        check("clang", &["-O0"]);
    }
}

#[test]
fn clang_with_optimisation() {
    if has_clang() {
        check("clang", &["-O2"]);
    }
}

#[test]
fn clang_with_link_time_optimisation() {
    if has_clang() {
        check("clang", &["-O2", "-flto", "-fuse-ld=lld"]);
    }
}

#[test]
fn from_one_compiler_to_the_other() {
    if has_clang() {
        check_between(("gcc", &["-O0"]), ("clang", &["-O2"]));
        check_between(("clang", &["-O2"]), ("gcc", &["-O2", "-flto"]));
        check_between(("clang", &["-O2", "-gdwarf-4"]), ("clang", &["-O0"]));
    }
}
