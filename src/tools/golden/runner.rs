//! Finds tests, runs them side by side, compares and blesses.

use super::expect::{Expectations, ExpectedError, MARK, is_output_line};
use super::process;
use crate::diagnostics::{Code, Diagnostic, Sources, render_terminal};
use crate::engine::Engine;
use crate::program::search;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a test may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How often a file is blessed at most: its new lines can move the places of its errors once.
const BLESS_ROUNDS: usize = 3;

/// Runs golden tests.
pub struct Runner {
    /// The hotvm to run them with.
    pub hotvm: PathBuf,
    /// Whether to rewrite expectations that are not met.
    pub bless: bool,
    /// The engine to run them on, where it is not to be the usual one.
    pub engine: Option<Engine>,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Its expectations were rewritten.
    Blessed,
    /// Not as expected: why, in lines.
    Failed(String),
}

/// What a program did.
struct Observed {
    stdout: Vec<u8>,
    stderr: String,
    errors: Vec<ExpectedError>,
    status: Option<ExitStatus>,
}

impl Runner {
    /// The tests of paths: a file is a test, and a folder has those of its `.vasm` files, at any
    /// depth, that hold an expectation.
    ///
    /// # Errors
    /// When a path cannot be read.
    pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Diagnostic> {
        if let Some((path, error)) = paths.iter().find_map(|p| Some((p, p.metadata().err()?))) {
            let message = format!("cannot read `{}`: {error}", path.display());
            return Err(Diagnostic::error(Code::CannotRead, message));
        }
        search(paths, |path| {
            path.extension().is_some_and(|e| e == "vasm") && has_expectations(path)
        })
    }

    /// Runs tests on all processors, and hands over their outcomes in order.
    pub fn run_all(&self, tests: &[PathBuf], mut each: impl FnMut(&Path, &Outcome)) {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(tests.len());
        let next = AtomicUsize::new(0);
        let (send, receive) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..workers {
                let (send, next) = (send.clone(), &next);
                scope.spawn(move || {
                    while let Some((index, test)) = {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        tests.get(index).map(|test| (index, test))
                    } {
                        if send.send((index, self.run(test))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            let mut waiting = BTreeMap::new();
            let mut shown = 0;
            for (index, outcome) in receive {
                waiting.insert(index, outcome);
                while let Some(outcome) = waiting.remove(&shown) {
                    each(&tests[shown], &outcome);
                    shown += 1;
                }
            }
        });
    }

    /// Runs one test.
    pub fn run(&self, test: &Path) -> Outcome {
        let mut blessed = false;
        for _ in 0..BLESS_ROUNDS {
            let outcome = match self.run_once(test) {
                Ok(None) if blessed => Outcome::Blessed,
                Ok(None) => Outcome::Passed,
                Ok(Some(difference)) => match self.bless.then(|| difference.bless(test)) {
                    None => Outcome::Failed(difference.text),
                    Some(Ok(true)) => {
                        blessed = true;
                        continue;
                    }
                    Some(Ok(false)) => Outcome::Failed(difference.text),
                    Some(Err(error)) => {
                        Outcome::Failed(format!("  cannot be rewritten: {error}\n"))
                    }
                },
                Err(why) => Outcome::Failed(why),
            };
            return outcome;
        }
        Outcome::Failed("  does something else each time, and cannot be blessed\n".to_owned())
    }

    /// What differs, if anything does.
    fn run_once(&self, test: &Path) -> Result<Option<Difference>, String> {
        let bytes = std::fs::read(test).map_err(|error| format!("  cannot be read: {error}\n"))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut sources = Sources::new();
        let source = sources.add_text(test.display().to_string(), &*text);
        let expected = Expectations::parse(&text, source)
            .map_err(|diagnostic| render_terminal(&[diagnostic], &sources, false))?;
        let observed = self.observe(test, &expected)?;
        Ok(Difference::between(expected, observed))
    }

    fn observe(&self, test: &Path, expected: &Expectations) -> Result<Observed, String> {
        let mut command = Command::new(&self.hotvm);
        command.arg("run").args(["--error-format", "json"]).args(&expected.flags);
        for file in &expected.with {
            command.arg("--with").arg(test.with_file_name(file));
        }
        if let Some(engine) = self.engine {
            command.args(["--engine", engine.name()]);
        }
        command.arg(test);
        if !expected.args.is_empty() {
            command.arg("--").args(&expected.args);
        }
        let finished = process::run(&mut command, &expected.stdin, TIME_LIMIT)
            .map_err(|error| format!("  cannot be run: {error}\n"))?;
        if finished.status.is_none() {
            return Err(format!("  was ended after {} s\n", TIME_LIMIT.as_secs()));
        }
        let (errors, stderr) = read_stderr(&finished.stderr);
        Ok(Observed { stdout: finished.stdout, stderr, errors, status: finished.status })
    }
}

/// A file that cannot be read is a test as well, and one that fails.
fn has_expectations(path: &Path) -> bool {
    std::fs::read(path)
        .map_or(true, |bytes| bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes()))
}

/// Tells diagnostics, which are JSON lines, from notices. The text that remains holds the notices and
/// the messages of the diagnostics.
fn read_stderr(stderr: &[u8]) -> (Vec<ExpectedError>, String) {
    let (mut errors, mut text) = (Vec::new(), String::new());
    for line in String::from_utf8_lossy(stderr).lines() {
        let json = serde_json::from_str::<serde_json::Value>(line).ok();
        let Some((json, code)) = json.as_ref().and_then(|j| Some((j, j.get("code")?.as_str()?)))
        else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        let place = &json["places"][0];
        let number = |key: &str| place[key].as_u64().and_then(|n| u32::try_from(n).ok());
        errors.push(ExpectedError {
            code: code.to_owned(),
            at: number("line").zip(number("column")),
        });
        let notes = json["notes"].as_array().into_iter().flatten();
        for part in [&json["message"], &json["help"]].into_iter().chain(notes) {
            if let Some(part) = part.as_str() {
                text.push_str(part);
                text.push('\n');
            }
        }
    }
    (errors, text)
}

/// What a program does other than expected.
struct Difference {
    text: String,
    observed: Expectations,
    /// Whether it is one that blessing mends.
    blessable: bool,
}

impl Difference {
    fn between(expected: Expectations, observed: Observed) -> Option<Difference> {
        let status = observed.status.and_then(|status| status.code());
        let mut text = String::new();
        if observed.stdout != expected.stdout {
            text += &diff(
                "stdout",
                &String::from_utf8_lossy(&expected.stdout),
                &String::from_utf8_lossy(&observed.stdout),
            );
        }
        let list = |errors: &[ExpectedError]| {
            errors.iter().map(|e| e.describe() + "\n").collect::<String>()
        };
        if observed.errors != expected.errors {
            text += &diff("errors", &list(&expected.errors), &list(&observed.errors));
        }
        if status != Some(expected.exit_status().into()) {
            let found = observed.status.map_or_else(String::new, |status| status.to_string());
            text += &format!("  exit: expected {}, found {found}\n", expected.exit_status());
        }
        let missing = missing_parts(&expected.stderr, &observed.stderr);
        for part in &missing {
            text += &format!("  stderr: expected `{part}`\n");
        }
        if text.is_empty() {
            return None;
        }
        if !observed.stderr.is_empty() && (status != Some(0) || !missing.is_empty()) {
            text += "  stderr was:\n";
            text.extend(observed.stderr.lines().map(|line| format!("    {line}\n")));
        }
        let blessable = missing.is_empty() && status.is_some();
        let exit = status.and_then(|status| u8::try_from(status).ok());
        let observed =
            Expectations { stdout: observed.stdout, errors: observed.errors, exit, ..expected };
        Some(Difference { text, observed, blessable })
    }

    /// Rewrites the expectations of a test: where the old ones began, or at its end. All other lines
    /// stay as they are, to their ends. `false` when there is nothing that blessing could mend.
    fn bless(&self, test: &Path) -> std::io::Result<bool> {
        if !self.blessable {
            return Ok(false);
        }
        let text = std::fs::read_to_string(test)?;
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let at = text.lines().position(is_output_line);
        let mut lines: Vec<String> = text
            .split_inclusive('\n')
            .filter(|line| !is_output_line(line))
            .map(str::to_owned)
            .collect();
        if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push_str(end);
        }
        let at = at.unwrap_or_else(|| {
            if lines.last().is_some_and(|last| !last.trim().is_empty()) {
                lines.push(end.to_owned());
            }
            lines.len()
        });
        let new = self.observed.output_lines().into_iter().map(|line| line + end);
        lines.splice(at..at, new);
        let mut aside = tempfile::NamedTempFile::new_in(
            test.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new(".")),
        )?;
        aside.write_all(lines.concat().as_bytes())?;
        std::fs::set_permissions(aside.path(), std::fs::metadata(test)?.permissions())?;
        aside.persist(test).map_err(|error| error.error)?;
        Ok(true)
    }
}

/// The parts that do not occur, each looked for behind the one before.
fn missing_parts<'a>(parts: &'a [String], text: &str) -> Vec<&'a str> {
    let mut rest = text;
    let mut missing = Vec::new();
    for part in parts {
        match rest.find(&**part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => missing.push(&**part),
        }
    }
    missing
}

fn diff(what: &str, expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    let mut text = format!("  {what}: (- expected, + found)\n");
    for line in diff.unified_diff().missing_newline_hint(true).to_string().lines() {
        text += &format!("    {line}\n");
    }
    text
}
