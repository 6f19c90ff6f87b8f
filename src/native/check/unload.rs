//! Whether a library's code could be unmapped when nothing calls it any more.
//!
//! `dlclose` is where reloaders crash: a thread that still runs the code, a handler that the C library
//! will call, a pointer that somebody kept. What a library can leave behind, it can only leave through
//! functions that it imports. So a library may go if it needs no library but C's own, imports nothing
//! that keeps a pointer, and has none of the marks that make the loader keep it in any case.

use super::dynamic::Dynamic;
use super::elf::Image;
use super::symbols::Symbols;
use object::elf;

/// Libraries that call nobody back but through the functions below.
const PLAIN: &[&str] = &["libc", "libm", "ld-linux", "ld-musl", "libgcc_s"];

/// Functions that keep a pointer into the library, or start something that does.
const KEEPERS: &[&str] = &[
    // Handlers for an end: of the process, of a thread, of a fork.
    "atexit",
    "on_exit",
    "at_quick_exit",
    "__cxa_atexit",
    "__cxa_at_quick_exit",
    "__cxa_thread_atexit",
    "__cxa_thread_atexit_impl",
    "pthread_atfork",
    "__register_atfork",
    "pthread_key_create",
    "tss_create",
    // Threads, and what becomes one.
    "pthread_create",
    "thrd_create",
    "clone",
    "timer_create",
    "mq_notify",
    "getaddrinfo_a",
    "aio_read",
    "aio_write",
    "lio_listio",
    // Signal handlers.
    "signal",
    "bsd_signal",
    "sysv_signal",
    "sigset",
    "sigaction",
    "__sigaction",
    // Texts, buffers and functions that the C library goes on using.
    "putenv",
    "setbuf",
    "setbuffer",
    "setvbuf",
    "fopencookie",
    "openlog",
    "register_printf_function",
    "register_printf_specifier",
    // What can lead anywhere.
    "dlopen",
    "dlmopen",
    "dlsym",
    "dlvsym",
    "syscall",
];

/// The function by which a library takes over its own state, which may point into the old one.
const UPGRADE: &[u8] = b"hotvm_upgrade";

/// Why the code must stay mapped; `None` where nothing keeps it.
pub(super) fn must_stay(image: &Image, dynamic: &Dynamic, symbols: &Symbols) -> Option<String> {
    if image.has_thread_locals {
        return Some("it has thread-local variables".to_owned());
    }
    if dynamic.get(elf::DT_FLAGS_1).is_some_and(|f| f & u64::from(elf::DF_1_NODELETE) != 0) {
        return Some("it is linked with `-z nodelete`".to_owned());
    }
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    if let Some(name) = symbols.unique() {
        return Some(format!("`{}` is unique in the process", text(name)));
    }
    if symbols.defines(UPGRADE) {
        return Some("it hands its state on by `hotvm_upgrade`".to_owned());
    }
    let is_plain = |name: &[u8]| PLAIN.iter().any(|plain| is_version_of(name, plain));
    if let Some(needed) = dynamic.needed().find(|name| !is_plain(name)) {
        return Some(format!("it needs {}, which may hold pointers into it", text(needed)));
    }
    let keeps = |name: &&[u8]| KEEPERS.iter().any(|keeper| keeper.as_bytes() == *name);
    symbols.imports().find(keeps).map(|name| format!("it uses `{}`", text(name)))
}

/// Whether a file name is that of a library: `libc.so.6` of `libc`, `ld-linux-x86-64.so.2` of
/// `ld-linux`.
fn is_version_of(name: &[u8], library: &str) -> bool {
    let rest = name.strip_prefix(library.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b".") || rest.starts_with(b"-"))
}
