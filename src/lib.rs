pub mod diagnostics;
pub mod isa;
