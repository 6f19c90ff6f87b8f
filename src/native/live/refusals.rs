//! Which refusals are news.
//!
//! Who saves the same mistake again wants to be told again. But a library is also looked at for other
//! reasons than a change of its own, and one change may be seen twice: by the look at what was missed
//! before a folder was watched, and by its event. What was told then is not told again, unless the files
//! were written later than that: then somebody has saved the same again.

use super::changes::Cause;
use crate::native::prepare::{Failed, Rejection};
use blake3::Hash;
use std::collections::HashMap;
use std::time::SystemTime;

/// By library, why what was found last was refused.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<usize, Refusal>);

#[derive(Debug)]
struct Refusal {
    reasons: Failed,
    /// The content, if it has crashed. The next time it is refused for that: the same again in other
    /// words.
    crashed: Option<Hash>,
    /// When it was looked at, if that was before the event of its change had come.
    ahead: Option<SystemTime>,
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

    /// Notes why a library is refused that was `looked` at then and last `written` then, and tells
    /// whether that is news.
    pub fn note(
        &mut self,
        library: usize,
        rejection: &Rejection,
        cause: Cause,
        (written, looked): (Option<SystemTime>, SystemTime),
    ) -> bool {
        let before = self.0.remove(&library);
        let was_ahead = before.as_ref().and_then(|before| before.ahead);
        let is_told = was_ahead.is_some_and(|looked| written.is_none_or(|it| it < looked));
        let is_news = match before {
            Some(before) if before.is_same(rejection) => cause == Cause::Change && !is_told,
            _ => true,
        };
        let ahead = match cause {
            Cause::Change => None,
            Cause::Missed => Some(looked),
            Cause::Hope => was_ahead,
        };
        let (reasons, crashed) = (rejection.reasons.clone(), rejection.crashed());
        self.0.insert(library, Refusal { reasons, crashed, ahead });
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
    use std::time::Duration;

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
        causes.iter().map(|(why, cause)| note(&mut refusals, 0, &reasons(why), *cause)).collect()
    }

    /// Of a library that was written before anybody looked.
    fn note(refusals: &mut Refusals, library: usize, rejection: &Rejection, cause: Cause) -> bool {
        let times = (Some(SystemTime::UNIX_EPOCH), SystemTime::now());
        refusals.note(library, rejection, cause, times)
    }

    #[test]
    fn what_was_saved_again_after_a_look_at_what_was_missed_is_answered() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut refusals = Refusals::default();
        let mut note = |cause, written, looked| {
            refusals.note(0, &reasons("a"), cause, (Some(written), looked))
        };
        assert!(note(Missed, at(1), at(2)));
        assert!(note(Change, at(3), at(4)), "saved after the look began");
        assert!(!note(Missed, at(1), at(2)) && !note(Change, at(1), at(4)), "its own event");
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
            assert!(note(&mut refusals, 0, &reasons("a"), Missed) && refusals.has(0));
            refusals.forget(0);
            assert!(!refusals.has(0) && note(&mut refusals, 0, &reasons("a"), cause));
        }
    }

    #[test]
    fn what_has_crashed_is_not_told_again_as_known_to_crash() {
        let (crash, known) = (refused(Code::CrashedEarly, "a"), refused(Code::KnownBad, "a"));
        for (first, second, is_news) in
            [(Missed, Change, false), (Change, Hope, false), (Change, Change, true)]
        {
            let mut refusals = Refusals::default();
            assert!(note(&mut refusals, 0, &crash, first));
            assert_eq!(note(&mut refusals, 0, &known, second), is_news);
            assert!(note(&mut refusals, 0, &refused(Code::KnownBad, "b"), Hope), "other content");
        }
    }

    #[test]
    fn libraries_are_refused_each_for_itself() {
        let mut refusals = Refusals::default();
        assert!(note(&mut refusals, 0, &reasons("a"), Change));
        assert!(!refusals.has(1) && note(&mut refusals, 1, &reasons("a"), Missed));
    }
}
