pub mod assemble;
pub mod diagnostics;
pub mod disassemble;
pub mod isa;
pub mod module;
pub mod program;
pub mod syntax;
pub mod verify;
