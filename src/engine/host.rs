//! A program's ways to the outside: standard input and output, arguments, the clock.

use super::trap::TrapKind;
use std::io::{self, BufRead, Write};
use std::time::Instant;

/// Where output goes. `flush_lines` is for a terminal, where each line should appear at once.
pub struct Output {
    to: Box<dyn Write>,
    buffer: Vec<u8>,
    flush_lines: bool,
}

impl Output {
    /// How many bytes are collected before they are written.
    const CAPACITY: usize = 32 * 1024;

    /// Output to anything.
    pub fn new(to: impl Write + 'static, flush_lines: bool) -> Output {
        Output { to: Box::new(to), buffer: Vec::with_capacity(Self::CAPACITY), flush_lines }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TrapKind> {
        self.buffer.extend_from_slice(bytes);
        let line = self.flush_lines && bytes.contains(&b'\n');
        if line || self.buffer.len() >= Self::CAPACITY { self.flush() } else { Ok(()) }
    }

    #[inline]
    fn flush(&mut self) -> Result<(), TrapKind> {
        if self.buffer.is_empty() { Ok(()) } else { self.hand_over() }
    }

    #[cold]
    fn hand_over(&mut self) -> Result<(), TrapKind> {
        let written = self.to.write_all(&self.buffer).and_then(|()| self.to.flush());
        self.buffer.clear();
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => TrapKind::OutputClosed,
            _ => TrapKind::InputOutput(error),
        })
    }
}

/// What a program can reach of the outside.
pub struct Host {
    output: Output,
    input: Box<dyn BufRead>,
    args: Vec<Vec<u8>>,
    start: Instant,
    /// What a `READ` had no room for.
    pending: Vec<u8>,
}

impl Host {
    /// A host with these streams and arguments.
    pub fn new(output: Output, input: impl BufRead + 'static, args: Vec<Vec<u8>>) -> Host {
        Host { output, input: Box::new(input), args, start: Instant::now(), pending: Vec::new() }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), TrapKind> {
        self.output.write(bytes)
    }

    /// Whether nothing is collected that [`Host::flush`] would hand over.
    #[allow(dead_code, reason = "for compiled code, which is not made everywhere")]
    pub(super) fn is_flushed(&self) -> bool {
        self.output.buffer.is_empty()
    }

    /// Hands over what is still collected, so that it stands before what others write next.
    #[inline]
    pub(super) fn flush(&mut self) -> Result<(), TrapKind> {
        self.output.flush()
    }

    /// The next line of input without its newline, cut to what there is room for; the rest stays for
    /// the next call. `None` at the end of input.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<Option<u64>, TrapKind> {
        if self.pending.is_empty() {
            self.flush()?;
            let read = self.input.read_until(b'\n', &mut self.pending);
            if read.map_err(TrapKind::InputOutput)? == 0 {
                return Ok(None);
            }
        }
        // The newline stays in `pending` as long as the line is not used up, to tell an empty line
        // from none.
        let line = self.pending.strip_suffix(b"\n").unwrap_or(&self.pending);
        let len = line.len().min(into.len());
        into[..len].copy_from_slice(&line[..len]);
        if len == line.len() {
            self.pending.clear();
        } else {
            self.pending.drain(..len);
        }
        Ok(Some(len as u64))
    }

    /// The next whole line of input without its newline, for somebody who shares it with the
    /// program. What the program has left of a line is passed over. `None` at the end of input.
    ///
    /// # Errors
    /// When input fails.
    pub fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.pending.clear();
        let mut line = Vec::new();
        if self.input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.ends_with(b"\n") {
            line.pop();
        }
        Ok(Some(line))
    }

    pub(super) fn arg(&self, index: u64) -> Option<&[u8]> {
        self.args.get(usize::try_from(index).ok()?).map(|arg| &**arg)
    }

    pub(super) fn nanoseconds(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_in_pieces_and_to_the_end() {
        let input = io::Cursor::new(b"hello\n\nlast".to_vec());
        let mut host = Host::new(Output::new(io::sink(), false), input, Vec::new());
        let mut room = [0; 3];
        assert_eq!(host.read(&mut room).unwrap(), Some(3));
        assert_eq!(&room, b"hel");
        assert_eq!(host.read(&mut room).unwrap(), Some(2));
        assert_eq!(host.read(&mut room).unwrap(), Some(0));
        assert_eq!(host.read(&mut [0; 9]).unwrap(), Some(4));
        assert_eq!(host.read(&mut room).unwrap(), None);
    }
}
