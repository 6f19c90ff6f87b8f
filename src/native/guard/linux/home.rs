//! Whose code an address is in.

use super::judge::Stopped;
use super::machine::in_trampoline;
use crate::native::guard::Text;
use crate::native::guard::line::line_of;
use crate::native::os::{is_private_copy, name_in_copy};
use libc::{c_int, c_void};
use std::ffi::{CStr, OsStr};
use std::fmt::Write;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

/// Whose code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// That of the library that was called, or of another that a program has bound.
    Library,
    /// A function of the C library that holds no lock, called by such a library.
    LockFree,
    /// No library is there.
    Nowhere,
    /// Other code, which may hold a lock.
    Foreign,
}

/// The functions of the C library that hold no lock and allocate nothing, as far as they are single
/// functions: those that call others are not recognised by an address.
const LOCK_FREE: [&CStr; 40] = [
    c"memchr",
    c"memcmp",
    c"memcpy",
    c"memmem",
    c"memmove",
    c"mempcpy",
    c"memrchr",
    c"memset",
    c"rawmemchr",
    c"stpcpy",
    c"stpncpy",
    c"strcasecmp",
    c"strcasecmp_l",
    c"strcasestr",
    c"strcat",
    c"strchr",
    c"strchrnul",
    c"strcmp",
    c"strcpy",
    c"strcspn",
    c"strlen",
    c"strncasecmp",
    c"strncasecmp_l",
    c"strncat",
    c"strncmp",
    c"strncpy",
    c"strnlen",
    c"strpbrk",
    c"strrchr",
    c"strspn",
    c"strstr",
    c"wcschr",
    c"wcscmp",
    c"wcscpy",
    c"wcslen",
    c"wcsncmp",
    c"wcsnlen",
    c"wcsrchr",
    c"wmemchr",
    c"wmemset",
];

/// Where these functions begin: of several versions, those for this processor.
static ENTRIES: OnceLock<[usize; LOCK_FREE.len()]> = OnceLock::new();

unsafe extern "C" {
    /// The start of the function around an address, from the unwind tables. Rust's library links it.
    fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
}

/// Looks up what must not be looked up when the heap may be damaged.
pub fn prepare() {
    // SAFETY: a name is looked up among the libraries of the process.
    let address = |name: &CStr| unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) as usize };
    ENTRIES.get_or_init(|| LOCK_FREE.map(address));
}

/// Whose code a call was in when it stopped.
pub fn home(stopped: &Stopped) -> Home {
    if is_library(stopped.pc, stopped.target) {
        return Home::Library;
    }
    match object(stopped.pc) {
        None => Home::Nowhere,
        Some(_) if is_lock_free(stopped.pc) && is_library(stopped.caller, stopped.target) => {
            Home::LockFree
        }
        Some(_) => Home::Foreign,
    }
}

/// Whether code is of the library that `target` is in, of another that a program has bound, or of
/// a trampoline. The C library, which a program can bind too, is not its own master here.
fn is_library(pc: usize, target: usize) -> bool {
    let base = |object: libc::Dl_info| object.dli_fbase;
    let Some(found) = object(pc) else { return false };
    let is_c_library = object(libc::abort as *const () as usize).map(base) == Some(found.dli_fbase);
    in_trampoline(pc)
        || is_private_copy(file_name(&found))
        || !is_c_library && object(target).map(base) == Some(found.dli_fbase)
}

fn is_lock_free(pc: usize) -> bool {
    // SAFETY: the tables are looked up by a number, which need not be an address of anything. They
    // are asked for a return address, which is one after the instruction.
    let start = unsafe { _Unwind_FindEnclosingFunction((pc + 1) as *mut c_void) } as usize;
    start != 0 && ENTRIES.get().is_some_and(|entries| entries.contains(&start))
}

/// The loaded file that an address is in.
fn object(address: usize) -> Option<libc::Dl_info> {
    let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: the loader looks the number up in its list, and fills `info` if it finds it.
    unsafe {
        let found = libc::dladdr(address as *const c_void, info.as_mut_ptr()) != 0;
        found.then(|| info.assume_init())
    }
}

fn file_name(object: &libc::Dl_info) -> &[u8] {
    match object.dli_fname.is_null() {
        true => &[],
        // SAFETY: the loader's own name of a file that is loaded; the object was just looked up.
        false => unsafe { CStr::from_ptr(object.dli_fname) }.to_bytes(),
    }
}

/// What people call the library that an address is in, if that was loaded from a private copy; else
/// empty.
pub fn private_library(pc: usize) -> Text<96> {
    let Some(object) = object(pc) else { return Text::EMPTY };
    let name = file_name(&object);
    if !is_private_copy(name) {
        return Text::EMPTY;
    }
    // A descriptor is a link to the name that its file in memory was given.
    let mut target = [0; 96];
    // SAFETY: the name is the loader's own, and ends with a zero; the system writes no more than there
    // is room for.
    let length =
        unsafe { libc::readlink(object.dli_fname, target.as_mut_ptr().cast(), target.len()) };
    let name = usize::try_from(length).map_or(name, |length| &target[..length]);
    Text::from_bytes(name_in_copy(name))
}

/// An address as symbol or file and distance. The files of private copies have no telling names.
pub fn place(pc: usize) -> Text<96> {
    let mut text = Text::EMPTY;
    let Some(object) = object(pc) else { return text };
    let file = file_name(&object);
    let mut symbol: &[u8] = &[];
    if !object.dli_sname.is_null() {
        // SAFETY: the loader's pointer to a name in the symbol table of a loaded file.
        symbol = unsafe { CStr::from_ptr(object.dli_sname) }.to_bytes();
    }
    // A text takes whatever it is given.
    let _ = match (str::from_utf8(symbol), is_private_copy(file)) {
        (Ok(symbol), _) if !symbol.is_empty() => {
            write!(text, "{symbol}+{:#x}", pc - object.dli_saddr as usize)
        }
        (_, true) => write!(text, "offset {:#x} of the library", pc - object.dli_fbase as usize),
        _ => {
            let file = file.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            let file = Text::<64>::from_bytes(file);
            write!(text, "{file}+{:#x}", pc - object.dli_fbase as usize)
        }
    };
    text
}

/// File and line of an address, if its library has debug information.
pub fn source_line(code: usize) -> Option<String> {
    let object = object(code)?;
    let file = std::fs::read(OsStr::from_bytes(file_name(&object))).ok()?;
    line_of(&file, (code - object.dli_fbase as usize) as u64)
}

/// The addresses of the code around an address; empty when no file is loaded there.
pub fn text_around(address: usize) -> Range<usize> {
    struct Search {
        address: usize,
        found: Range<usize>,
    }

    unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _: usize,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: the loader passes a description of one file, with its program headers, and the
        // pointer that it was given.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        // SAFETY: as above.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let code =
            headers.iter().filter(|h| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_X != 0);
        for header in code {
            let start = info.dlpi_addr.wrapping_add(header.p_vaddr) as usize;
            let range = start..start.wrapping_add(header.p_memsz as usize);
            if range.contains(&search.address) {
                search.found = range;
            }
        }
        c_int::from(!search.found.is_empty())
    }

    let mut search = Search { address, found: 0..0 };
    // SAFETY: `visit` is called with a pointer to `search` while it is borrowed here.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}

/// What the C library said when it aborted; empty if it said nothing. It is asked once: the message
/// is wiped out, lest the next abort be taken for the same.
#[cfg(target_env = "gnu")]
pub fn abort_message() -> Text<192> {
    // SAFETY: a name and its version are looked up among the libraries of the process.
    let variable = unsafe {
        libc::dlvsym(libc::RTLD_DEFAULT, c"__abort_msg".as_ptr(), c"GLIBC_PRIVATE".as_ptr())
    };
    // Its type: a pointer to a length and a text.
    let mut message = [0; size_of::<usize>()];
    if variable.is_null() || !copy(variable as usize, &mut message) {
        return Text::EMPTY;
    }
    let message = match usize::from_ne_bytes(message) {
        0 => return Text::EMPTY,
        message => message + size_of::<u32>(),
    };
    let mut words = [0; 192];
    // It lies in pages of its own, so fewer bytes than these may be there only if none are.
    if !copy(message, &mut words) {
        return Text::EMPTY;
    }
    wipe(message);
    let end = words.iter().position(|&byte| byte == 0).unwrap_or(words.len());
    Text::from_bytes(words[..end].trim_ascii_end())
}

/// Other C libraries say nothing.
#[cfg(not(target_env = "gnu"))]
pub fn abort_message() -> Text<192> {
    Text::EMPTY
}

/// Copies memory that another thread may take away at any time: the system says so instead of
/// crashing. Where it does not offer that, the memory is taken to be there.
#[cfg(target_env = "gnu")]
fn copy(from: usize, to: &mut [u8]) -> bool {
    let length = to.len();
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: length };
    let remote = libc::iovec { iov_base: from as *mut c_void, iov_len: length };
    // SAFETY: what is written is `to`; what is read, the system checks.
    match unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) } {
        -1 if is_not_offered() => {
            // SAFETY: the C library keeps its message until another thread aborts too, which is rare
            // enough where this way is taken at all.
            unsafe { std::ptr::copy(from as *const u8, to.as_mut_ptr(), length) };
            true
        }
        copied => copied == length as isize,
    }
}

/// Makes the text at an address empty, if it is still there.
#[cfg(target_env = "gnu")]
fn wipe(text: usize) {
    let mut end = 0u8;
    let local = libc::iovec { iov_base: (&raw mut end).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: text as *mut c_void, iov_len: 1 };
    // SAFETY: the text is the C library's, which reads it no more once the abort is over; whether
    // it is there, the system checks.
    let wiped = unsafe { libc::process_vm_writev(libc::getpid(), &local, 1, &remote, 1, 0) };
    if wiped == -1 && is_not_offered() {
        // SAFETY: as in `copy`; the message is in writable memory.
        unsafe { (text as *mut u8).write(0) };
    }
}

/// Whether the last call failed because the system, an emulator or a sandbox does not offer it.
#[cfg(target_env = "gnu")]
fn is_not_offered() -> bool {
    let error = std::io::Error::last_os_error().raw_os_error();
    matches!(error, Some(libc::ENOSYS | libc::EPERM))
}
