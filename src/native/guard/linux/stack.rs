//! The stack of a thread, and the one beside it on which its handlers run.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;

/// A stack for signal handlers, with an inaccessible page below. Rust's own is too small for what
/// the processor saves of wide registers and a chained handler besides.
pub struct AlternateStack {
    mapping: *mut libc::c_void,
}

impl AlternateStack {
    const GUARD: usize = 1 << 12;
    const SIZE: usize = 1 << 17;

    /// Gives this thread such a stack. `None` when there is no memory for it.
    pub fn install() -> Option<AlternateStack> {
        let length = Self::GUARD + Self::SIZE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the system's choice touches nothing else.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        if mapping == libc::MAP_FAILED {
            return None;
        }
        let stack = AlternateStack { mapping };
        let wanted = libc::stack_t { ss_sp: stack.start(), ss_flags: 0, ss_size: Self::SIZE };
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the range is the mapping from above, less its first page; `wanted` describes it,
        // and it is not unmapped before the thread stops using it.
        let installed = unsafe {
            libc::mprotect(wanted.ss_sp, Self::SIZE, access) == 0
                && libc::sigaltstack(&wanted, ptr::null_mut()) == 0
        };
        installed.then_some(stack)
    }

    fn start(&self) -> *mut libc::c_void {
        self.mapping.wrapping_byte_add(Self::GUARD)
    }
}

impl Drop for AlternateStack {
    /// Somebody else may have given the thread another stack since; that one stays.
    fn drop(&mut self) {
        let mut current = MaybeUninit::<libc::stack_t>::zeroed();
        let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: the system fills `current`. The mapping is our own, made in `install`; handlers
        // run in the thread that is here, so none is running on it.
        unsafe {
            if libc::sigaltstack(ptr::null(), current.as_mut_ptr()) == 0
                && current.assume_init().ss_sp == self.start()
            {
                libc::sigaltstack(&none, ptr::null_mut());
            }
            libc::munmap(self.mapping, Self::GUARD + Self::SIZE);
        }
    }
}

/// The addresses of this thread's stack; empty when the system does not say.
pub fn own_stack() -> Range<usize> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut start, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the attributes are filled by the first call, read by the second, and freed by the
    // third, each only if the first succeeded.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) == 0 {
            libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
    }
    start as usize..start as usize + size
}
