//! Runs a process to its end, with its input given and its output kept.

use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;
use wait_timeout::ChildExt;

/// How a process ended.
pub(super) struct Finished {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// `None` when it was ended for taking too long.
    pub(super) status: Option<ExitStatus>,
}

/// Runs a command. Its streams are served by threads, so that none can wait for another.
pub(super) fn run(command: &mut Command, stdin: &[u8], limit: Duration) -> io::Result<Finished> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().expect("piped");
    let mut output = child.stdout.take().expect("piped");
    let mut errors = child.stderr.take().expect("piped");
    thread::scope(|scope| {
        // A program that does not read all its input closes the pipe, which is no error.
        scope.spawn(move || drop(input.write_all(stdin)));
        let output = scope.spawn(move || read_all(&mut output));
        let errors = scope.spawn(move || read_all(&mut errors));
        let status = child.wait_timeout(limit)?;
        if status.is_none() {
            child.kill()?;
            child.wait()?;
        }
        let stdout = output.join().expect("reading does not panic")?;
        let stderr = errors.join().expect("reading does not panic")?;
        Ok(Finished { stdout, stderr, status })
    })
}

fn read_all(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}
