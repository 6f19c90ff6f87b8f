//! Memory, native functions, input and output.

use super::machine::{Machine, Step};
use crate::engine::trap::TrapKind;
use crate::isa::{Op, ValueType};

impl Machine<'_, '_> {
    pub(super) fn memory(&mut self, op: Op, offset: u64) -> Result<(), TrapKind> {
        match op {
            Op::Memsize => self.push(self.vm.memory.size()),
            Op::Memgrow => {
                let by = self.pop();
                let old = self.vm.memory.grow(by);
                self.push(old.unwrap_or(u64::MAX));
            }
            Op::Memcopy => {
                let (length, from, to) = (self.pop(), self.pop(), self.pop());
                self.vm.memory.copy(to, from, length)?;
            }
            Op::Memfill => {
                let (length, value, address) = (self.pop(), self.pop(), self.pop());
                self.vm.memory.slice(address, length)?.fill(value as u8);
            }
            _ if op.pushes().is_empty() => {
                let value = self.pop();
                let address = self.pop().wrapping_add(offset);
                self.store(op, address, value)?;
            }
            _ => {
                let address = self.pop().wrapping_add(offset);
                let value = self.load(op, address)?;
                self.push(value);
            }
        }
        Ok(())
    }

    fn load(&mut self, op: Op, at: u64) -> Result<u64, TrapKind> {
        let memory = &mut self.vm.memory;
        Ok(match op {
            Op::Ld8s => i8::from_le_bytes(memory.load(at)?) as u64,
            Op::Ld8u => u8::from_le_bytes(memory.load(at)?).into(),
            Op::Ld16s => i16::from_le_bytes(memory.load(at)?) as u64,
            Op::Ld16u => u16::from_le_bytes(memory.load(at)?).into(),
            Op::Ld32s => i32::from_le_bytes(memory.load(at)?) as u64,
            Op::Ld32u => u32::from_le_bytes(memory.load(at)?).into(),
            Op::Ld64 | Op::Ldf64 => u64::from_le_bytes(memory.load(at)?),
            Op::Ldf32 => f64::from(f32::from_le_bytes(memory.load(at)?)).to_bits(),
            _ => unreachable!("{op:?} does not load"),
        })
    }

    fn store(&mut self, op: Op, at: u64, value: u64) -> Result<(), TrapKind> {
        let memory = &mut self.vm.memory;
        match op {
            Op::St8 => memory.store(at, &(value as u8).to_le_bytes()),
            Op::St16 => memory.store(at, &(value as u16).to_le_bytes()),
            Op::St32 => memory.store(at, &(value as u32).to_le_bytes()),
            Op::St64 | Op::Stf64 => memory.store(at, &value.to_le_bytes()),
            Op::Stf32 => memory.store(at, &(f64::from_bits(value) as f32).to_le_bytes()),
            _ => unreachable!("{op:?} does not store"),
        }
    }

    pub(super) fn native(&mut self, op: Op, import: usize) -> Result<(), TrapKind> {
        match op {
            Op::CallNative => {
                // What the program wrote stands before what the function writes.
                self.vm.host.flush()?;
                let declared = &self.vm.program.module().imports[import];
                let cells =
                    declared.signature.params.iter().map(|p| p.cells().len()).sum::<usize>();
                let args = self.stack.len() - cells;
                let memory = self.vm.memory.bytes_mut();
                let result = self.vm.libraries.call(import, &self.stack[args..], memory);
                let result = result.map_err(TrapKind::Native)?;
                self.stack.truncate(args);
                self.stack.extend(result);
            }
            Op::LoadLib => {
                let bound = self.vm.libraries.bind(import).is_ok();
                self.push(bound);
            }
            Op::ReloadLib => {
                let current = self.vm.libraries.reload(import).is_ok();
                self.push(current);
            }
            Op::LibVersion => {
                let version = self.vm.libraries.version(import);
                self.push(version.unwrap_or(0));
            }
            _ => unreachable!("{op:?} is not of the native group"),
        }
        Ok(())
    }

    pub(super) fn input_output(&mut self, step: Step) -> Result<(), TrapKind> {
        match step.op {
            Op::Print => {
                let ty = if step.float { ValueType::F64 } else { ValueType::I64 };
                let mut text = ty.format(self.pop());
                text.push('\n');
                self.vm.host.write(text.as_bytes())?;
            }
            Op::Write => {
                let text = &self.vm.program.module().texts[step.arg as usize];
                self.vm.host.write(text)?;
            }
            Op::Puts => {
                let (length, address) = (self.pop(), self.pop());
                let bytes = self.vm.memory.slice(address, length)?;
                self.vm.host.write(bytes)?;
            }
            Op::Putc => {
                let number = self.pop();
                let c = u32::try_from(number).ok().and_then(char::from_u32);
                let c = c.ok_or(TrapKind::NotACharacter(number as i64))?;
                self.vm.host.write(c.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
            Op::Read => {
                let (capacity, address) = (self.pop(), self.pop());
                let room = self.vm.memory.slice(address, capacity)?;
                let length = self.vm.host.read(room)?;
                self.push(length.unwrap_or(u64::MAX));
            }
            Op::Arg => {
                let (capacity, address, index) = (self.pop(), self.pop(), self.pop());
                let room = self.vm.memory.slice(address, capacity)?;
                let length = self.vm.host.arg(index).map(|arg| {
                    let copied = arg.len().min(room.len());
                    room[..copied].copy_from_slice(&arg[..copied]);
                    arg.len() as u64
                });
                self.push(length.unwrap_or(u64::MAX));
            }
            Op::Clock => self.push(self.vm.host.nanoseconds()),
            _ => unreachable!("{:?} is not of this group", step.op),
        }
        Ok(())
    }
}
