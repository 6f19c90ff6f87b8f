//! What instructions do that reach beyond numbers and the cells of a function: they change memory as a
//! whole, call native code, read and write. All engines leave these to [`Vm::system`].

use super::trap::TrapKind;
use super::vm::Vm;
use crate::isa::{Op, ValueType};

impl Vm<'_> {
    /// Executes an instruction of the groups native and input-output, or one that works on memory as
    /// a whole. `cells` begins with what it pops, the deepest first, and what it pushes takes the
    /// place of the first, so there must be one at least.
    ///
    /// `float` tells whether an overloaded instruction works on floats. The operand of an instruction
    /// that names a slot is the index of its import.
    ///
    /// # Panics
    /// When it is another instruction.
    pub(super) fn system(
        &mut self,
        op: Op,
        float: bool,
        operand: u64,
        cells: &mut [u64],
    ) -> Result<(), TrapKind> {
        let pushed = match op {
            Op::Memsize => self.memory.size(),
            Op::Memgrow => self.memory.grow(cells[0]).unwrap_or(u64::MAX),
            Op::Memcopy => return self.memory.copy(cells[0], cells[1], cells[2]),
            Op::Memfill => {
                self.memory.slice(cells[0], cells[2])?.fill(cells[1] as u8);
                return Ok(());
            }
            Op::CallNative => match self.call_native(operand as usize, cells)? {
                Some(result) => result,
                None => return Ok(()),
            },
            Op::LoadLib => self.libraries.bind(operand as usize).is_ok().into(),
            Op::ReloadLib => self.libraries.reload(operand as usize).is_ok().into(),
            Op::LibVersion => self.libraries.version(operand as usize).map_or(0, u64::from),
            Op::Print => {
                let ty = if float { ValueType::F64 } else { ValueType::I64 };
                let mut text = ty.format(cells[0]);
                text.push('\n');
                return self.host.write(text.as_bytes());
            }
            Op::Write => {
                return self.host.write(&self.program.module().texts[operand as usize]);
            }
            Op::Puts => return self.host.write(self.memory.slice(cells[0], cells[1])?),
            Op::Putc => {
                let c = u32::try_from(cells[0]).ok().and_then(char::from_u32);
                let c = c.ok_or(TrapKind::NotACharacter(cells[0] as i64))?;
                return self.host.write(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Op::Read => {
                self.takes_long();
                let room = self.memory.slice(cells[0], cells[1])?;
                self.host.read(room)?.unwrap_or(u64::MAX)
            }
            Op::Arg => {
                let room = self.memory.slice(cells[1], cells[2])?;
                let length = self.host.arg(cells[0]).map(|arg| {
                    let copied = arg.len().min(room.len());
                    room[..copied].copy_from_slice(&arg[..copied]);
                    arg.len() as u64
                });
                length.unwrap_or(u64::MAX)
            }
            Op::Clock => self.host.nanoseconds(),
            _ => unreachable!("{op:?} is left to the engine"),
        };
        cells[0] = pushed;
        Ok(())
    }

    /// Calls a native function. Gives its result.
    #[inline]
    pub(super) fn call_native(
        &mut self,
        import: usize,
        cells: &[u64],
    ) -> Result<Option<u64>, TrapKind> {
        // What the program wrote stands before what the function writes.
        self.host.flush()?;
        let args = &cells[..self.libraries.argument_cells(import)];
        self.libraries.call(import, args, self.memory.bytes_mut()).map_err(TrapKind::Native)
    }
}
