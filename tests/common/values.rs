//! Programs that call a function `value`, and libraries that give it: what tests of `--watch` share.

use super::{Lab, Session};

/// C whose function `value` gives a number, after a moment: a loop that calls it should leave the
/// machine to others.
pub fn value(expression: impl std::fmt::Display) -> String {
    format!("#include <unistd.h>\nlong value(void) {{ usleep(100); return {expression}; }}\n")
}

/// Prints what `value` gives, whenever that is something else than before.
pub fn on_change(library: &str) -> String {
    format!(
        ".lib 0 \"{library}\" value () -> i64\n\
         .local last: i64\n\
         again: CALL_NATIVE 0\nDUP\nLOAD last\nEQ\nJNZ same\nDUP\nPRINT\nSTORE last\nJMP again\n\
         same: POP\nJMP again\n"
    )
}

/// Prints what `value` gives for each line of input.
pub fn on_enter(library: &str) -> String {
    format!(
        ".lib 0 \"{library}\" value () -> i64\n\
         again: PUSH 0\nPUSH 9\nREAD\nPUSH 0\nLT\nJNZ done\nCALL_NATIVE 0\nPRINT\nJMP again\n\
         done: HALT\n"
    )
}

/// Prints what `value` gives, and ends.
pub fn once(library: &str) -> String {
    format!(".lib 0 \"{library}\" value () -> i64\nCALL_NATIVE 0\nPRINT\nHALT\n")
}

pub fn lab_with(program: impl AsRef<[u8]>) -> Lab {
    let lab = Lab::new();
    lab.write("p.vasm", program);
    lab
}

pub fn watch(lab: &Lab) -> Session {
    lab.session(["run", "p.vasm", "--watch", "--events", "-"])
}

/// Starts a program and waits for the first line that it prints.
#[track_caller]
pub fn start(lab: &Lab, first: &str) -> Session {
    let mut session = watch(lab);
    session.expect_line(first);
    session
}

#[track_caller]
pub fn enter_gives(session: &mut Session, line: &str) {
    session.enter();
    session.expect_line(line);
}

/// Gives lines of input until the answer is a new one; nothing but the old may come before.
#[track_caller]
pub fn enter_until(session: &mut Session, new: &str, old: &str) {
    loop {
        session.enter();
        match session.next_line() {
            line if line == new => return,
            line => assert_eq!(line, old),
        }
    }
}

#[track_caller]
pub fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "expected `{part}` in:\n{text}");
}
