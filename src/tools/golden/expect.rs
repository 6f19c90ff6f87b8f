//! The expectations in a program's comments.

use crate::diagnostics::{Code, Diagnostic, SourceId, Span, without_comment};
use crate::syntax::literal;

/// What begins an expectation.
pub(super) const MARK: &str = ";!";

/// Errors are told without the file, which is that of the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedError {
    /// The code.
    pub code: String,
    /// Line and column of its first place, where it has one.
    pub at: Option<(u32, u32)>,
}

/// What a program is given, and what it should do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// What it should print.
    pub stdout: Vec<u8>,
    /// Parts of what should stand on standard error, in order.
    pub stderr: Vec<String>,
    /// Its exit status, where it is said.
    pub exit: Option<u8>,
    /// Its errors.
    pub errors: Vec<ExpectedError>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its standard input.
    pub stdin: Vec<u8>,
    /// The other files of the program, from the folder of this one.
    pub with: Vec<String>,
    /// Further flags of `hotvm run`.
    pub flags: Vec<String>,
    /// Whether there is any expectation at all.
    pub any: bool,
}

impl Expectations {
    /// Reads the comments of a program.
    ///
    /// # Errors
    /// The first that cannot be read, with its place.
    pub fn parse(text: &str, source: SourceId) -> Result<Expectations, Diagnostic> {
        let mut found = Expectations::default();
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let start = offset;
            offset += line.len();
            let statement = without_comment(line);
            let comment = line[statement.len()..].trim_end();
            let Some(rest) = comment.strip_prefix(MARK) else { continue };
            found.any = true;
            let read = match statement.trim().is_empty() {
                true => found.line(rest.trim()),
                false => Err("an expectation stands on a line of its own".to_owned()),
            };
            read.map_err(|why| {
                let from = (start + statement.len()) as u32;
                let span = Span::new(from, from + comment.len() as u32);
                Diagnostic::error(Code::BadExpectation, why)
                    .at_span(source, span, "here")
                    .help("`hotvm explain E0705` lists them")
            })?;
        }
        Ok(found)
    }

    /// The exit status, where none is said: that of the errors.
    pub fn exit_status(&self) -> u8 {
        self.exit.unwrap_or_else(|| u8::from(!self.errors.is_empty()))
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once(':').ok_or("an expectation is `key: value`")?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        match key.trim_end() {
            "stdout" => {
                self.stdout.extend(unquote(value)?);
                self.stdout.push(b'\n');
            }
            NO_NEWLINE => self.stdout.extend(unquote(value)?),
            "stderr" => self.stderr.push(value.to_owned()),
            "exit" => {
                let status = value.trim().parse().map_err(|_| "an exit status is 0 to 255")?;
                self.exit = Some(status);
            }
            "error" => self.errors.push(ExpectedError::parse(value)?),
            "args" => self.args.extend(words(value)?),
            "stdin" => {
                self.stdin.extend(unquote(value)?);
                self.stdin.push(b'\n');
            }
            "with" => self.with.extend(words(value)?),
            "flags" => self.flags.extend(words(value)?),
            other => return Err(format!("there is no expectation `{other}`")),
        }
        Ok(())
    }

    /// The lines that `--bless` writes.
    pub fn output_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = &self.stdout[..];
        while !rest.is_empty() {
            let end = rest.iter().position(|&b| b == b'\n');
            let (line, key) = match end {
                Some(end) => (&rest[..end], "stdout"),
                None => (rest, NO_NEWLINE),
            };
            rest = end.map_or(&[], |end| &rest[end + 1..]);
            let value = quote(line);
            let gap = if value.is_empty() { "" } else { " " };
            lines.push(format!("{MARK} {key}:{gap}{value}"));
        }
        let implied = u8::from(!self.errors.is_empty());
        if let Some(exit) = self.exit.filter(|exit| *exit != implied) {
            lines.push(format!("{MARK} exit: {exit}"));
        }
        lines.extend(self.errors.iter().map(|error| format!("{MARK} error: {}", error.describe())));
        if lines.is_empty() {
            lines.push(format!("{MARK} exit: 0"));
        }
        lines
    }
}

/// The key of a last line of output that no newline ends.
const NO_NEWLINE: &str = "stdout (no newline)";

/// Whether a line of a program is one that `--bless` rewrites.
pub(super) fn is_output_line(line: &str) -> bool {
    let Some(rest) = line.trim().strip_prefix(MARK) else { return false };
    let key = rest.split_once(':').map(|(key, _)| key.trim());
    matches!(key, Some("stdout" | NO_NEWLINE | "exit" | "error"))
}

impl ExpectedError {
    fn parse(text: &str) -> Result<ExpectedError, String> {
        let bad = || "an error is `CODE` or `CODE at LINE:COLUMN`".to_owned();
        let (code, at) = match text.split_once(" at ") {
            None => (text, None),
            Some((code, at)) => {
                let (line, column) = at.split_once(':').ok_or_else(bad)?;
                let number = |text: &str| text.trim().parse::<u32>().map_err(|_| bad());
                (code, Some((number(line)?, number(column)?)))
            }
        };
        let code = Code::from_name(code.trim())
            .ok_or_else(|| format!("there is no error code `{code}`"))?;
        Ok(ExpectedError { code: code.name().to_owned(), at })
    }

    pub(super) fn describe(&self) -> String {
        match self.at {
            Some((line, column)) => format!("{} at {line}:{column}", self.code),
            None => self.code.clone(),
        }
    }
}

/// A line of output as it is, or as a text literal when it would not survive in a comment.
fn quote(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text)
            if text.trim() == text
                && !text.starts_with('"')
                && !text.chars().any(char::is_control) =>
        {
            text.to_owned()
        }
        _ => literal::write_text(line),
    }
}

fn unquote(value: &str) -> Result<Vec<u8>, String> {
    let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    if quoted {
        literal::text(value).map_err(|error| error.to_string())
    } else {
        Ok(value.as_bytes().to_vec())
    }
}

/// Words between spaces; double quotes keep spaces together.
fn words(value: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in value.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quoted { Err("a quote is not closed".to_owned()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Sources;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Expectations, Diagnostic> {
        let mut sources = Sources::new();
        let source = sources.add_text("t", text);
        Expectations::parse(text, source)
    }

    #[test]
    fn every_kind_is_read() {
        let text = "PUSH 1\n  ;! stdout: a: b\n;! stdout:\n;! stdout (no newline): c\n;! exit: 3\n\
                    ;! error: E0203 at 4:5\n;! error: e0601\n;! args: a \"b c\" \"\"\n;! stdin: x\n\
                    ;! flags: --quiet\n;! stderr: oh\n;! with: a.vasm b.vasm\n";
        let found = parse(text).unwrap();
        assert_eq!(found.stdout, b"a: b\n\nc");
        assert_eq!((found.exit, found.exit_status()), (Some(3), 3));
        assert_eq!(found.errors[0].at, Some((4, 5)));
        assert_eq!(found.errors[1].describe(), "E0601");
        assert_eq!(found.args, ["a", "b c", ""]);
        assert_eq!(found.with, ["a.vasm", "b.vasm"]);
        assert_eq!(
            (found.stdin, found.flags, found.stderr),
            (b"x\n".to_vec(), vec!["--quiet".into()], vec!["oh".into()])
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in [
            ";! stdot: x",
            ";! exit: 256",
            ";! error: E9999",
            ";! error: E0203 at 4",
            ";! x",
            ";! args: \"",
            "PRINT ;! stdout: 5",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, Code::BadExpectation, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn output_survives_its_lines(stdout in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), Just(b' '), any::<u8>()], 0..60)) {
            let expected = Expectations { stdout, exit: Some(7), ..Expectations::default() };
            let lines = expected.output_lines().join("\n");
            let back = parse(&lines).unwrap();
            prop_assert_eq!((back.stdout, back.exit), (expected.stdout, expected.exit));
        }
    }
}
