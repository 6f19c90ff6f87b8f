//! Bytecode files of every example: they survive every form that a program can have, and damaged in any
//! place they are refused, or are as good as any other file, at no great cost.

mod common;

use common::{Lab, checks, finish};
use hotvm::assemble::{Options, assemble};
use hotvm::diagnostics::Sources;
use hotvm::disassemble::disassemble;
use hotvm::module::{Module, decode, encode};
use hotvm::tools::golden::Expectations;
use hotvm::verify::verify;
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Counts what a thread has allocated, and the most that it had at once.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does the work, with what it is given as it is given.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.get() + layout.size();
        NOW.set(now);
        MOST.set(MOST.get().max(now));
        // SAFETY: the caller keeps to the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // What another thread has allocated counts there.
        NOW.set(NOW.get().saturating_sub(layout.size()));
        // SAFETY: as above; what `alloc` gave came from there.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory that something takes beside what there is already.
fn most_memory<T>(work: impl FnOnce() -> T) -> usize {
    let before = NOW.get();
    MOST.set(before);
    let result = work();
    let most = MOST.get() - before;
    drop(result);
    most
}

/// The bytecode of each example, made once, with the path of its text.
fn examples() -> &'static [(PathBuf, Vec<u8>)] {
    static EXAMPLES: OnceLock<Vec<(PathBuf, Vec<u8>)>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let folders = ["asm-examples", "benches/peers/engines", "tests/programs"];
        let entries = folders.iter().flat_map(|folder| Path::new(folder).read_dir().unwrap());
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "vasm"));
        paths.sort();
        assert!(paths.len() > 40, "{paths:?}");
        paths.into_iter().map(|path| (path.clone(), assembled(&path))).collect()
    })
}

/// What `hotvm asm` makes of a test program, with its flags and further files.
fn assembled(path: &Path) -> Vec<u8> {
    let text = std::fs::read_to_string(path).unwrap();
    let source = Sources::new().add_text("program", &*text);
    let expected = Expectations::parse(&text, source).unwrap();
    let mut asm = Lab::new().hotvm(["asm", "-A", "warnings"]);
    asm.current_dir(".").args(&expected.flags).arg(path);
    asm.args(expected.with.iter().map(|file| path.with_file_name(file)));
    finish(&mut asm, b"").done().stdout
}

fn through_text(module: &Module) -> Module {
    let mut sources = Sources::new();
    let source = sources.add_text("listing", disassemble(module).text);
    assemble(source, &mut sources, &Options::default()).expect("what dis writes is right").module
}

#[test]
fn every_example_survives_its_bytes_and_its_text() {
    for (path, bytes) in examples() {
        let module = decode(bytes).unwrap();
        assert!(encode(&module) == *bytes, "{}", path.display());
        assert!(encode(&through_text(&module)) == *bytes, "{}", path.display());
        let stripped = checks::stripped(&module);
        let again = checks::stripped(&through_text(&stripped));
        assert!(encode(&again) == encode(&stripped), "{}", path.display());
    }
}

/// Looks into a file as every command does, and gives how much memory reading it took for each of its
/// bytes.
fn read(bytes: &[u8]) -> f64 {
    let memory = most_memory(|| decode(bytes));
    if let Ok(module) = decode(bytes) {
        assert_eq!(decode(&encode(&module)).as_ref(), Ok(&module));
        let listing = disassemble(&module);
        assert!(!listing.text.is_empty());
        // Whatever it says, the answer comes.
        let _ = verify(module);
    }
    memory as f64 / bytes.len().max(1) as f64
}

#[test]
fn an_example_cut_off_anywhere_is_refused_in_little_memory() {
    for (path, bytes) in examples() {
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err(), "{} cut at {len}", path.display());
            let mut repaired = bytes[..len].to_vec();
            checks::repair_checksum(&mut repaired);
            for cut in [&bytes[..len], &repaired] {
                let often = read(cut);
                // Even an error takes a few words.
                assert!(often <= 16.0 || len < 64, "{} cut at {len}: {often}", path.display());
            }
        }
    }
}

#[test]
fn an_example_changed_anywhere_is_read_in_little_memory_if_at_all() {
    for (path, good) in examples() {
        let mut bytes = good.clone();
        for at in 0..good.len() {
            for mask in [0xff, 0x01, 0x80] {
                bytes[at] ^= mask;
                assert!(decode(&bytes).is_err(), "{}: byte {at} ^ {mask:#x}", path.display());
                // With the right checksum somebody looks at the change.
                let mut repaired = bytes.clone();
                checks::repair_checksum(&mut repaired);
                let often = read(&repaired);
                assert!(often <= 16.0, "{}: byte {at} ^ {mask:#x}: {often}", path.display());
                bytes[at] = good[at];
            }
        }
    }
}

/// Names that bytecode from elsewhere may have.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[\\x00-\\x1f\"\\\\;#']{0,6}", "(x|PUSH|inf|\\.func|é)", ".{0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// What a text can put in quotes stays as it is; other names, where they are none in text, become
    /// others, and nothing else does.
    #[test]
    fn names_of_any_letters_survive_as_far_as_text_has_them(names in prop::collection::vec(name(), 40)) {
        let (_, bytes) = examples().iter().find(|(path, _)| path.ends_with("several_files.vasm")).unwrap();
        let mut module = decode(bytes).unwrap();
        let mut random = names.into_iter().cycle();
        let mut next = || random.next().unwrap();
        let given = module.names.as_mut().unwrap();
        for function in &mut given.functions {
            function.locals.iter_mut().for_each(|local| *local = next());
            function.labels.iter_mut().for_each(|(_, label)| *label = next());
            if !function.name.is_empty() {
                function.name = next();
            }
        }
        given.globals.iter_mut().chain(&mut given.data).for_each(|it| *it = next());
        let map = module.source_map.as_mut().unwrap();
        map.macros.iter_mut().for_each(|it| *it = next());
        map.files.iter_mut().for_each(|it| it.name = next());
        assert_eq!(decode(&encode(&module)).as_ref(), Ok(&module));
        let again = through_text(&module);
        prop_assert_eq!(checks::stripped(&again), checks::stripped(&module));
        prop_assert_eq!(&again.public, &module.public);
        // Two macros of one name are one, and files of one name and text are.
        let distinct = |module: &Module| {
            let map = module.source_map.clone().unwrap();
            let places: Vec<_> = map.functions.iter().flatten().map(|run| {
                (run.count, run.first.line, run.first.column, map.files[run.first.file as usize].clone())
            }).collect();
            let calls: Vec<_> = map.calls.iter().map(|call| map.macros[call.name as usize].clone()).collect();
            (places, calls)
        };
        prop_assert_eq!(distinct(&again), distinct(&module));
        // What text can say it says again.
        prop_assert_eq!(encode(&through_text(&again)), encode(&again));
    }
}
