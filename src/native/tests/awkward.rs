//! Libraries that reloaders stumble over, and what becomes of their old generations.

use super::super::Reload;
use super::super::check::check;
use super::*;
use crate::diagnostics::Code;

fn returning(value: i64) -> String {
    format!("long f(void) {{ return {value}; }}")
}

/// Libraries that unmap what they can.
fn unloading(lab: &Lab, imports: &[Import]) -> Libraries {
    let mut libraries =
        Libraries::new(imports.to_vec(), Settings { unload: true, ..lab.settings() });
    libraries.bind_all().unwrap();
    libraries
}

#[track_caller]
fn reload(libraries: &mut Libraries) {
    let reloaded = libraries.reload(0).unwrap();
    assert!(matches!(reloaded, Reload::Replaced { .. }), "{reloaded:?}");
}

/// The generations that were unmapped.
fn unloaded(heard: &Heard) -> Vec<u32> {
    let gone = |event: &Event| matches!(event.kind, EventKind::Retired { unloaded: true, .. });
    heard.0.try_iter().filter(gone).map(|event| event.generation).collect()
}

/// Why the code of a library must stay mapped.
fn must_stay(lab: &Lab, code: &str, flags: &[&str]) -> Option<String> {
    check(&fs::read(lab.compile_with("libf.so", code, flags)).unwrap()).unwrap().must_stay
}

#[cfg(target_os = "linux")]
#[test]
fn what_can_outlive_a_library_keeps_it_mapped() {
    let lab = Lab::new();
    let plain = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n
        static int count; __attribute__((constructor)) static void start(void) { count = 1; }
        long f(void) { char *text = malloc(99); sprintf(text, \"%d\", count);
                       long n = strlen(text); free(text); return n; }";
    assert_eq!(must_stay(&lab, plain, &[]), None);
    assert_eq!(must_stay(&lab, plain, &["-g", "-O2"]), None);
    let keepers = [
        ("__thread int n; long f(void) { return n; }", "thread-local"),
        ("int atexit(void (*)(void)); long f(void) { return atexit(0); }", "__cxa_atexit"),
        ("int pthread_create(); long f(void) { return pthread_create(); }", "`pthread_create`"),
        ("void *signal(int, void *); long f(void) { return !signal(1, 0); }", "`signal`"),
        ("void *dlopen(); long f(void) { return !dlopen(); }", "`dlopen`"),
        ("int putenv(char *); long f(void) { return putenv(\"A=b\"); }", "`putenv`"),
        ("int hotvm_upgrade(void) { return 0; } long f(void) { return 0; }", "`hotvm_upgrade`"),
    ];
    for (code, reason) in keepers {
        let stays = must_stay(&lab, code, &[]).unwrap_or_else(|| panic!("{code}"));
        assert!(stays.contains(reason), "{stays}");
    }
    let stays = must_stay(&lab, plain, &["-Wl,-z,nodelete"]).unwrap();
    assert!(stays.contains("nodelete"), "{stays}");
    lab.compile("libhelper.so", "long help(void) { return 5; }");
    let folder = format!("-L{}", lab.file("").display());
    let stays = must_stay(&lab, plain, &[&folder, "-Wl,--no-as-needed", "-lhelper"]).unwrap();
    assert!(stays.contains("libhelper.so"), "{stays}");
}

#[cfg(target_os = "linux")]
#[test]
fn old_generations_go_and_their_descriptors_with_them() {
    let lab = Lab::new();
    let name = "libgoes_away.so";
    lab.compile(name, &returning(1));
    let mapped = || {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains(name) && line.contains("r-xp")).count()
    };
    let open = || {
        let entries = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        links.filter(|link| link.to_string_lossy().contains(name)).collect::<Vec<_>>()
    };
    let mut libraries = unloading(&lab, &[number("goes_away", "f")]);
    let heard = listen(&mut libraries);
    for value in 2..30 {
        lab.compile(name, &returning(value));
        reload(&mut libraries);
        // A number of a descriptor is used again, and gives the new library all the same.
        assert_eq!(ask(&mut libraries, 0, &[]), value);
        let open = open();
        assert_eq!((mapped(), open.len()), (2, 2), "{open:?}");
    }
    assert_eq!(unloaded(&heard), (1..28).collect::<Vec<_>>());
}

#[cfg(target_os = "linux")]
#[test]
fn a_generation_stays_that_gave_pointers_or_after_a_crash() {
    let lab = Lab::new();
    let pointer = |n| format!("static long n = {n}; long *where(void) {{ return &n; }}");
    lab.compile("libp.so", &pointer(1));
    let mut libraries = unloading(&lab, &[import("p", "where", &[], CType::Ptr)]);
    let heard = listen(&mut libraries);
    for n in 2..6 {
        lab.compile("libp.so", &pointer(n));
        reload(&mut libraries);
    }
    assert_eq!(unloaded(&heard), [0; 0]);

    lab.compile("libf.so", &returning(1));
    let mut libraries = unloading(&lab, &[number("f", "f")]);
    let heard = listen(&mut libraries);
    lab.compile("libf.so", &returning(2));
    reload(&mut libraries);
    assert!(libraries.roll_back(0, "a test"));
    for n in 3..6 {
        lab.compile("libf.so", &returning(n));
        reload(&mut libraries);
        assert_eq!(ask(&mut libraries, 0, &[]), n);
    }
    assert_eq!(unloaded(&heard), [0; 0]);
}

/// Reloads a library through its versions, with unmapping on, and expects all of it to stay.
#[track_caller]
fn stays(lab: &Lab, library: &str, versions: [&dyn Fn(); 4]) {
    versions[0]();
    let mut libraries = unloading(lab, &[number(library, "f")]);
    let heard = listen(&mut libraries);
    assert_eq!(ask(&mut libraries, 0, &[]), 1);
    for (number, version) in (2..).zip(&versions[1..]) {
        version();
        reload(&mut libraries);
        assert_eq!(ask(&mut libraries, 0, &[]), number);
    }
    assert_eq!(unloaded(&heard), [0; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn libraries_that_live_on_are_reloaded_all_the_same() {
    let lab = Lab::new();
    let through = |library: &str, write: &dyn Fn(i64)| {
        stays(&lab, library, [&|| write(1), &|| write(2), &|| write(3), &|| write(4)]);
    };
    // A thread that waits for ever.
    through("thread", &|n| {
        let code = "#include <pthread.h>\n#include <unistd.h>\n
            static void *wait(void *unused) { for (;;) pause(); return unused; }
            long f(void) { pthread_t id; return pthread_create(&id, 0, wait, 0) + VALUE; }";
        let value = format!("-DVALUE={n}");
        drop(lab.compile_with("libthread.so", code, &[&value]));
    });
    // A handler that is called when this very process ends.
    through("handler", &|n| {
        let code = "#include <stdlib.h>\nstatic int n; static void count(void) { n++; }
            long f(void) { return atexit(count) + VALUE; }";
        let value = format!("-DVALUE={n}");
        drop(lab.compile_with("libhandler.so", code, &[&value]));
    });
    // The loader itself refuses to unmap it.
    through("nodelete", &|n| {
        let code = "static long calls; long f(void) { calls++; return VALUE; }";
        let value = format!("-DVALUE={n}");
        drop(lab.compile_with("libnodelete.so", code, &["-Wl,-z,nodelete", &value]));
    });
    // A destructor of a thread's variable, in Rust.
    through("tls.rs", &|n| {
        lab.write(
            "tls.rs",
            &format!(
                "struct Noisy; impl Drop for Noisy {{ fn drop(&mut self) {{}} }}
                 thread_local! {{ static MINE: Noisy = const {{ Noisy }}; }}
                 #[no_mangle] pub extern \"C\" fn f() -> i64 {{ MINE.with(|_| {n}) }}"
            ),
        );
    });
}

#[cfg(target_os = "linux")]
#[test]
fn c_plus_plus_with_unique_symbols_is_reloaded_for_itself() {
    if Command::new("g++").arg("--version").output().is_err() {
        return;
    }
    let lab = Lab::new();
    let compile = |code: &str| {
        let (source, made) = (lab.path("u.cpp"), lab.path("u.so"));
        fs::write(&source, code).unwrap();
        let mut compiler = Command::new("g++");
        compiler.args(["-std=c++17", "-shared", "-fPIC", "-o"]).args([&made, &source]);
        assert!(compiler.status().unwrap().success());
        fs::rename(made, lab.file("libu.so")).unwrap();
        fs::read(lab.file("libu.so")).unwrap()
    };
    // By C++'s rules the counter exists once in the process; each version runs its own code.
    let unique = "template <typename T> struct Once { static inline long count = 0; };";
    let write = |n| {
        drop(compile(&format!(
            "{unique} static thread_local struct Mine {{ long n = {n}; ~Mine() {{ n = 0; }} }} mine;
             extern \"C\" long f(void) {{ Once<int>::count++; return mine.n; }}"
        )));
    };
    stays(&lab, "u", [&|| write(1), &|| write(2), &|| write(3), &|| write(4)]);
    let bytes =
        compile(&format!("{unique} extern \"C\" long f() {{ return Once<int>::count++; }}"));
    let reason = check(&bytes).unwrap().must_stay.unwrap();
    assert!(reason.contains("unique"), "{reason}");
}

#[cfg(unix)]
#[test]
fn two_names_of_one_file_are_told_apart_when_one_changes() {
    let lab = Lab::new();
    let code = |step| format!("static long n; long f(void) {{ return n += {step}; }}");
    lab.compile("liba.so", &code(1));
    fs::hard_link(lab.file("liba.so"), lab.file("libb.so")).unwrap();
    let mut libraries = lab.bound(&[number("a", "f"), number("b", "f")]);
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 1, &[])), (1, 1));
    lab.compile("libb.so", &code(10));
    let outcomes = libraries.reload_changed();
    assert_eq!(outcomes[0], Ok(Reload::Unchanged { library: "a".to_owned() }));
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 1, &[])), (2, 10));
}

#[cfg(target_os = "linux")]
#[test]
fn libraries_that_claim_the_same_name_are_different_all_the_same() {
    let lab = Lab::new();
    let make = |file: &str, value| {
        drop(lab.compile_with(file, &returning(value), &["-Wl,-soname,libsame.so.1"]));
    };
    make("liba.so", 1);
    make("libb.so", 2);
    let mut libraries = lab.bound(&[number("a", "f"), number("b", "f")]);
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 1, &[])), (1, 2));
    make("liba.so", 3);
    reload(&mut libraries);
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 1, &[])), (3, 2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_stripped_in_place_is_another_one_that_works() {
    let lab = Lab::new();
    let path = lab.compile_with("libf.so", &returning(4), &["-g"]);
    let mut libraries = lab.bound(&[number("f", "f")]);
    assert!(Command::new("strip").arg(&path).status().unwrap().success());
    assert_eq!(ask(&mut libraries, 0, &[]), 4);
    reload(&mut libraries);
    assert_eq!(ask(&mut libraries, 0, &[]), 4);
}

#[cfg(target_os = "linux")]
#[test]
fn a_next_generation_that_the_loader_refuses_changes_nothing() {
    let lab = Lab::new();
    lab.compile("libf.so", &returning(1));
    let mut libraries = lab.bound(&[number("f", "f")]);
    let code =
        "void nowhere(void); __attribute__((constructor)) static void start(void) { nowhere(); }
                long f(void) { return 2; }";
    lab.compile("libf.so", code);
    let error = libraries.reload(0).unwrap_err().diagnostic;
    assert_eq!(error.code, Code::LoadFailed);
    assert!(error.notes[0].contains("nowhere"), "{error:?}");
    assert_eq!(ask(&mut libraries, 0, &[]), 1);
}
