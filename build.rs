//! Chooses how the interpreter goes from one instruction to the next, and takes the unwinder along.

use std::env::var;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    use_tail_calls();
    link_unwinder();
}

/// Tail calls are the fastest way, but become jumps only where the compiler optimises, and the calling
/// convention that keeps the interpreter's state in registers is that of x86-64.
fn use_tail_calls() {
    println!("cargo::rustc-check-cfg=cfg(tail_calls)");
    let optimised = var("OPT_LEVEL").is_ok_and(|level| level != "0");
    if optimised && var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64") {
        println!("cargo::rustc-cfg=tail_calls");
    }
}

/// Makes the unwinder of glibc's systems a part of the program, where the C compiler says where it is.
/// Loading it as a library takes a tenth of the time that a short program runs for: when loaded, it asks
/// the processor for its features one by one.
fn link_unwinder() {
    println!("cargo::rerun-if-env-changed=CC");
    let is_here = var("TARGET").is_ok_and(|target| {
        target.ends_with("-linux-gnu") && var("HOST").is_ok_and(|host| host == target)
    });
    let compiler = var("CC").unwrap_or_else(|_| "cc".to_owned());
    if !is_here {
        return;
    }
    let Ok(told) = Command::new(compiler).arg("-print-file-name=libgcc_eh.a").output() else {
        return;
    };
    let library = PathBuf::from(String::from_utf8_lossy(&told.stdout).trim());
    // The compiler answers with the bare name when it does not know.
    if let (true, Some(folder)) = (library.is_absolute() && library.is_file(), library.parent()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
