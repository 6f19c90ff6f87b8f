//! Variables beside pointers, by both compilers and at every level of optimisation.

use super::*;
use crate::native::{Fresh, Reason};

const TEXT: &str = include_str!("together.c");

fn library(compiler: &str, flags: &[&str]) -> Library {
    let file = |number| TEXT.replace("PART", number);
    let (one, two, three) = (file("1"), file("2"), file("3"));
    let files = [("one.c", &*one), ("two.c", &*two), ("three.c", &*three)];
    Library::compile(compiler, flags, &files)
}

/// The lost variables of a report, each with the pointer that took it along.
fn lost(report: &StateReport) -> Vec<(&str, Option<&str>)> {
    fn beside(fresh: &Fresh) -> (&str, Option<&str>) {
        match &fresh.reason {
            Reason::Beside { pointer } => (&fresh.name, Some(pointer)),
            _ => (&fresh.name, None),
        }
    }
    let mut lost: Vec<_> = report.fresh.iter().filter(|fresh| fresh.lost).map(beside).collect();
    lost.sort_unstable();
    lost
}

fn check(compiler: &str, flags: &[&str]) {
    let (old, new) = (library(compiler, flags), library(compiler, flags));
    let functions = ["one", "two", "three"];
    let untouched = new.call("one", 0);
    // Untouched, nothing is lost and so nothing is held back. This set the new one's own pointer.
    let (old_calls, again) = (functions.map(|f| old.call(f, 3)), library(compiler, flags));
    let report = old.migrate_with(&again, StateMode::Consistent);
    let expected = [
        ("buffer", None),
        ("cached::size", Some("cached::text")),
        ("cached::text", None),
        ("calls in one.c", Some("buffer")),
        ("one::rounds", Some("buffer")),
        ("ready", Some("buffer")),
    ];
    assert_eq!(lost(&report), expected, "{compiler} {flags:?}: {report:#?}");
    // The first file begins anew, in the second one function does, and the third goes on.
    assert_eq!(again.call("one", 0), untouched, "{compiler} {flags:?}");
    assert_eq!(again.call("two", 3), old_calls[1] + 30 + 30_000);
    assert_eq!(again.call("three", 0), old_calls[2]);

    let apart = library(compiler, flags);
    let report = old.migrate_with(&apart, StateMode::Partial);
    let names: Vec<_> = lost(&report).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["buffer", "cached::text"], "{compiler} {flags:?}: {report:#?}");
}

#[test]
fn what_depends_on_a_lost_pointer_begins_anew_with_it() {
    check("gcc", &["-O0"]);
    check("gcc", &["-O2"]);
    check("gcc", &["-O2", "-flto"]);
    if has_clang() {
        check("clang", &["-O0"]);
        check("clang", &["-O2"]);
        check("clang", &["-O2", "-flto", "-fuse-ld=lld"]);
    }
}

#[test]
fn a_pointer_that_was_never_set_takes_nothing_along() {
    let text = "#include <stdlib.h>
        static int ready; static long *table; static long n;
        long f(int by) { if (by > 100) { table = malloc(8); ready = 1; } return n += by; }";
    let (old, new) = (Library::plain(text), Library::plain(text));
    old.call("f", 5);
    let report = old.migrate_with(&new, StateMode::Consistent);
    assert_eq!((lost(&report), new.call("f", 0)), (vec![], 5), "{report:#?}");
    old.call("f", 101);
    let next = Library::plain(text);
    let report = old.migrate_with(&next, StateMode::Consistent);
    let expected = [("n", Some("table")), ("ready", Some("table")), ("table", None)];
    assert_eq!((&*lost(&report), next.call("f", 0)), (&expected[..], 0), "{report:#?}");
    assert_eq!(
        report.to_string(),
        "state: 0 variables carried, 3 fresh (n: it may depend on table, see --partial-state; \
         ready: it may depend on table, see --partial-state; table: it holds a pointer)"
    );
}

#[test]
fn a_pointer_that_the_new_version_has_no_more_takes_nothing_along() {
    let text = "#include <stdlib.h>
        static long *table; static long n;
        long f(int by) { if (!table) table = malloc(8); return n += by; }";
    let old = Library::plain(text);
    old.call("f", 5);
    let new = Library::plain("static long n; long f(int by) { return n += by; }");
    let report = old.migrate_with(&new, StateMode::Consistent);
    assert_eq!((new.call("f", 0), &report.gone[..]), (5, &["table".to_owned()][..]));
}
