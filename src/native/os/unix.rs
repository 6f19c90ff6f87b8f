//! What all Unixes share.

use super::{OpenError, refused};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::fs::{self, DirBuilder, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All that shows which file it is, and a change of its content.
pub fn stamp(metadata: &Metadata) -> impl PartialEq + use<> {
    let times = (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec());
    (metadata.dev(), metadata.ino(), metadata.len(), times)
}

/// When the file last changed: not the time of its content, which a copy may set at will, but that
/// of its inode, which only the kernel sets.
pub fn changed_at(metadata: &Metadata) -> SystemTime {
    let seconds = Duration::from_secs(metadata.ctime().max(0).unsigned_abs());
    UNIX_EPOCH + seconds + Duration::from_nanos(metadata.ctime_nsec().max(0).unsigned_abs())
}

/// Calls a function at each `SIGHUP`, from a thread: little may be done in a signal handler.
///
/// The system sends the same signal when the terminal has gone, and then it means what it always did.
pub fn on_hangup(each: impl Fn() + Send + 'static, end: fn()) {
    use signal_hook::{consts::SIGHUP, iterator::Signals, low_level::emulate_default_handler};
    let Ok(mut hangups) = Signals::new([SIGHUP]) else { return };
    let has_terminal = || fs::File::open("/dev/tty").is_ok();
    let had_terminal = has_terminal();
    std::thread::spawn(move || {
        for _ in hangups.forever() {
            match had_terminal && !has_terminal() {
                true => {
                    end();
                    drop(emulate_default_handler(SIGHUP));
                }
                false => each(),
            }
        }
    });
}

/// Has a process start in a group of its own, whose number is that of the process.
pub fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// Asks all processes of a group to end.
pub fn end_group(group: u32) {
    if let Ok(group) = libc::pid_t::try_from(group) {
        // SAFETY: the call takes no pointer. It fails where the group has ended.
        unsafe { libc::killpg(group, libc::SIGTERM) };
    }
}

/// Whether the name is a symbolic link, or a second name of a file: it is complete as it appears.
pub fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|m| m.is_symlink() || (m.is_file() && m.nlink() > 1))
}

/// Whether the loader knows a library at this address.
pub fn is_mapped(address: usize) -> bool {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: the address is only compared with the ranges of libraries, and the call writes no more
    // than the structure.
    unsafe { libc::dladdr(std::ptr::without_provenance(address), info.as_mut_ptr()) != 0 }
}

/// Whether the file may be executed by anyone.
pub fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// `hotvm-UID` among the temporary files. The place is shared with strangers, so a folder that is
/// already there must be this user's own, and closed to others.
pub fn private_temp_folder() -> io::Result<PathBuf> {
    // SAFETY: it only returns a number.
    let user = unsafe { libc::geteuid() };
    let folder = std::env::temp_dir().join(format!("hotvm-{user}"));
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0 {
        return Ok(folder);
    }
    Err(io::Error::other(format!("{} belongs to others or is open to them", folder.display())))
}

/// What stands in the name of every copy.
pub const COPY_MARK: &str = ".hotvm-";

/// Loads from a copy in `folder` under a hidden name of its own. The copy is removed at once; the
/// mapping stays.
pub fn open_copy(bytes: &[u8], file: &Path, folder: &Path) -> Result<Library, OpenError> {
    let failed = |e| OpenError::NoCopy(format!("a private copy in {}", folder.display()), e);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut copy = tempfile::Builder::new()
        .prefix(&format!(".{name}{COPY_MARK}"))
        .permissions(fs::Permissions::from_mode(0o700))
        .tempfile_in(folder)
        .map_err(failed)?;
    copy.write_all(bytes).and_then(|()| copy.flush()).map_err(failed)?;
    open(copy.path(), file)
}

/// Loads the library at `private`, with all its symbols resolved now rather than at a first call
/// that would crash, and none offered to other libraries: generation 2's calls to its own functions
/// must not find generation 1's.
pub fn open(private: &Path, file: &Path) -> Result<Library, OpenError> {
    // SAFETY: loading runs the library's initialisers. The policy has admitted the library, and the
    // file check has found its bytes whole.
    unsafe { Library::open(Some(private), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|e| refused(&e, private, file))
}
