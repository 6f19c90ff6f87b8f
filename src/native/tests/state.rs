//! State across reloads, as a program sees it.

use super::*;
use crate::diagnostics::Code;
use crate::native::StateMode;

fn number(symbol: &str) -> Import {
    import("x.c", symbol, &[], CType::I64)
}

#[test]
fn variables_keep_their_values_and_an_edited_one_takes_the_new() {
    let lab = Lab::new();
    lab.write("x.c", "static long total, step = 1; long next(void) { return total += step; }");
    let mut libraries = lab.bound(&[number("next")]);
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 0, &[])), (1, 2));
    lab.write("x.c", "static long total, step = 10; long next(void) { return total += step; }");
    libraries.reload(0).unwrap();
    assert_eq!(ask(&mut libraries, 0, &[]), 12);
}

#[test]
fn a_structure_grows_around_its_values() {
    let lab = Lab::new();
    lab.write(
        "x.c",
        "static struct { int a, b; } s = {1, 2}; long next(void) { return s.a += s.b; }",
    );
    let mut libraries = lab.bound(&[number("next")]);
    assert_eq!(ask(&mut libraries, 0, &[]), 3);
    lab.write(
        "x.c",
        "static struct { int a, c; long b; } s = {1, 100, 2};
         long next(void) { s.a += s.b; return s.a + s.c; }",
    );
    libraries.reload(0).unwrap();
    assert_eq!(ask(&mut libraries, 0, &[]), 105);
}

#[test]
fn fresh_state_begins_anew() {
    let lab = Lab::new();
    let counter = "static long n; long next(void) { return ++n; }";
    lab.write("x.c", counter);
    let settings = Settings { state: StateMode::Fresh, ..lab.settings() };
    let mut libraries = Libraries::new(vec![number("next")], settings);
    libraries.bind_all().unwrap();
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 0, &[])), (1, 2));
    lab.write("x.c", &counter.replace("++n", "(n += 1) + 10"));
    libraries.reload(0).unwrap();
    assert_eq!(ask(&mut libraries, 0, &[]), 11);
}

#[test]
fn an_upgrade_that_refuses_keeps_the_old_with_its_state() {
    let lab = Lab::new();
    let code = |version: u32, upgrade: &str| {
        format!(
            "#include <hotvm.h>\n#include <stdlib.h>\nHOTVM_VERSION({version})\nHOTVM_STATE(long)\n
             int hotvm_upgrade(uint32_t version, const void *old, void **new) {{ {upgrade} }}\n
             long next(void) {{
                 if (!hotvm_state) hotvm_state = calloc(1, sizeof(long));
                 return *hotvm_state += {version};
             }}"
        )
    };
    lab.write("x.c", &code(1, "return 1;"));
    let mut libraries = lab.bound(&[number("next")]);
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 0, &[])), (1, 2));
    lab.write("x.c", &code(10, "return version == 1 ? 7 : 0;"));
    let refused = libraries.reload(0).unwrap_err();
    assert_eq!(refused.diagnostic.code, Code::UpgradeRefused);
    assert_eq!(ask(&mut libraries, 0, &[]), 3);
    let takes = "if (version != 1 || !old) return 1; \
                 long *state = malloc(sizeof *state); *state = *(const long *)old * 1000; \
                 *new = state; return 0;";
    lab.write("x.c", &code(10, takes));
    libraries.reload(0).unwrap();
    assert_eq!(ask(&mut libraries, 0, &[]), 3010);
}
