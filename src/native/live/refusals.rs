//! Which refusals are news.
//!
//! Who saves the same mistake again wants to be told again. But a library is also looked at for other
//! reasons than a change of its own, and one change may be seen twice: by the look at what was missed
//! before a folder was watched, and by its event. What was told then is not told again.

use super::changes::Cause;
use crate::native::prepare::{Failed, Rejection};
use blake3::Hash;
use std::collections::HashMap;

/// By library, why what was found last was refused.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<usize, Refusal>);

#[derive(Debug)]
struct Refusal {
    reasons: Failed,
    /// The content, if it has crashed. The next time it is refused for that: the same again in other
    /// words.
    crashed: Option<Hash>,
    /// It was told before the event of its change had come.
    is_ahead: bool,
}

impl Refusals {
    /// Whether what was found last of a library was refused.
    pub fn has(&self, library: usize) -> bool {
        self.0.contains_key(&library)
    }

    /// Notes that a library is good: the next refusal is news.
    pub fn forget(&mut self, library: usize) {
        self.0.remove(&library);
    }

    /// Notes why a library is refused, and tells whether that is news.
    pub fn note(&mut self, library: usize, rejection: &Rejection, cause: Cause) -> bool {
        let before = self.0.remove(&library);
        let was_ahead = before.as_ref().is_some_and(|before| before.is_ahead);
        let is_news = match before {
            Some(before) if before.is_same(rejection) => cause == Cause::Change && !was_ahead,
            _ => true,
        };
        let is_ahead = match cause {
            Cause::Change => false,
            Cause::Missed => true,
            Cause::Hope => was_ahead,
        };
        let (reasons, crashed) = (rejection.reasons.clone(), rejection.crashed());
        self.0.insert(library, Refusal { reasons, crashed, is_ahead });
        is_news
    }
}

impl Refusal {
    fn is_same(&self, rejection: &Rejection) -> bool {
        let has_crashed = self.crashed.is_some() && self.crashed == rejection.content;
        has_crashed || self.reasons == rejection.reasons
    }
}

#[cfg(test)]
mod tests {
    use super::Cause::{Change, Hope, Missed};
    use super::*;
    use crate::diagnostics::{Code, Diagnostic};
    use crate::native::BindError;

    fn reasons(message: &str) -> Rejection {
        refused(Code::BuildFailed, message)
    }

    /// For a code, of content that is told apart by the message.
    fn refused(code: Code, message: &str) -> Rejection {
        let diagnostic = Diagnostic::error(code, message);
        let content = Some(blake3::hash(message.as_bytes()));
        Rejection { content, reasons: vec![BindError { import: 0, diagnostic }] }
    }

    /// Which of these refusals, one after the other, are news.
    fn news(causes: &[(&str, Cause)]) -> Vec<bool> {
        let mut refusals = Refusals::default();
        causes.iter().map(|(why, cause)| refusals.note(0, &reasons(why), *cause)).collect()
    }

    #[test]
    fn each_change_of_a_library_is_answered() {
        assert_eq!(news(&[("a", Change), ("a", Change), ("b", Change)]), [true; 3]);
    }

    #[test]
    fn what_others_change_is_told_when_it_changes_the_reasons() {
        assert_eq!(
            news(&[("a", Change), ("a", Hope), ("b", Hope), ("b", Change)]),
            [true, false, true, true]
        );
    }

    #[test]
    fn one_change_that_is_seen_twice_is_told_once() {
        assert_eq!(news(&[("a", Missed), ("a", Change), ("a", Change)]), [true, false, true]);
        assert_eq!(news(&[("a", Missed), ("a", Hope), ("a", Change)]), [true, false, false]);
        assert_eq!(news(&[("a", Change), ("a", Missed), ("a", Change)]), [true, false, false]);
        assert_eq!(news(&[("a", Missed), ("b", Change)]), [true, true]);
    }

    #[test]
    fn after_a_success_the_same_refusal_is_news_whatever_the_cause() {
        for cause in [Change, Missed, Hope] {
            let mut refusals = Refusals::default();
            assert!(refusals.note(0, &reasons("a"), Missed) && refusals.has(0));
            refusals.forget(0);
            assert!(!refusals.has(0) && refusals.note(0, &reasons("a"), cause));
        }
    }

    #[test]
    fn what_has_crashed_is_not_told_again_as_known_to_crash() {
        let (crash, known) = (refused(Code::CrashedEarly, "a"), refused(Code::KnownBad, "a"));
        for (first, second, is_news) in
            [(Missed, Change, false), (Change, Hope, false), (Change, Change, true)]
        {
            let mut refusals = Refusals::default();
            assert!(refusals.note(0, &crash, first));
            assert_eq!(refusals.note(0, &known, second), is_news);
            assert!(refusals.note(0, &refused(Code::KnownBad, "b"), Hope), "other content");
        }
    }

    #[test]
    fn libraries_are_refused_each_for_itself() {
        let mut refusals = Refusals::default();
        assert!(refusals.note(0, &reasons("a"), Change));
        assert!(!refusals.has(1) && refusals.note(1, &reasons("a"), Missed));
    }
}
