//! What a terminal would obey rather than show. Programs come from anywhere, and none is to colour,
//! clear or turn round what is said of it.

use crate::chars::is_control;
use std::borrow::Cow;

/// A text with a sign in the place of each character that a terminal would obey, but tabs and newlines.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| is_control(c) && !matches!(c, '\n' | '\t');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if hidden(c) { sign(c) } else { c }).collect::<String>().into()
}

/// Unicode has pictures of the oldest control characters.
fn sign(c: char) -> char {
    match u32::from(c) {
        code @ ..0x20 => char::from_u32(0x2400 + code).expect("all of them are characters"),
        0x7f => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn each_character_that_is_obeyed_becomes_one_that_is_seen() {
        assert_eq!(visible("é\ta\n"), "é\ta\n");
        assert_eq!(visible("\x1b[2J\r\0\x7f"), "␛[2J␍␀␡");
        assert_eq!(visible("\u{9b}\u{202e}\u{2028}"), "\u{fffd}\u{fffd}\u{fffd}");
    }
}
