//! The long explanations of the codes, each with an example: `explanations/CODE.md`.
//!
//! An explanation is Markdown, of which only paragraphs, lists and blocks between fences are used. Behind
//! a fence stands, after the language, whether the example is `wrong` or `right`, the name of the file
//! when it is not the program itself, and how the program is run. So tests can run what readers see.

use super::code::Code;
use std::fmt::Write;

/// What stands around a block of an example.
const FENCE: &str = "```";

/// A block of an explanation: a file, or what a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example<'t> {
    /// `vasm`, `c`, `toml`, `console`, `text`.
    pub language: &'t str,
    /// Whether it is a file of the wrong program or of the right one.
    pub verdict: Option<Verdict>,
    /// The name of a file beside the program; none for the program itself.
    pub file: Option<&'t str>,
    /// What the program is run with, such as `--fuel 1000` or `test`.
    pub with: &'t str,
    /// What the file holds.
    pub text: &'t str,
}

/// What an example is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What leads to the code.
    Wrong,
    /// The same, mended.
    Right,
}

/// A part of an explanation.
enum Part<'t> {
    /// Paragraphs, with their line ends.
    Prose(&'t str),
    Example(Example<'t>),
}

impl<'t> Example<'t> {
    /// What stands between two fences.
    fn parse(block: &'t str) -> Example<'t> {
        let (info, text) = block.split_once('\n').unwrap_or((block, ""));
        let (language, rest) = first_word(info);
        let (verdict, rest) = match first_word(rest) {
            ("wrong", rest) => (Some(Verdict::Wrong), rest),
            ("right", rest) => (Some(Verdict::Right), rest),
            _ => (None, rest),
        };
        let (file, with) = match first_word(rest) {
            (file, rest) if file.contains('.') => (Some(file), rest),
            _ => (None, rest),
        };
        Example { language, verdict, file, with, text }
    }

    /// What stands above it for readers.
    fn heading(&self) -> Option<String> {
        if let Some(file) = self.file {
            return Some(format!("In `{file}`:"));
        }
        let word = match self.verdict? {
            Verdict::Wrong => "Wrong",
            Verdict::Right => "Right",
        };
        Some(match self.with {
            "" => format!("{word}:"),
            with if with.starts_with('-') => format!("{word}, with `hotvm run {with}`:"),
            with => format!("{word}, with `hotvm {with}`:"),
        })
    }
}

fn first_word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

impl Code {
    /// The blocks of its explanation.
    pub fn examples(self) -> impl Iterator<Item = Example<'static>> {
        self.parts().filter_map(|part| match part {
            Part::Prose(_) => None,
            Part::Example(example) => Some(example),
        })
    }

    fn parts(self) -> impl Iterator<Item = Part<'static>> {
        let pieces = self.explanation().split(FENCE).enumerate();
        pieces.map(|(at, piece)| match at % 2 {
            0 => Part::Prose(piece.trim()),
            _ => Part::Example(Example::parse(piece)),
        })
    }

    /// Its title, name and explanation, for a terminal.
    pub fn in_full(self) -> String {
        let mut out = format!("{self}: {}\n", self.title());
        if let Some(name) = self.warning_name() {
            let _ =
                writeln!(out, "\nThe warning `{name}`: -W {name} shows it, -A {name} does not.");
        }
        for part in self.parts() {
            match part {
                Part::Prose("") => {}
                Part::Prose(text) => out.extend(["\n", text, "\n"]),
                Part::Example(example) => {
                    out.extend(example.heading().map(|heading| format!("\n{heading}\n")));
                    out.push('\n');
                    out.extend(example.text.lines().map(|line| format!("    {line}\n")));
                }
            }
        }
        out
    }

    /// The text of `docs/errors.md`.
    pub fn markdown() -> String {
        let mut out = String::from(
            "<!-- Generated from src/diagnostics. To refresh: BLESS=1 cargo test --test generated -->\n\n\
             # Error codes\n\n\
             `hotvm explain CODE` shows the same. A code keeps its meaning for ever.\n",
        );
        for &code in Code::ALL {
            let _ = writeln!(out, "\n## {code}: {}", code.title());
            if let Some(name) = code.warning_name() {
                let _ = writeln!(out, "\nThe warning `{name}`.");
            }
            for part in code.parts() {
                match part {
                    Part::Prose("") => {}
                    Part::Prose(text) => out.extend(["\n", text, "\n"]),
                    Part::Example(example) => {
                        out.extend(example.heading().map(|heading| format!("\n{heading}\n")));
                        let Example { language, text, .. } = example;
                        let _ = writeln!(out, "\n{FENCE}{language}\n{text}{FENCE}");
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_says_what_stands_behind_it() {
        let program = Example {
            language: "vasm",
            verdict: Some(Verdict::Wrong),
            file: None,
            with: "--fuel 10",
            text: "HALT\n",
        };
        assert_eq!(Example::parse("vasm wrong --fuel 10\nHALT\n"), program);
        let file = Example { language: "c", file: Some("v.c"), with: "", ..program };
        assert_eq!(Example::parse("c wrong v.c\nHALT\n"), file);
        let console = Example { language: "console", verdict: None, file: None, ..file };
        assert_eq!(Example::parse("console\nHALT\n"), console);
    }

    #[test]
    fn every_code_has_an_example() {
        for &code in Code::ALL {
            assert!(code.examples().next().is_some(), "{code}");
            assert_eq!(code.explanation().matches(FENCE).count() % 2, 0, "{code}");
        }
    }
}
