//! Chooses how the interpreter goes from one instruction to the next.
//!
//! Tail calls are the fastest way, but become jumps only where the compiler optimises, and the calling
//! convention that keeps the interpreter's state in registers is that of x86-64.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(tail_calls)");
    let optimised = var("OPT_LEVEL").is_ok_and(|level| level != "0");
    if optimised && var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64") {
        println!("cargo::rustc-cfg=tail_calls");
    }
}
