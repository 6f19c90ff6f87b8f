//! "Did you mean": the known word nearest to a mistyped one.

/// Longer words are not compared: the time goes with the product of their lengths.
const MAX_LENGTH: usize = 64;

/// The candidate nearest to `word`, where one is near enough to be meant. Case does not count, and
/// a candidate that is the whole of one `_`-separated end of the word wins: `OP_PUSH` means `PUSH`.
/// Something of the word must remain: of one letter, no other is a mistyped form.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_LENGTH {
        return None;
    }
    let word = word.to_lowercase();
    let length = word.chars().count();
    let budget = (length / 3).max(1).min(length.saturating_sub(1));
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let tail = word.strip_suffix(&candidate);
        if tail.is_some_and(|t| t.ends_with('_'))
            || candidate.strip_prefix(&word).is_some_and(|t| t.starts_with('_'))
        {
            return 0;
        }
        strsim::damerau_levenshtein(&word, &candidate)
    };
    let candidates = candidates.into_iter().filter(|c| c.len() <= MAX_LENGTH);
    // Of two that are equally near, the one that has the same letters.
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let others = |c: &str| letters(&c.to_lowercase()) != letters(&word);
    let best = candidates.map(|c| (distance(c), c)).min_by_key(|&(d, c)| (d, others(c)));
    best.filter(|&(d, _)| d <= budget).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_words_are_found_and_far_ones_not() {
        let known = ["PUSH", "POP", "PUTS", "CALL", "CALL_NATIVE"];
        assert_eq!(closest("OP_PUSH", known), Some("PUSH"));
        assert_eq!(closest("psuh", known), Some("PUSH"));
        assert_eq!(closest("PUSHH", known), Some("PUSH"));
        assert_eq!(closest("CALLNATIVE", known), Some("CALL_NATIVE"));
        assert_eq!(closest("frobnicate", known), None);
        assert_eq!(closest("", known), None);
        assert_eq!(closest("x", ["i", "xs"]), None);
        assert_eq!(closest("i46", ["i16", "i64"]), Some("i64"));
        assert_eq!(closest("kb", ["KiB", "MiB"]), Some("KiB"));
        assert_eq!(closest(&"x".repeat(1000), [&*"x".repeat(1000)]), None);
    }
}
