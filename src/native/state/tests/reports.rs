//! What is told of a migration, and the conversions one by one.

use super::super::{Fresh, Reason};
use super::*;

/// Loads two versions, lets the old one run `f(argument)`, and migrates.
fn migrate(old: &str, new: &str, argument: i32) -> (Library, StateReport) {
    let (old, new) = (Library::plain(old), Library::plain(new));
    old.call("f", argument);
    let report = old.migrate(&new);
    (new, report)
}

/// The report's line for two declarations of `x`, which `f` of the old version sets to its argument.
fn line(old: &str, new: &str, argument: i32) -> String {
    let set = |declaration: &str| format!("{declaration}; void f(int n) {{ x = n; }}");
    migrate(&set(old), &set(new), argument).1.to_string()
}

fn fresh(name: &str, reason: Reason, lost: bool) -> Fresh {
    Fresh { name: name.to_owned(), reason, lost }
}

#[test]
fn a_line_tells_what_moved_and_what_did_not() {
    let old = "static int a, b; int table[4]; static char *p; static int gone, *q = &a;
               void f(int n) { a = b = table[1] = gone = n; p = (char *)&b; }";
    let new = "static int a, b; float table[4]; static char *p; static int *q = &b;
               void f(int n) {}";
    let (_, report) = migrate(old, new, 7);
    assert_eq!(
        report.to_string(),
        "state: 2 variables carried, \
         2 fresh (p: it holds a pointer; table: its type changed from int[4] to float[4]), \
         1 gone (gone)"
    );
    // It still leads where it did in the beginning, so nothing is lost.
    let pointer = Reason::Pointer { path: String::new() };
    assert!(report.fresh.contains(&fresh("q", pointer, false)), "{report:?}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["carried"][0]["name"], "a");
    assert_eq!(json["fresh"][0]["reason"]["kind"], "pointer");
}

#[test]
fn whole_numbers_keep_their_value_or_stay() {
    let carried = "state: 1 variable carried";
    assert_eq!(line("static int x", "static long x", -5), carried);
    assert_eq!(line("static long x", "static unsigned char x", 255), carried);
    assert_eq!(line("static int x", "static _Bool x", 1), carried);
    let stays = |why: &str| format!("state: 0 variables carried, 1 fresh (x: {why})");
    assert_eq!(
        line("static long x", "static unsigned char x", 256),
        stays("256 does not fit unsigned char")
    );
    assert_eq!(
        line("static int x", "static unsigned x", -1),
        stays("-1 does not fit unsigned int")
    );
    assert_eq!(line("static int x", "static _Bool x", 2), stays("2 does not fit _Bool"));
}

#[test]
fn floats_keep_their_value_or_stay() {
    assert_eq!(line("static float x", "static double x", 3), "state: 1 variable carried");
    assert_eq!(line("static double x", "static float x", 3), "state: 1 variable carried");
    assert_eq!(
        line("static double x", "static float x", 16_777_217),
        "state: 0 variables carried, 1 fresh (x: 16777217 does not fit float)"
    );
    assert_eq!(
        line("static float x", "static int x", 3),
        "state: 0 variables carried, 1 fresh (x: its type changed from float to int)"
    );
}

#[test]
fn an_enumerator_keeps_its_meaning() {
    let old = "static enum { NONE, LOW, HIGH } x";
    assert_eq!(line(old, "static enum { NONE, LOW, TOP } x", 2), "state: 1 variable carried");
    assert_eq!(
        line(old, "static enum { NONE, LOW, MIDDLE, HIGH } x", 2),
        "state: 1 variable carried"
    );
    assert_eq!(line(old, "static int x", 2), "state: 1 variable carried");
    assert_eq!(
        line(old, "static enum two { NONE, LOW } x", 2),
        "state: 0 variables carried, 1 fresh (x: HIGH does not fit enum two)"
    );
    // A set of flags has no name of its own.
    let flags = "static enum { A = 1, B = 2 } x";
    assert_eq!(
        line(flags, "static enum { A = 1, B = 2, C = 4 } x", 3),
        "state: 1 variable carried"
    );
    assert_eq!(
        line(flags, "static enum two { A = 1, B = 4 } x", 3),
        "state: 0 variables carried, 1 fresh (x: 3 does not fit enum two)"
    );
}

#[test]
fn an_edited_initial_value_counts_unless_the_program_has_set_its_own() {
    let edited = "state: 0 variables carried, 1 with a new initial value (x)";
    assert_eq!(line("static int x = 1", "static int x = 2", 1), edited);
    assert_eq!(line("static int x = 1", "static long x = 2", 1), edited);
    assert_eq!(line("static int x = 1", "static int x = 2", 3), "state: 1 variable carried");
    assert_eq!(line("static int x = 1", "static long x = 1", 1), "state: 1 variable carried");
}

#[test]
fn a_text_is_one_value() {
    let old = "static char x[8] = \"abc\"; void f(int n) { x[2] = (char)n; }
               long g(int n) { return x[n]; }";
    let (new, report) = migrate(old, &old.replace("abc", "xyz"), i32::from(b'd'));
    assert_eq!(report.carried.len(), 1);
    assert_eq!([0, 1, 2].map(|i| new.call("g", i) as u8), *b"abd");
}

#[test]
fn state_survives_generation_after_generation() {
    let text = |types: &str| {
        format!(
            "static {types} x; long f(int n) {{ return x += n; }} int g(void) {{ static int c; return ++c; }}"
        )
    };
    let mut library = Library::plain(&text("int"));
    for (i, types) in ["long", "short", "unsigned", "int"].into_iter().cycle().take(12).enumerate()
    {
        library.call("f", 1);
        library.call("g", 0);
        let next = Library::plain(&text(types));
        assert_eq!(library.migrate(&next).carried.len(), 2);
        assert_eq!(next.call("f", 0), i as i64 + 1);
        library = next;
    }
    assert_eq!(library.call("g", 0), 13);
}

#[test]
fn variables_are_found_after_files_and_folders_were_renamed() {
    let old = [("one.c", "static int a; int b; void f(int n) { a = b = n; }"), ("two.c", "")];
    let new = [("two.c", "int b;"), ("one.c", "static int a; void f(int n) { a = n; }")];
    let (old, new) = (Library::compile("cc", &[], &old), Library::compile("cc", &[], &new));
    old.call("f", 3);
    assert_eq!(old.migrate(&new).to_string(), "state: 2 variables carried");
}

#[test]
fn variables_of_one_name_are_not_guessed_at() {
    let block = "{ static int c; c += n; }";
    let (_, report) = migrate(
        &format!("void f(int n) {{ {block} {block} }}"),
        &format!("void f(int n) {{ {block} {block} {block} }}"),
        1,
    );
    let expected = fresh("f::c", Reason::SeveralOfTheName, true);
    assert_eq!((report.carried.len(), report.fresh), (0, vec![expected.clone(), expected]));
}

#[test]
fn without_debug_information_that_is_said_unless_there_are_no_variables() {
    let text = [("s.c", "static int x; int f(int n) { return x += n; }")];
    let (bare, full) =
        (Library::compile("cc", &["-g0"], &text), Library::compile("cc", &[], &text));
    assert_eq!(
        full.migrate(&bare).to_string(),
        "state: all variables start afresh \
         (the new version has no debug information; compile it with -g)"
    );
    assert!(bare.migrate(&full).unread.is_some());
    let pure = Library::compile("cc", &["-g0"], &[("s.c", "int f(int n) { return n; }")]);
    assert!(pure.migrate(&pure).is_empty());
}

#[test]
fn information_in_a_file_of_its_own_serves_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = [("s.c", "static int x = 3; int f(int n) { return x += n; }")];
    let whole = Library::compile_in(folder.path(), "cc", &[], &text);
    let stripped = folder.path().join("stripped.so");
    let mut strip = Command::new("strip");
    strip.arg(folder.path().join("made.so")).arg("-o").arg(&stripped);
    assert!(strip.status().unwrap().success());
    let statics = Statics::read_with(&fs::read(stripped).unwrap(), &whole.bytes);
    assert_eq!(statics.variables.len(), 1);
}

#[test]
fn cpp_variables_carry_over_where_they_are_plain() {
    let text = "namespace game {
                    int score;
                    struct Base { int lives; };
                    struct Player : Base { double x; static int count; } player;
                    int Player::count;
                    struct Ghost { virtual ~Ghost() {} int n; } ghost;
                }
                static int start() { return 5; }
                inline int &shared() { static int n; return n; }
                int over(int n) { static int c; return c += n; }
                int over(long n) { static int c; return c += 2 * (int)n; }
                extern \"C\" long f(int n) {
                    static int lazy = start();
                    game::score += n; game::player.lives += n; game::player.x += n;
                    game::Player::count += n; game::ghost.n += n; lazy += n; shared() += n;
                    return over(n) + 100 * over((long)n) + 10000 * game::score + 1000000 * shared();
                }";
    let (old, new) = (
        Library::compile("c++", &[], &[("g.cc", text)]),
        Library::compile("c++", &["-O2"], &[("g.cc", text)]),
    );
    let before = old.call("f", 3);
    let report = old.migrate(&new);
    assert_eq!(new.call("f", 0), before, "{report:#?}");
    let carried: Vec<_> = report.carried.iter().map(|carried| &*carried.name).collect();
    let expected = ["game::score", "game::player", "game::Player::count", "over::c", "over::c"];
    assert!(expected.iter().all(|name| carried.contains(name)), "{report:#?}");
    let reason = |name: &str| report.fresh.iter().find(|f| f.name == name).map(|f| &f.reason);
    assert_eq!(reason("f::lazy"), Some(&Reason::RunsOnce));
    assert_eq!(reason("shared::n"), Some(&Reason::Shared));
    assert!(matches!(reason("game::ghost"), Some(Reason::Pointer { .. })));
}

#[test]
fn rust_variables_carry_over() {
    let text = "use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
                static TOTAL: AtomicI64 = AtomicI64::new(5);
                mod inner { pub static mut PAIR: (u8, i32) = (1, 2); }
                #[unsafe(no_mangle)] pub extern \"C\" fn f(n: i32) -> i64 {
                    static CALLS: AtomicI64 = AtomicI64::new(0);
                    unsafe { inner::PAIR.1 += n; CALLS.fetch_add(n.into(), SeqCst);
                    TOTAL.fetch_add(n.into(), SeqCst) + i64::from(inner::PAIR.1) + 100 * CALLS.load(SeqCst) }
                }";
    let build = |level: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lib.rs"), text).unwrap();
        let mut rustc = Command::new("rustc");
        rustc.current_dir(folder.path()).args(["--crate-type", "cdylib", "--edition", "2024"]);
        rustc.args(["-g", "-o", "made.so", "-C", level, "lib.rs"]);
        assert!(rustc.status().unwrap().success());
        Library::load(fs::read(folder.path().join("made.so")).unwrap())
    };
    let (old, new) = (build("opt-level=0"), build("opt-level=3"));
    old.call("f", 3);
    let report = old.migrate(&new);
    assert_eq!(new.call("f", 0), old.call("f", 0), "{report:#?}");
    assert_eq!(
        report.carried.iter().filter(|c| c.name.starts_with("lib::")).count(),
        3,
        "{report:#?}"
    );
}

#[test]
fn functions_without_a_name_do_not_swap_their_variables() {
    if !has_clang() {
        return;
    }
    // Inlined everywhere, clang's information leaves the name out; in one version it is the first
    // function and in the other the second.
    let text = |first: &str, second: &str| {
        format!(
            "static {first} int one(int n) {{ static int calls; return calls += n; }}
             static {second} int two(int n) {{ static int calls; return calls += 2 * n; }}
             int f(int n) {{ return one(n) + 1000 * two(n); }}"
        )
    };
    let build =
        |first, second| Library::compile("clang", &["-O2"], &[("s.c", &text(first, second))]);
    let apart = "__attribute__((noinline))";
    let (old, new) = (build("", apart), build(apart, ""));
    old.call("f", 3);
    let report = old.migrate(&new);
    assert_eq!(new.call("f", 0) as i32, 6003, "{report:#?}");
}
