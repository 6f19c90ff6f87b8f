//! The price of a native call through a slot, beside a C loop over a volatile function pointer.
//!
//! `cargo bench --bench slots` prints nanoseconds per call; `benches/run.py` puts them into
//! docs/benchmarks.md. The ways are measured in turn, round after round, and the median counts.

use hotvm::isa::{CType, Import, Signature};
use hotvm::native::{GuardMode, Libraries, Settings};
use std::hint::black_box;
use std::time::{Duration, Instant};

const SOURCE: &str = "
int add(int a, int b) { return a + b; }

/* The compiler must not see through the pointer, as it cannot through dlsym's. */
static int (*volatile pointer)(int, int) = add;

long c_loop(long calls)
{
    int sum = 0;
    for (long i = 0; i < calls; i++)
        sum = pointer(sum, 1);
    return sum;
}
";

const CALLS: u64 = 2_000_000;
const ROUNDS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("slots.c"), SOURCE).expect("a file in it");
    let int = CType::I32;
    let imports =
        vec![import(0, "add", &[int, int], int), import(1, "c_loop", &[CType::I64], CType::I64)];
    let settings = Settings::for_program(folder.path()).expect("no hotvm.toml there");
    let mut libraries = Libraries::new(imports, settings);
    libraries.bind_all().expect("a C compiler");

    let mut rows: [(&str, Vec<f64>); 4] =
        ["c_loop", "slot", "slot_guarded", "slot_guarded_timeout"].map(|name| (name, Vec::new()));
    for _ in 0..ROUNDS {
        rows[0].1.push(time(|| drop(black_box(libraries.call(1, &[CALLS], &mut [])))));
        for (row, (mode, timeout)) in rows[1..].iter_mut().zip([
            (GuardMode::Off, None),
            (GuardMode::On, None),
            (GuardMode::On, Some(Duration::from_secs(60))),
        ]) {
            libraries.set_guard(mode);
            libraries.set_native_timeout(timeout);
            row.1.push(time(|| slot_loop(&mut libraries)));
        }
        libraries.set_guard(GuardMode::Off);
    }
    for (name, mut samples) in rows {
        samples.sort_by(f64::total_cmp);
        println!("{name} {:.2}", samples[ROUNDS / 2]);
    }
}

fn slot_loop(libraries: &mut Libraries) {
    let mut sum = 0;
    for _ in 0..CALLS {
        sum = libraries.call(0, &[sum, 1], &mut []).expect("it fits").expect("it returns a number");
    }
    assert_eq!(sum, CALLS);
}

/// Nanoseconds per call.
fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / CALLS as f64
}

fn import(slot: u16, symbol: &str, params: &[CType], result: CType) -> Import {
    Import {
        slot,
        library: "slots.c".to_owned(),
        symbol: symbol.to_owned(),
        signature: Signature { params: params.to_vec(), result },
        version: None,
        lazy: false,
    }
}
