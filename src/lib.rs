pub mod diagnostics;
pub mod isa;
pub mod native;
