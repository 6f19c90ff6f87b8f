//! Libraries that take their state over themselves.

use super::super::Upgrade;
use super::*;
use crate::diagnostics::{Code, Diagnostic};
use crate::native::check::{Kind, check};
use crate::native::early::Early;
use crate::native::guard::Guard;

const HEAD: &str = "#include <hotvm.h>\n#include <stdlib.h>\n";

const FIRST: &str = "
    HOTVM_VERSION(3)
    struct list { int value; struct list *next; };
    HOTVM_STATE(struct list)
    void push(int n) {
        struct list *head = malloc(sizeof *head);
        *head = (struct list){ n, hotvm_state };
        hotvm_state = head;
    }
    long ask(int what) { return hotvm_state ? hotvm_state->value : -1; }
";

const SECOND: &str = "
    HOTVM_VERSION(4)
    struct list { int value; struct list *next; };
    struct sum { long total; uint32_t from; };
    HOTVM_STATE(struct sum);
    int hotvm_upgrade(uint32_t old_version, const void *old_state, void **new_state) {
        struct sum *sum = calloc(1, sizeof *sum);
        sum->from = old_version;
        for (const struct list *at = old_state; at; at = at->next) sum->total += at->value;
        if (sum->total > 100) return 42;
        *new_state = sum;
        return 0;
    }
    long ask(int what) { return hotvm_state ? hotvm_state->total + 1000 * hotvm_state->from : -1; }
";

fn library(text: &str) -> Library {
    Library::plain(&format!("{HEAD}{text}"))
}

impl Library {
    fn own(&self, symbol: &str, kind: Kind) -> Option<usize> {
        let exports = check(&self.bytes).unwrap().exports.unwrap();
        self.loaded.address(symbol).filter(|_| exports.kind(symbol) == Some(kind))
    }

    fn upgrade(
        &self,
        old: &Library,
        version: Option<u32>,
    ) -> Result<Option<Upgrade<'static>>, Diagnostic> {
        let early = Early { library: "it", guard: Guard::default() };
        Upgrade::find(early, |s, k| old.own(s, k), || Ok(version), |s, k| self.own(s, k))
    }
}

#[test]
fn the_new_version_makes_its_state_and_gets_it_on_commit() {
    let (old, new) = (library(FIRST), library(SECOND));
    old.call("push", 5);
    old.call("push", 6);
    let upgrade = new.upgrade(&old, Some(3)).unwrap().unwrap();
    // SAFETY: both are mapped, and nobody is calling them.
    let prepared = unsafe { upgrade.prepare() }.unwrap();
    assert_eq!((old.call("ask", 0), new.call("ask", 0)), (6, -1));
    // SAFETY: the same.
    unsafe { prepared.commit() };
    assert_eq!((old.call("ask", 0), new.call("ask", 0)), (6, 3011));
}

#[test]
fn a_refusal_says_what_was_returned_and_changes_nothing() {
    let (old, new) = (library(FIRST), library(SECOND));
    old.call("push", 101);
    let upgrade = new.upgrade(&old, Some(3)).unwrap().unwrap();
    // SAFETY: both are mapped, and nobody is calling them.
    let refusal = unsafe { upgrade.prepare() }.unwrap_err();
    assert_eq!(refusal.code, Code::UpgradeRefused);
    assert_eq!(refusal.message, "the new version of `it` refuses the state of the old");
    assert!(refusal.notes[0].contains("returned 42 for the state of version 3"), "{refusal:?}");
    assert_eq!((old.call("ask", 0), new.call("ask", 0)), (101, -1));
}

#[test]
fn an_old_version_may_have_no_state() {
    let (old, new) = (library("int f(void) { return 0; }"), library(SECOND));
    let upgrade = new.upgrade(&old, None).unwrap().unwrap();
    // SAFETY: both are mapped, and nobody is calling them.
    unsafe { upgrade.prepare().unwrap().commit() };
    assert_eq!(new.call("ask", 0), 0);
}

#[test]
fn without_the_function_there_is_no_upgrade_and_without_a_state_it_is_a_mistake() {
    let (first, second) = (library(FIRST), library(SECOND));
    assert!(first.upgrade(&second, None).unwrap().is_none());
    let stateless = "int hotvm_upgrade(uint32_t v, const void *o, void **n) { return 0; }";
    let mistake = library(stateless).upgrade(&first, None).unwrap_err();
    assert_eq!(mistake.code, Code::UpgradeRefused);
    assert!(mistake.help.is_some(), "{mistake:?}");
}
