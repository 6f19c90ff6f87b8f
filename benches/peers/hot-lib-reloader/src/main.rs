//! What `benches/run.py` does with hotvm, done with hot-lib-reloader: calls a function of a library in
//! a loop, and prints its result and the time whenever that is a new one.
//!
//!     peer-hot-lib-reloader FOLDER DEBOUNCE_MS

use hot_lib_reloader::LibReloader;
use std::io::Write;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let debounce = Some(Duration::from_millis(args[2].parse()?));
    let mut library = LibReloader::new(&args[1], "stamp", debounce, None)?;
    let mut last = 0;
    let mut output = std::io::stdout();
    loop {
        library.update()?;
        // SAFETY: the benchmark's library has this function.
        let stamp = unsafe { library.get_symbol::<extern "C" fn() -> i64>(b"stamp\0")?() };
        if stamp != last {
            last = stamp;
            let now = monotonic_nanoseconds();
            writeln!(output, "{stamp} {now}")?;
            output.flush()?;
        }
    }
}

/// The clock that Python calls `time.monotonic_ns`.
fn monotonic_nanoseconds() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one structure.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
