//! Crashes of native code under the guard, with real libraries.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use hotvm::diagnostics::Code;
use hotvm::engine::Engine;
use hotvm::isa::{CType, Import, Signature};
use hotvm::native::{Access, CallError, Cause, Fault, GuardMode, Libraries, Settings};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Functions that crash in every way, and some that do not. Each takes an `i64` and gives one.
const CODE: &str = r#"
#define _GNU_SOURCE
#include <assert.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

typedef int64_t i64;
static volatile i64 sink;
static const i64 constant[4] = {1, 2, 3, 4};
static i64 calls;

i64 fine(i64 n) { return n + 1; }
i64 quotient(i64 n) { return (i64)(1e9 / (double)n); }

i64 null_read(i64 n) { return *(volatile i64 *)(n & 0) ; }
i64 null_write(i64 n) { *(volatile i64 *)(n & 0) = n; return n; }
i64 wild_read(i64 n) { return *(volatile i64 *)(0x6000000000 + n); }
i64 impossible(i64 n) { return *(volatile i64 *)(0x8000000000000000 + n); }
i64 jump_null(i64 n) { i64 (*volatile f)(i64) = 0; return f(n) + 1; }
i64 jump_wild(i64 n) { i64 (*volatile f)(i64) = (void *)0x6000000000; return f(n) + 1; }
i64 write_constant(i64 n) { *(volatile i64 *)&constant[n & 3] = n; return n; }
i64 divide(i64 n) { volatile i64 zero = 0; return n / zero; }
i64 illegal(i64 n) { __builtin_trap(); return n; }
i64 calls_abort(i64 n) { abort(); return n; }
i64 fails_assertion(i64 n) { assert(n == 12345); return n; }
i64 raises(i64 n) { raise(SIGILL); return n; }
i64 length_of_null(i64 n) { return (i64)strlen((char *)(n & 0)); }
i64 copy_to_null(i64 n) { char text[64] = "x"; memcpy((char *)(n & 0), text, 64); return n; }
i64 fill_null(i64 n) { memset((char *)(n & 0), 1, 1 << 20); return n; }

i64 past_the_end(i64 n) {
    int fd = memfd_create("short", 0);
    char *page = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    sink = page[n & 7];
    return n;
}

__attribute__((noinline)) i64 smash(i64 n) {
    volatile uintptr_t frame[2];
    for (int i = 0; i < 16; i++) frame[i] = 0x4141414141414141;
    return n;
}

i64 recurse(i64 n) { volatile char frame[512]; frame[0] = (char)n; return recurse(n + 1) + frame[0]; }
i64 huge_frame(i64 n) { volatile char frame[64 << 20]; frame[n & 7] = 1; return frame[n & 7]; }

i64 at_call(i64 n) { if (++calls == n) { calls = 0; abort(); } return calls; }
i64 spin(i64 n) { for (;;) sink = n; }
i64 nap_for_ever(i64 n) { for (;;) usleep(100); return n; }
i64 round_up(i64 n) { fesetround(FE_UPWARD); return *(volatile i64 *)(n & 0); }
i64 dirty_x87(i64 n) {
#ifdef __x86_64__
    __asm__ volatile("fld1\nfld1\nfld1\nfld1\nfld1\nfld1\nfld1\nfld1\nstd");
#endif
    return *(volatile i64 *)(n & 0);
}
i64 block_all(i64 n) {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigprocmask(SIG_BLOCK, &all, 0);
    return *(volatile i64 *)(n & 0);
}

/* What `throw` comes to. */
i64 throws(i64 n) {
    static struct _Unwind_Exception exception;
    if (_Unwind_RaiseException(&exception) == _URC_END_OF_STACK) abort();
    return n;
}

i64 double_free(i64 n) {
    char *volatile p = malloc(5000), *volatile keep = malloc(5000);
    free(p);
    free(p);
    return keep == p;
}
/* What is freed is overwritten, and the next but one of its size is looked for where nothing is. */
i64 in_malloc(i64 n) {
    uintptr_t *volatile p = malloc(24), *volatile q = malloc(24);
    free(p);
    free(q);
    *(volatile uintptr_t *)q = ((uintptr_t)q >> 12) ^ 0x6000000000;
    p = malloc(24);
    q = malloc(24);
    return p == q;
}
i64 bad_stream(i64 n) { return fputs((char *)(n & 0), stdout) + fflush((FILE *)(n | 64)); }
"#;

const ALL: [&str; 31] = [
    "fine",
    "quotient",
    "null_read",
    "null_write",
    "wild_read",
    "impossible",
    "jump_null",
    "jump_wild",
    "write_constant",
    "divide",
    "illegal",
    "calls_abort",
    "fails_assertion",
    "raises",
    "length_of_null",
    "copy_to_null",
    "fill_null",
    "past_the_end",
    "smash",
    "recurse",
    "huge_frame",
    "at_call",
    "spin",
    "nap_for_ever",
    "round_up",
    "dirty_x87",
    "block_all",
    "double_free",
    "in_malloc",
    "bad_stream",
    "throws",
];

fn compile(folder: &Path, name: &str, code: &str) {
    let source = folder.join("lab.c");
    fs::write(&source, code).unwrap();
    let done = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".to_owned()))
        .args(["-shared", "-fPIC", "-O1", "-g", "-w", "-fno-stack-protector"])
        .args(["-fno-optimize-sibling-calls", "-fno-delete-null-pointer-checks", "-o"])
        .args([&folder.join(name), &source])
        .arg("-lm")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The functions of a library, guarded.
struct Lab {
    libraries: Libraries,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Lab {
        let folder = tempfile::tempdir().unwrap();
        compile(folder.path(), "libcrash.so", CODE);
        let import = |(slot, symbol): (u16, &&str)| Import {
            slot,
            library: "./libcrash.so".to_owned(),
            symbol: (*symbol).to_owned(),
            signature: Signature { params: vec![CType::I64], result: CType::I64 },
            version: None,
            lazy: false,
        };
        let settings = Settings { program_dir: folder.path().to_owned(), ..Settings::default() };
        let imports = (0..).zip(&ALL).map(import).collect();
        let mut libraries = Libraries::new(imports, settings);
        libraries.set_guard(GuardMode::On);
        libraries.bind_all().unwrap();
        Lab { libraries, folder }
    }

    fn call(&mut self, function: &str, n: i64) -> Result<i64, CallError> {
        let import = ALL.iter().position(|name| *name == function).unwrap();
        self.libraries.call(import, &[n as u64], &mut []).map(|cell| cell.unwrap() as i64)
    }

    /// Calls a function that crashes, and another that then must work.
    fn crash(&mut self, function: &str, n: i64) -> Fault {
        let error = self.call(function, n).expect_err(function);
        assert_eq!(self.call("fine", n), Ok(n + 1), "after {function}");
        let CallError::Fault(fault) = error else { panic!("{function}: {error}") };
        assert_eq!((&*fault.function, fault.generation), (function, 1));
        *fault
    }

    /// The same, for a crash that the process survives.
    fn recover(&mut self, function: &str, n: i64) -> String {
        let fault = self.crash(function, n);
        assert!(!fault.is_tainted(), "{fault}");
        fault.to_string()
    }
}

#[test]
fn every_kind_of_crash_is_named_and_survived() {
    let mut lab = Lab::new();
    let is_arm = cfg!(target_arch = "aarch64");
    let expected = [
        ("null_read", "SIGSEGV reading address 0x0, at null_read+0x"),
        ("null_write", "SIGSEGV writing address 0x0, at null_write+0x"),
        ("wild_read", "SIGSEGV reading address 0x6000000000, at wild_read+0x"),
        ("impossible", if is_arm { "SIGSEGV" } else { "an impossible or misaligned address" }),
        ("jump_null", "SIGSEGV executing address 0x0, at 0x0, where no code is"),
        ("jump_wild", "SIGSEGV executing address 0x6000000000"),
        ("write_constant", "SIGSEGV writing address 0x"),
        (
            "illegal",
            if is_arm { "SIGTRAP" } else { "SIGILL, not a valid instruction, at illegal+0x" },
        ),
        ("calls_abort", "SIGABRT, it called `abort`"),
        ("throws", "SIGABRT, it called `abort`"),
        ("fails_assertion", "Assertion `n == 12345' failed."),
        ("raises", "SIGILL, sent by itself"),
        ("length_of_null", "SIGSEGV reading address 0x0, at libc"),
        ("copy_to_null", "SIGSEGV writing address 0x"),
        ("fill_null", "SIGSEGV writing address 0x"),
        ("past_the_end", "SIGBUS reading address 0x"),
        ("smash", "crashed: SIGSEGV"),
        ("recurse", "its stack overflowed, at recurse+0x"),
        ("huge_frame", "its stack overflowed, at huge_frame+0x"),
    ];
    for (function, part) in expected {
        for _ in 0..2 {
            let text = lab.recover(function, 0);
            assert!(
                text.starts_with(&format!("`{function}` of libcrash.so (generation 1) crashed"))
            );
            assert!(comparable(&text).contains(&comparable(part)), "{text}");
        }
    }
    if !is_arm {
        let text = lab.recover("divide", 7);
        assert!(text.contains("SIGFPE, an integer division by zero, at divide+0x"), "{text}");
    }
}

/// QEMU, under which 64-bit ARM is tested, does not say what was tried on memory.
fn comparable(text: &str) -> String {
    match cfg!(target_arch = "aarch64") {
        true => ["reading", "writing", "executing"]
            .iter()
            .fold(text.to_owned(), |text, word| text.replace(word, "using")),
        false => text.to_owned(),
    }
}

#[test]
fn the_first_call_may_crash_and_the_thousandth() {
    let mut lab = Lab::new();
    lab.recover("at_call", 1);
    for call in 1..1000 {
        assert_eq!(lab.call("at_call", 1000), Ok(call));
    }
    lab.recover("at_call", 1000);
    assert_eq!(lab.call("at_call", 2), Ok(1));
}

#[test]
fn ten_thousand_crashes_in_a_row_are_as_good_as_one() {
    let mut lab = Lab::new();
    for function in ["null_read", "jump_null", "illegal", "calls_abort", "length_of_null"] {
        for n in 0..10_000 {
            assert!(matches!(lab.call(function, n), Err(CallError::Fault(f)) if !f.is_tainted()));
        }
        lab.recover(function, 1);
    }
    for _ in 0..500 {
        lab.recover("recurse", 1);
    }
}

#[test]
fn threads_crash_independently_of_each_other() {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let mut lab = Lab::new();
                for n in 0..300 {
                    lab.recover(["null_write", "smash", "calls_abort", "recurse"][n % 4], thread);
                }
            });
        }
    });
}

#[test]
fn libraries_can_crash_on_one_thread_and_then_on_another() {
    let mut lab = Lab::new();
    lab.recover("null_read", 0);
    let mut lab = std::thread::spawn(move || {
        lab.recover("recurse", 0);
        lab
    })
    .join()
    .unwrap();
    lab.recover("recurse", 0);
}

#[test]
fn floating_point_flags_and_signals_are_as_before_the_crash() {
    let mut lab = Lab::new();
    let third = std::hint::black_box(1.0) / std::hint::black_box(3.0);
    for function in ["round_up", "dirty_x87", "block_all"] {
        lab.recover(function, 0);
        let again: f64 = std::hint::black_box(1.0) / std::hint::black_box(3.0);
        assert_eq!(f64::to_bits(third), again.to_bits(), "{function}");
        assert_eq!(lab.call("quotient", 3), Ok(333_333_333));
        assert_eq!(blocked_signals(), 0, "{function}");
        lab.recover("null_read", 0);
    }
}

/// Where a text stands in `CODE`.
fn line_of(text: &str) -> String {
    let index = CODE.lines().position(|line| line.contains(text)).unwrap();
    format!("lab.c:{}", index + 1)
}

/// The signals that this thread blocks, as the system tells.
fn blocked_signals() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

#[test]
fn a_call_that_does_not_return_is_interrupted_and_named() {
    let mut lab = Lab::new();
    let limit = Duration::from_millis(100);
    lab.libraries.set_native_timeout(Some(limit));
    for _ in 0..3 {
        let start = Instant::now();
        let fault = lab.crash("spin", 1);
        let spent = start.elapsed();
        assert!(spent >= limit && spent < Duration::from_secs(10), "{spent:?}");
        assert_eq!(fault.crash.cause, Cause::Timeout(limit));
        assert!(!fault.is_tainted());
        let text = fault.to_string();
        assert!(
            text.contains("did not return within 0.1 s and was interrupted, at spin"),
            "{text}"
        );
        assert_eq!(CallError::Fault(Box::new(fault)).code(), Code::NativeTimeout);
    }
    // Short calls are left alone, however many there are.
    let start = Instant::now();
    while start.elapsed() < 4 * limit {
        assert_eq!(lab.call("fine", 1), Ok(2));
    }
    lab.recover("null_read", 0);
}

#[test]
fn a_fault_tells_its_parts() {
    let mut lab = Lab::new();
    let fault = lab.crash("null_write", 0);
    let Cause::Memory { signal: "SIGSEGV", access, address: Some(0) } = fault.crash.cause else {
        panic!("{fault}")
    };
    assert!(access == Access::Write || cfg!(target_arch = "aarch64"), "{fault}");
    assert_eq!((fault.import, fault.crash.taint), (3, None));
    assert!(fault.crash.place.as_str().starts_with("null_write+0x"));
    assert_eq!(fault.source_line(), Some(line_of("i64 null_write")));
    // A crash in the C library is told by the line of the call.
    assert_eq!(lab.crash("length_of_null", 0).source_line(), Some(line_of("i64 length_of_null")));
    assert_eq!(lab.crash("jump_null", 0).source_line(), None);
    assert_eq!(CallError::Fault(Box::new(fault)).code(), Code::NativeFault);
}

#[test]
fn a_crashing_generation_gives_way_to_the_one_before() {
    let mut lab = Lab::new();
    let change = |lab: &Lab, code: &str| {
        compile(lab.folder.path(), "next.so", code);
        let file = |name| lab.folder.path().join(name);
        fs::rename(file("next.so"), file("libcrash.so")).unwrap();
    };
    let bad = CODE.replace("return n + 1;", "return *(volatile i64 *)(n & 0);");
    change(&lab, &bad);
    lab.libraries.reload(0).unwrap();
    let Err(CallError::Fault(fault)) = lab.call("fine", 1) else { panic!("it works") };
    assert_eq!(fault.generation, 2);
    assert_eq!(lab.call("fine", 1), Ok(2));
    // The same again is refused; something else is not.
    lab.libraries.reload(0).unwrap_err();
    assert_eq!(lab.call("fine", 1), Ok(2));
    change(&lab, &CODE.replace("return n + 1;", "return n + 7;"));
    lab.libraries.reload(0).unwrap();
    assert_eq!(lab.call("fine", 1), Ok(8));
}

/// A program in a folder of its own, run by hotvm.
struct Program(tempfile::TempDir);

impl Program {
    fn new(function: &str) -> Program {
        let folder = tempfile::tempdir().unwrap();
        compile(folder.path(), "libcrash.so", CODE);
        let text = format!(
            ".lib 0 \"./libcrash.so\" {function} (i64) -> i64\n\nPUSH 0\nCALL_NATIVE 0\nPRINT\nHALT\n"
        );
        fs::write(folder.path().join("program.vasm"), text).unwrap();
        Program(folder)
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotvm"));
        command.arg("run").arg("program.vasm").args(flags).current_dir(self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, flags: &[&str], input: &str) -> (Output, String) {
        let mut child = self.command(flags).spawn().unwrap();
        // It may end before it has read any of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output, errors)
    }
}

#[test]
fn a_crash_becomes_a_trap_at_its_line() {
    for engine in Engine::ALL {
        let program = Program::new("null_read");
        let (output, errors) = program.run(&["--guard", "on", "--engine", engine.name()], "");
        assert_eq!(output.status.code(), Some(3), "{errors}");
        let parts =
            ["E0512", "`null_read` of libcrash.so", "program.vasm:4", "reading address 0x0"];
        for part in parts.into_iter().chain(["source of the library: lab.c:"]) {
            assert!(errors.contains(part), "{part} in {errors}");
        }
    }
}

/// Compiled code calls by itself: whatever a function does to the stack, the trap is told.
#[test]
fn all_engines_survive_what_functions_do_to_the_stack() {
    for engine in Engine::ALL {
        for function in ["smash", "recurse", "jump_wild", "calls_abort", "dirty_x87", "block_all"] {
            let flags = ["--guard", "on", "--engine", engine.name()];
            let (output, errors) = Program::new(function).run(&flags, "");
            assert_eq!(output.status.code(), Some(3), "{function}: {errors}");
            for part in ["E0512", &format!("`{function}` of libcrash.so"), "program.vasm:4"] {
                assert!(errors.contains(part), "{part} in {errors}");
            }
        }
        let flags = ["--guard", "on", "--native-timeout", "0.2", "--engine", engine.name()];
        let (output, errors) = Program::new("spin").run(&flags, "");
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(errors.contains("program.vasm:4"), "{errors}");
    }
}

#[test]
fn without_the_guard_the_process_dies_of_its_signal() {
    use std::os::unix::process::ExitStatusExt;
    let cases = [("null_read", 11), ("calls_abort", 6), ("illegal", 4)];
    for (function, signal) in cases {
        for flags in [&[][..], &["--reload-on-enter", "--guard", "off"]] {
            let (output, errors) = Program::new(function).run(flags, "\n");
            assert_eq!(output.status.signal(), Some(signal), "{errors}");
        }
    }
}

#[test]
fn a_tainted_process_ends_with_a_message() {
    for function in ["double_free", "in_malloc", "bad_stream", "nap_for_ever"] {
        let start = Instant::now();
        let flags = ["--reload-on-enter", "--native-timeout", "0.2"];
        let (output, errors) = Program::new(function).run(&flags, "\n\n\n");
        assert_eq!(output.status.code(), Some(3), "{function}: {errors}");
        let parts = ["E051", &format!("`{function}` of libcrash.so"), "the process has to end"];
        assert!(parts.iter().all(|part| errors.contains(part)), "{errors}");
        assert!(!errors.contains("press Enter"), "{errors}");
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn a_program_survives_a_crash_and_runs_the_mended_library() {
    use std::io::{BufRead, BufReader, Read};
    let program = Program::new("null_read");
    let mut child = program.command(&["--reload-on-enter"]).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut until = |end: &str| {
        let mut text = String::new();
        while !text.contains(end) {
            assert!(errors.read_line(&mut text).unwrap() > 0, "{text}");
        }
        text
    };
    let text = until("press Enter");
    assert!(text.contains("E0512") && text.contains("program.vasm:4"), "{text}");
    let mended = CODE.replace("return *(volatile i64 *)(n & 0) ;", "return n + 41;");
    compile(program.0.path(), "mended.so", &mended);
    fs::rename(program.0.path().join("mended.so"), program.0.path().join("libcrash.so")).unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\n").unwrap();
    let text = until("press Enter");
    assert!(text.contains("generation 2"), "{text}");
    drop(input);
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!((output.as_str(), child.wait().unwrap().code()), ("41\n", Some(0)));
}

/// Not a test: what the next one runs in a process of its own, which dies of it.
#[test]
#[ignore = "dies"]
fn crash_outside_of_native_code() {
    let mut lab = Lab::new();
    lab.recover("null_read", 0);
    lab.recover("recurse", 0);
    match std::env::var("CRASH").unwrap().as_str() {
        "panic" => panic!("a usual panic"),
        "overflow" => drop(deep(1)),
        _ => std::process::abort(),
    }
}

#[expect(unconditional_recursion, reason = "it is to overflow the stack")]
fn deep(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    deep(frame[7] + 1) + frame[3]
}

#[test]
fn crashes_outside_of_native_code_are_as_without_the_guard() {
    use std::os::unix::process::ExitStatusExt;
    let cases = [
        ("panic", None, "a usual panic"),
        ("overflow", Some(6), "has overflowed its stack"),
        ("abort", Some(6), ""),
    ];
    for (how, signal, words) in cases {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["crash_outside_of_native_code", "--exact", "--ignored", "--nocapture"])
            .env("CRASH", how)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), signal, "{how}: {errors}");
        assert!(!output.status.success() && errors.contains(words), "{how}: {errors}");
    }
}
