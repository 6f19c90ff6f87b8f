//! Characters that do something to the text around them, rather than being seen in it.
#![forbid(unsafe_code)]

/// Whether terminals obey a character: control characters, line ends but `\n`, and what turns the direction
/// of writing.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character cannot be seen: those, and what has no width.
pub fn is_invisible(c: char) -> bool {
    is_control(c)
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
