//! What the tests share: a [`Lab`] to run hotvm in, a [`Session`] with one that runs, and a
//! generator of valid programs.
#![allow(dead_code, reason = "every test file uses a part of this")]

pub mod checks;
pub mod damage;
pub mod generate;
pub mod running;
pub mod values;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use wait_timeout::ChildExt;

/// When a test gives up on a process. Nothing waits for this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// Compares a text with a file of `tests/`, which `BLESS=1` rewrites.
#[track_caller]
pub fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "tests/{name} says\n{expected}\nbut there is\n{text}");
}

/// A folder of its own, in which hotvm runs and keeps its cache.
pub struct Lab {
    folder: tempfile::TempDir,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Outcome {
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// `None` when a signal ended it.
    pub status: Option<i32>,
    pub took: Duration,
}

impl Lab {
    pub fn new() -> Lab {
        Lab { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in place, as `cp` does.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Writes a file aside and renames it, as `install` does.
    pub fn replace(&self, name: &str, contents: impl AsRef<[u8]>) {
        let aside = self.write(&format!("{name}.new"), contents);
        fs::rename(aside, self.path(name)).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Compiles C to a shared library, with the linker writing to the final name.
    pub fn compile(&self, c: &str, library: &str) {
        let source = self.write("compiled.c", c);
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).args([self.path(library), source]);
        let done = cc.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// What the linker makes of C.
    pub fn compiled(&self, c: &str) -> Vec<u8> {
        self.compile(c, "compiled.so");
        self.read("compiled.so")
    }

    /// The names in a folder, sorted.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A hotvm that knows nothing of the user's own surroundings.
    pub fn hotvm<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotvm"));
        command.current_dir(self.folder.path()).args(args);
        command.env("HOTVM_CACHE_DIR", self.path("cache"));
        for inherited in ["HOTVM_LIB_PATH", "NO_COLOR", "CC"] {
            command.env_remove(inherited);
        }
        command
    }

    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        self.run_with(args, b"")
    }

    pub fn run_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        stdin: &[u8],
    ) -> Outcome {
        finish(&mut self.hotvm(args), stdin)
    }

    /// Runs a program given as text.
    pub fn run_text(&self, text: &str) -> Outcome {
        self.run_with(["run"], text.as_bytes())
    }

    /// The bytecode of a program given as text.
    pub fn assemble(&self, text: &str) -> Vec<u8> {
        self.run_with(["asm"], text.as_bytes()).done().stdout
    }

    pub fn session<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Session {
        Session::start(&mut self.hotvm(args))
    }
}

impl Outcome {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    #[track_caller]
    pub fn done(self) -> Outcome {
        self.exits(0)
    }

    #[track_caller]
    pub fn exits(self, status: i32) -> Outcome {
        assert_eq!(self.status, Some(status), "{self:?}");
        self
    }

    /// The process refused its input, or trapped, with this status and code, and did not fail
    /// itself.
    #[track_caller]
    pub fn refuses(self, status: i32, code: &str) -> Outcome {
        assert!(self.stderr.contains(&format!("[{code}]")), "expected {code}: {}", self.stderr);
        self.exits(status)
    }

    #[track_caller]
    pub fn says(self, part: &str) -> Outcome {
        assert!(self.stderr.contains(part), "expected `{part}` in:\n{}", self.stderr);
        self
    }
}

/// Runs a command to its end.
#[track_caller]
pub fn finish(command: &mut Command, stdin: &[u8]) -> Outcome {
    let start = Instant::now();
    let mut child = spawn_piped(command);
    let mut input = child.stdin.take().unwrap();
    let (mut output, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::scope(|scope| {
        // Who does not read all of its input closes the pipe, which is no error here.
        scope.spawn(move || drop(input.write_all(stdin)));
        let output = scope.spawn(move || read_all(&mut output));
        let errors = scope.spawn(move || read_all(&mut errors));
        let status = wait(&mut child);
        let stderr = String::from_utf8(errors.join().unwrap()).unwrap();
        let stdout = output.join().unwrap();
        Outcome { stdout, stderr, status: status.code(), took: start.elapsed() }
    })
}

fn spawn_piped(command: &mut Command) -> Child {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().unwrap()
}

/// Waits for the end of a process that should end by itself.
#[track_caller]
pub fn wait(child: &mut Child) -> ExitStatus {
    match child.wait_timeout(DEADLINE).unwrap() {
        Some(status) => status,
        None => {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the process did not end");
        }
    }
}

fn read_all(from: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A process that runs, read line by line as it writes.
pub struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// What the prompt between two runs says.
const PROMPT: &str = "press Enter";

impl Session {
    fn start(command: &mut Command) -> Session {
        let mut child = spawn_piped(command);
        Session {
            stdin: child.stdin.take(),
            stdout: lines(child.stdout.take().unwrap()),
            stderr: lines(child.stderr.take().unwrap()),
            child,
        }
    }

    pub fn enter(&mut self) {
        self.send("");
    }

    pub fn send(&mut self, line: &str) {
        writeln!(self.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    #[track_caller]
    pub fn expect_line(&mut self, expected: &str) {
        let line = self.next_line();
        assert_eq!(line, expected, "standard error:\n{}", self.said_so_far());
    }

    /// The next line of output.
    #[track_caller]
    pub fn next_line(&mut self) -> String {
        match self.stdout.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(why) => panic!("no line ({why}); {}", self.said_so_far()),
        }
    }

    /// Sends the process a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// The next event of a kind that `--events -` tells, and everything on standard error before it.
    #[track_caller]
    pub fn wait_for_event(&mut self, kind: &str) -> (serde_json::Value, String) {
        let said = self.wait_for_notice(&format!("\"event\":\"{kind}\""));
        let event = said.lines().next_back().and_then(|line| serde_json::from_str(line).ok());
        (event.unwrap_or_else(|| panic!("no JSON:\n{said}")), said)
    }

    /// Everything on standard error up to the line with this in it.
    #[track_caller]
    pub fn wait_for_notice(&mut self, part: &str) -> String {
        let end = Instant::now() + DEADLINE;
        let mut said = String::new();
        loop {
            match self.stderr.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => said.extend([&line, "\n"]),
                Err(why) => panic!("no `{part}` on standard error ({why}):\n{said}"),
            }
            if said.lines().next_back().is_some_and(|line| line.contains(part)) {
                return said;
            }
        }
    }

    /// What was said on standard error until the run was done.
    #[track_caller]
    pub fn wait_for_prompt(&mut self) -> String {
        self.wait_for_notice(PROMPT)
    }

    /// Quits at the prompt, and gives what was not read yet.
    #[track_caller]
    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn quit(mut self) -> Outcome {
        self.send("q");
        self.end()
    }

    /// Lets the process read to the end of its input.
    pub fn end_of_input(&mut self) {
        drop(self.stdin.take());
    }

    /// Ends the input, and gives what was not read yet.
    #[track_caller]
    pub fn end(mut self) -> Outcome {
        self.end_of_input();
        self.wait()
    }

    /// Waits for the end of a process that does not wait for that of its input, and gives what was
    /// not read yet.
    #[track_caller]
    pub fn wait(mut self) -> Outcome {
        let start = Instant::now();
        let status = wait(&mut self.child).code();
        let rest = |from: &Receiver<String>| from.iter().map(|l| l + "\n").collect::<String>();
        let (stdout, stderr) = (rest(&self.stdout).into_bytes(), rest(&self.stderr));
        Outcome { stdout, stderr, status, took: start.elapsed() }
    }

    fn said_so_far(&self) -> String {
        self.stderr.try_iter().map(|line| line + "\n").collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail where the process has ended already, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines as they come.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            if send.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    receive
}
