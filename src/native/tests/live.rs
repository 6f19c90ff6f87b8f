//! Reloading while a program runs, against writers that do not care.

use super::super::{LiveOptions, Ring};
use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How many steps of a long test are taken: all with `HOTVM_STRESS`, else every so many.
fn stride(usual: usize) -> usize {
    if std::env::var_os("HOTVM_STRESS").is_some() { 1 } else { usual }
}

/// Has the libraries watched, and gives a way to wait for what the thread says.
fn watched(libraries: &mut Libraries) -> Receiver<Ring> {
    let (send, rings) = channel();
    let bell = Box::new(move |ring| drop(send.send(ring)));
    let (atomic_group, also) = (false, Vec::new());
    libraries.go_live(LiveOptions { atomic_group, watch: true, also, bell }).unwrap();
    rings
}

/// Whoever sees a new generation at work and answers with a mistake hears of both in that order.
#[cfg(target_os = "linux")]
#[test]
fn what_was_published_is_told_before_what_is_found_later() {
    let lab = Lab::new();
    for name in ["liba.so", "libb.so"] {
        lab.compile(name, &returning(1));
    }
    let mut libraries = lab.bound(&[number("a", "f"), number("b", "f")]);
    let heard = listen(&mut libraries);
    let (send, rings) = channel();
    let (published, go_on) = channel();
    let (bad, path) = (lab.path("bad"), lab.file("libb.so"));
    fs::write(&bad, "not a library").unwrap();
    // Both are looked at, one after the other; between the two the first is published.
    let bell = move |ring: Ring| {
        if ring == Ring::Prepared {
            fs::rename(&bad, &path).unwrap();
            send.send(()).unwrap();
            go_on.recv().unwrap();
        }
    };
    let (atomic_group, also, bell) = (false, Vec::new(), Box::new(bell));
    let options = LiveOptions { atomic_group, watch: false, also, bell };
    let handle = libraries.go_live(options).unwrap();
    lab.compile("liba.so", &returning(2));
    handle.reload_all();
    rings.recv_timeout(DEADLINE).unwrap();
    assert!(libraries.publish_prepared());
    published.send(()).unwrap();
    let published = |event: &Event| matches!(event.kind, EventKind::Published { .. });
    let first =
        heard.wait_for(|event| published(event) || matches!(event.kind, EventKind::Rejected(_)));
    assert!(published(&first), "{}", first.to_json());
    let rejected = heard.wait_for(|event| matches!(event.kind, EventKind::Rejected(_)));
    assert_eq!((&*rejected.library, rejected.generation), ("b", 1));
}

fn returning(value: i64) -> String {
    format!("long f(void) {{ return {value}; }}")
}

fn is_verdict(event: &Event) -> bool {
    matches!(event.kind, EventKind::Rejected(_) | EventKind::Prepared { .. })
}

/// Publishes whatever comes until the function gives a certain answer.
#[track_caller]
fn wait_for_answer(libraries: &mut Libraries, rings: &Receiver<Ring>, wanted: i64) {
    libraries.publish_prepared();
    while ask(libraries, 0, &[]) != wanted {
        rings.recv_timeout(DEADLINE).unwrap();
        libraries.publish_prepared();
    }
}

/// Shows the watcher damaged forms of version 2, one after the other; version 1 answers until one of
/// them is whole in all that matters.
fn show(forms: impl Iterator<Item = Vec<u8>>) {
    let lab = Lab::new();
    let path = lab.compile("libf.so", &returning(1));
    let mut libraries = lab.bound(&[number("f", "f")]);
    let heard = listen(&mut libraries);
    let rings = watched(&mut libraries);
    for form in forms {
        fs::write(&path, &form).unwrap();
        let verdict = heard.wait_for(is_verdict);
        libraries.publish_prepared();
        let answer = ask(&mut libraries, 0, &[]);
        match verdict.kind {
            EventKind::Rejected(_) => assert_eq!(answer, 1),
            _ => {
                assert!([1, 2].contains(&answer), "{answer}");
                break;
            }
        }
    }
    lab.compile("libf.so", &returning(3));
    wait_for_answer(&mut libraries, &rings, 3);
}

#[cfg(target_os = "linux")]
#[test]
fn no_prefix_harms_the_program_that_watches_it() {
    let whole = fs::read(Lab::new().compile("lib2.so", &returning(2))).unwrap();
    show((0..whole.len()).step_by(stride(37)).map(|end| whole[..end].to_vec()));
}

#[cfg(target_os = "linux")]
#[test]
fn no_tail_of_zeros_harms_the_program_that_watches_it() {
    let whole = fs::read(Lab::new().compile("lib2.so", &returning(2))).unwrap();
    show((0..whole.len()).step_by(stride(37)).map(|end| {
        let mut bytes = whole.clone();
        bytes[end..].fill(0);
        bytes
    }));
}

/// Writes the library over and over, by a command of the shell that finds the name in `$LIB` and
/// two versions in `$ONE` and `$TWO`.
fn write_with(lab: &Lab, script: &str, rounds: usize) {
    let script = format!("set -e; for round in $(seq {rounds}); do {script}; done");
    let done = Command::new("sh")
        .args(["-c", &script])
        .env("LIB", lab.file("libf.so"))
        .env("ONE", lab.path("one.so"))
        .env("TWO", lab.path("two.so"))
        .env("C", lab.path("f.c"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn whoever_writes_the_library_and_however_often_it_does_no_harm() {
    let rounds = 40 / stride(4);
    let has = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    let mut scripts = vec![
        "cp $ONE $LIB; cp $TWO $LIB",
        "dd if=$ONE of=$LIB bs=512 status=none; dd if=$TWO of=$LIB bs=512 conv=notrunc status=none",
        "cp $ONE $LIB; strip $LIB; cp $TWO $LIB; strip --strip-debug $LIB",
        "cc -shared -fPIC -g -DVALUE=1 -o $LIB $C; cc -shared -fPIC -DVALUE=2 -o $LIB $C",
    ];
    if has("clang") && has("ld.lld") {
        scripts.push("clang -shared -fPIC -fuse-ld=lld -DVALUE=1 -o $LIB $C");
    }
    let lab = Lab::new();
    for (value, name) in [(1, "one.so"), (2, "two.so")] {
        fs::rename(lab.compile("libf.so", &returning(value)), lab.path(name)).unwrap();
    }
    fs::write(lab.path("f.c"), "long f(void) { return VALUE; }").unwrap();
    fs::copy(lab.path("one.so"), lab.file("libf.so")).unwrap();
    let mut libraries = lab.bound(&[number("f", "f")]);
    let rings = watched(&mut libraries);
    for script in scripts {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                write_with(&lab, script, rounds);
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                libraries.publish_prepared();
                let answer = ask(&mut libraries, 0, &[]);
                assert!([1, 2, 3].contains(&answer), "{script}: {answer}");
                thread::yield_now();
            }
        });
        // What was written last counts, whatever was refused before.
        lab.compile("libf.so", &returning(3));
        wait_for_answer(&mut libraries, &rings, 3);
    }
}

#[cfg(unix)]
#[test]
fn many_reloads_under_one_long_call_end_with_the_last() {
    let reloads = 1000 / stride(10) as i64;
    let lab = Lab::new();
    let code = |value| {
        format!(
            "#include <unistd.h>\n
             long waits(long fd) {{ char byte; return read(fd, &byte, 1) * {value}; }}"
        )
    };
    let path = lab.compile("libf.so", &code(1));
    let versions = [1, 2].map(|n| fs::read(lab.compile("libother.so", &code(n))).unwrap());
    let mut libraries = lab.bound(&[import("f", "waits", &[CType::I64], CType::I64)]);
    let heard = listen(&mut libraries);
    let rings = watched(&mut libraries);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&reader) as i64;
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            let answer = ask(&mut libraries, 0, &[fd]);
            (answer, libraries)
        });
        for n in 0..reloads {
            fs::write(&path, &versions[(n % 2) as usize ^ 1]).unwrap();
            // The bell rings when the candidate waits for the program, a moment after the event.
            while rings.recv_timeout(DEADLINE).unwrap() != Ring::Prepared {}
        }
        std::io::Write::write_all(&mut writer, b"xy").unwrap();
        let (answer, mut libraries) = call.join().unwrap();
        assert_eq!(answer, 1, "a call ends in the code that it began in");
        // The last one has the content of the first: the program has missed nothing.
        libraries.publish_prepared();
        assert_eq!(ask(&mut libraries, 0, &[fd]), 1);
        fs::write(&path, &versions[1]).unwrap();
        while !libraries.publish_prepared() {
            rings.recv_timeout(DEADLINE).unwrap();
        }
        std::io::Write::write_all(&mut writer, b"z").unwrap();
        assert_eq!(ask(&mut libraries, 0, &[fd]), 2);
        let published = heard.wait_for(|e| matches!(e.kind, EventKind::Published { .. }));
        assert_eq!(i64::from(published.generation), reloads + 2);
    });
}
