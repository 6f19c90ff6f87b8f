//! The words of the errors that no program text alone brings about: files, flags, limits and libraries do.
//! Each scene's are in a file of `tests/outside`; `BLESS=1 cargo test --test outside` writes them anew.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use common::{Lab, Outcome, checks, finish, golden};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

/// What brings about an error.
type Scene = fn(&Lab) -> Outcome;

/// Scenes, named by their code and what is the matter.
const SCENES: &[(&str, Scene)] = &[
    ("e0109_bytecode_for_text", |lab| {
        lab.write("game.vbc", halt(lab));
        lab.run(["fmt", "game.vbc"])
    }),
    ("e0109_bytecode_as_a_part", |lab| {
        lab.write("game.vbc", halt(lab));
        lab.write("main.vasm", "HALT\n");
        lab.run(["run", "main.vasm", "--with", "game.vbc"])
    }),
    ("e0301_neither_text_nor_bytecode", |lab| program(lab, "game.vasm", b"HALT\n\xff\xfe")),
    ("e0301_a_library", |lab| {
        let library = lab.compiled("int f(void) { return 1; }");
        program(lab, "game.so", &library)
    }),
    ("e0302_cut_off", |lab| program(lab, "game.vbc", &halt(lab)[..20])),
    ("e0303_changed", |lab| {
        let mut bytes = halt(lab);
        bytes[20] ^= 1;
        program(lab, "game.vbc", &bytes)
    }),
    ("e0304_of_another_version", |lab| repaired(lab, |bytes| bytes[4] = 9)),
    ("e0305_out_of_order", |lab| repaired(lab, |bytes| bytes[6] = 8)),
    ("e0404_jump_out_of_the_function", |lab| {
        let mut bytes = lab.assemble("again: NOP\nJMP again\n");
        // The code ends with the jump; names and places come behind it.
        let code = [hotvm::isa::Op::Nop as u8, hotvm::isa::Op::Jmp as u8, 0];
        let at = bytes.windows(3).position(|part| part == code).unwrap();
        bytes[at + 2] = 7;
        checks::repair_checksum(&mut bytes);
        program(lab, "game.vbc", &bytes)
    }),
    ("e0407_memory_over_its_limit", |lab| {
        lab.write("p.vasm", ".memory 1 MiB\nHALT\n");
        lab.run(["run", "p.vasm", "--memory-limit", "64KiB"])
    }),
    ("e0511_full_disk", |lab| {
        lab.write("p.vasm", "PUSH 1\nPRINT\nHALT\n");
        let mut hotvm = lab.hotvm(["run", "p.vasm"]);
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = hotvm.stdout(full).stderr(Stdio::piped()).output().unwrap();
        Outcome {
            stdout: ended.stdout,
            stderr: String::from_utf8(ended.stderr).unwrap(),
            status: ended.status.code(),
            took: Default::default(),
        }
    }),
    ("e0512_crash", |lab| {
        lab.write("v.c", "int v(int *at)\n{\n    return *at;\n}\n");
        lab.write("p.vasm", ".lib 0 \"v.c\" v (ptr) -> i32\nPUSH 0\nCALL_NATIVE v\nPRINT\nHALT\n");
        lab.run(["run", "p.vasm", "--guard", "on"])
    }),
    ("e0513_no_return", |lab| {
        lab.write("v.c", "int v(void)\n{\n    for (volatile int i = 0;; i++) {}\n}\n");
        lab.write("p.vasm", ".lib 0 \"v.c\" v () -> i32\nCALL_NATIVE v\nPRINT\nHALT\n");
        lab.run(["run", "p.vasm", "--guard", "on", "--native-timeout", "0.1"])
    }),
    ("e0514_out_of_fuel", |lab| endless(lab, &["--fuel", "1000"])),
    ("e0515_out_of_time", |lab| endless(lab, &["--time-limit", "0.05"])),
    ("e0516_interrupted", |lab| {
        lab.write("p.vasm", "PUSH 1\nPRINT\nPUSH 16\nPUSH 9\nREAD\nPOP\nagain: JMP again\n");
        let mut session = lab.session(["run", "p.vasm"]);
        session.expect_line("1");
        session.send("go");
        session.signal("INT");
        session.end()
    }),
    ("e0601_no_such_library", |lab| bind(lab, "missing", "f")),
    ("e0601_no_such_file", |lab| {
        lab.write("math_ops.c", "int f(void) { return 1; }\n");
        bind(lab, "./math_op.c", "f")
    }),
    ("e0602_a_text", |lab| {
        lab.write("v.so", "this is a text\n");
        bind(lab, "v.so", "f")
    }),
    ("e0603_half_written", |lab| {
        let library = lab.compiled("int f(void) { return 1; }");
        lab.write("v.so", &library[..library.len() / 2]);
        bind(lab, "v.so", "f")
    }),
    ("e0604_needs_another", |lab| {
        lab.compile("int other(void) { return 1; }", "libother.so");
        lab.write("v.c", "int other(void); int f(void) { return other(); }\n");
        let mut cc = std::process::Command::new("cc");
        cc.current_dir(lab.path(".")).args(["-shared", "-fPIC", "-o", "v.so", "v.c"]);
        assert!(cc.args(["-L.", "-lother"]).status().unwrap().success());
        fs::remove_file(lab.path("libother.so")).unwrap();
        bind(lab, "v.so", "f")
    }),
    ("e0605_no_such_function", |lab| {
        lab.write("v.c", "int math_add(int a, int b) { return a + b; }\n");
        bind(lab, "v.c", "math_ad")
    }),
    ("e0605_static_function", |lab| {
        lab.write("v.c", "static int f(void) { return 1; }\nint g(void) { return f(); }\n");
        bind(lab, "v.c", "f")
    }),
    ("e0606_data", |lab| {
        lab.write("v.c", "int f = 1;\n");
        bind(lab, "v.c", "f")
    }),
    ("e0607_outside_of_the_folder", |lab| {
        lab.compile("int f(void) { return 1; }", "v.so");
        lab.write("game/p.vasm", ".lib 0 \"../v.so\" f () -> i32\nHALT\n");
        lab.run(["run", "game/p.vasm"])
    }),
    ("e0601_of_the_system_by_its_bare_name", |lab| bind(lab, "m", "sqrt")),
    ("e0607_none_at_all", |lab| {
        lab.write("p.vasm", ".lib 0 \"v.so\" f () -> i32\nHALT\n");
        lab.run(["run", "p.vasm", "--no-native"])
    }),
    ("e0608_another_version", |lab| {
        lab.write("v.c", "#include <hotvm.h>\nHOTVM_VERSION(3)\nint f(void) { return 1; }\n");
        lab.write("p.vasm", ".lib 0 \"v.c\" f () -> i32 version 2\nCALL_NATIVE f\nPRINT\nHALT\n");
        lab.run(["run", "p.vasm"])
    }),
    ("e0609_never_at_rest", |lab| {
        let writer = Writer::begin(lab.write("v.so", "begun"));
        // One that had to wait for a processor may have let the file rest.
        let refused = |it: &Outcome| it.stderr.contains("[E0609]");
        let ended = (0..50).map(|_| bind(lab, "v.so", "f")).find(refused);
        writer.end();
        ended.expect("a file that is being written is never read")
    }),
    ("e0610_unknown_key", |lab| {
        lab.write("hotvm.toml", "lib-dir = ['../native']\n");
        bind(lab, "v.c", "f")
    }),
    ("e0611_no_compiler", |lab| {
        lab.write("hotvm.toml", "cc = 'no-such-cc'\n");
        lab.write("v.c", "int f(void) { return 1; }\n");
        bind(lab, "v.c", "f")
    }),
    ("e0612_refused_by_the_compiler", |lab| {
        compiler(lab, "echo \"v.c:1:12: error: expected ';' before '}' token\" >&2; exit 1");
        bind(lab, "v.c", "f")
    }),
    ("e0613_for_another_machine", |lab| {
        let mut library = lab.compiled("int f(void) { return 1; }");
        // e_machine: 64-bit ARM.
        library[18] = 183;
        lab.write("v.so", library);
        bind(lab, "v.so", "f")
    }),
    ("e0614_nothing_to_offer", |lab| {
        lab.write("p.vasm", "HALT\n");
        lab.run(["build", "p.vasm", "--emit", "so", "-o", "p.so"])
    }),
    ("e0615_doubts_of_the_compiler", |lab| {
        compiler(lab, "echo \"v.c:1:12: warning: unused variable 'x'\" >&2; exec cc \"$@\"");
        bind(lab, "v.c", "f")
    }),
    ("e0616_other_types", |lab| {
        lab.write("v.c", "double f(double x, int n)\n{\n    return x * n;\n}\n");
        lab.write(
            "p.vasm",
            ".lib 0 \"v.c\" f (f64) -> f64\nPUSH 1.0\nCALL_NATIVE f\nPRINT\nHALT\n",
        );
        lab.run(["run", "p.vasm"])
    }),
    ("e0617_structure", |lab| {
        lab.write("v.c", "struct point { int x, y; };\nint f(struct point p) { return p.x; }\n");
        lab.write("p.vasm", ".lib \"./v.c\"\nPUSH 1\nCALL_NATIVE f\nPRINT\nHALT\n");
        lab.run(["run", "p.vasm"])
    }),
    ("e0618_manifest_of_another_function", |lab| {
        let c = "#include <hotvm.h>\nHOTVM_FUNCTION(f, \"(i32, i32)\", void, (double x))\n{\n    \
                 (void)x;\n}\n";
        lab.write("v.c", c);
        bind(lab, "v.c", "f")
    }),
    ("e0619_crashed_before", |lab| {
        let good = "int v(int *at) { return 1; }\n";
        let bad = "int v(int *at) { return *at; }\n";
        reloaded(lab, good, &[bad, bad], "E0619")
    }),
    ("e0620_state_refused", |lab| {
        let c = |answer| {
            format!(
                "#include <hotvm.h>\nHOTVM_STATE(int)\nint hotvm_upgrade(uint32_t version, const void \
                 *old, void **made)\n{{\n    static int state;\n    *made = &state;\n    return old ? \
                 {answer} : 0;\n}}\nint v(int *at)\n{{\n    static int first;\n    hotvm_state = \
                 &first;\n    return first;\n}}\n"
            )
        };
        reloaded(lab, &c(0), &[&c(42)], "E0620")
    }),
    ("e0621_initialiser", |lab| {
        let c = "int f(void) { return 1; }\n__attribute__((constructor)) static void begin(void)\n{\n    \
                 *(volatile int *)8 = 1;\n}\n";
        lab.write("v.c", c);
        lab.write("p.vasm", ".lib 0 \"v.c\" f () -> i32\nHALT\n");
        lab.run(["run", "p.vasm", "--guard", "on"])
    }),
    ("e0622_needed_library", |lab| {
        fs::write(lab.path("libhelper.so"), lab.compiled("int help(void) { return 1; }")).unwrap();
        lab.write("v.c", "int help(void);\nint v(void) { return help(); }\n");
        lab.write("hotvm.toml", "cflags = [\"-L.\", \"-lhelper\", \"-Wl,-rpath,$ORIGIN\"]\n");
        lab.write("p.vasm", ".lib 0 \"v.c\" v () -> i32\nCALL_NATIVE v\nPRINT\nHALT\n");
        let mut session = lab.session(["run", "p.vasm", "--reload-on-enter", "--color", "never"]);
        session.wait_for_prompt();
        lab.replace("libhelper.so", lab.compiled("int help(void) { return 2; }"));
        session.enter();
        let said = session.wait_for_prompt();
        let message = said.lines().skip_while(|line| !line.starts_with("[E"));
        let stderr = message.take_while(|line| !line.contains("[hotvm]")).map(|l| format!("{l}\n"));
        Outcome { stderr: stderr.collect(), ..session.quit() }
    }),
    ("e0701_no_such_file", |lab| {
        lab.write("game.vasm", "HALT\n");
        lab.run(["run", "gme.vasm"])
    }),
    ("e0702_no_such_folder", |lab| lab.run_with(["asm", "-o", "no/such/game.vbc"], b"HALT\n")),
    ("e0702_project_is_there", |lab| {
        lab.write("game/notes.txt", "mine");
        lab.run(["new", "game"])
    }),
    ("e0703_folder", |lab| {
        fs::create_dir(lab.path("game")).unwrap();
        lab.run(["run", "game"])
    }),
    ("e0704_terminal", |lab| {
        lab.write("p.vasm", "HALT\n");
        let hotvm = format!("{} asm --color never p.vasm", env!("CARGO_BIN_EXE_hotvm"));
        let mut script = std::process::Command::new("script");
        script.current_dir(lab.path(".")).args(["-qec", &hotvm, "/dev/null"]);
        let ended = finish(&mut script, b"");
        let stderr = String::from_utf8(ended.stdout).unwrap().replace("\r\n", "\n");
        Outcome { stdout: Vec::new(), stderr, ..ended }
    }),
    ("e0705_expectation", |lab| {
        lab.write("p.vasm", ";! stdot: 1\nHALT\n");
        let ended = lab.run(["test", "p.vasm"]);
        Outcome { stderr: ended.text().to_owned() + &ended.stderr, ..ended }
    }),
];

/// Writes a file again and again, until it is let go.
struct Writer {
    wanted: Sender<()>,
    thread: JoinHandle<()>,
}

impl Writer {
    fn begin(path: PathBuf) -> Writer {
        let (wanted, until) = channel();
        let thread = thread::spawn(move || {
            while until.try_recv() == Err(TryRecvError::Empty) {
                fs::write(&path, "begun").unwrap();
            }
        });
        Writer { wanted, thread }
    }

    fn end(self) {
        drop(self.wanted);
        self.thread.join().unwrap();
    }
}

/// Runs a program whose library changes between its runs, up to the error.
fn reloaded(lab: &Lab, first: &str, changes: &[&str], code: &str) -> Outcome {
    lab.write("p.vasm", ".lib 0 \"v.c\" v (ptr) -> i32\nPUSH 0\nCALL_NATIVE v\nPRINT\nHALT\n");
    lab.write("v.c", first);
    let mut session = lab.session(["run", "p.vasm", "--reload-on-enter", "--color", "never"]);
    session.wait_for_prompt();
    for change in changes {
        lab.write("v.c", change);
        session.enter();
        let said = session.wait_for_prompt();
        if said.contains(&format!("[{code}]")) {
            // How long building took is another each time.
            let said =
                said.lines().skip_while(|line| !line.starts_with('[') || line.contains("[hotvm]"));
            let stderr =
                said.take_while(|line| !line.contains("[hotvm]")).map(|l| format!("{l}\n"));
            return Outcome { stderr: stderr.collect(), ..session.quit() };
        }
    }
    session.quit()
}

fn halt(lab: &Lab) -> Vec<u8> {
    lab.assemble("HALT\n")
}

fn program(lab: &Lab, name: &str, bytes: &[u8]) -> Outcome {
    lab.write(name, bytes);
    lab.run(["run", name])
}

/// Runs bytecode that was changed by somebody who knows how to write a checksum.
fn repaired(lab: &Lab, change: fn(&mut Vec<u8>)) -> Outcome {
    let mut bytes = halt(lab);
    change(&mut bytes);
    checks::repair_checksum(&mut bytes);
    program(lab, "game.vbc", &bytes)
}

fn endless(lab: &Lab, flags: &[&str]) -> Outcome {
    lab.write("p.vasm", "again: JMP again\n");
    lab.run([&["run", "p.vasm"], flags].concat())
}

/// Runs a program that needs a function of a library.
fn bind(lab: &Lab, library: &str, function: &str) -> Outcome {
    let text = format!("; needs a library\n.lib 0 \"{library}\" {function} () -> i32\nHALT\n");
    lab.write("p.vasm", text);
    lab.run(["run", "p.vasm"])
}

/// A compiler whose words are known.
fn compiler(lab: &Lab, script: &str) {
    let path = lab.write("cc.sh", format!("#!/bin/sh\n{script}\n"));
    assert!(std::process::Command::new("chmod").arg("+x").arg(path).status().unwrap().success());
    lab.write("hotvm.toml", "cc = './cc.sh'\n");
    lab.write("v.c", "int f(void) { return 1; }\n");
}

/// What was said, without what is another each time: where the lab is, and at which address something
/// was.
fn words(lab: &Lab, said: &str) -> String {
    let real = lab.path(".").canonicalize().unwrap();
    let said = said.replace(real.to_str().unwrap(), "LAB");
    // What the compiler makes is another each time that it is another.
    ["+0x", "offset 0x", " at byte ", "include-"].into_iter().fold(said, |said, before| {
        let mut parts = said.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            text + before + "N" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit())
        })
    })
}

#[test]
fn every_message_is_as_it_was() {
    let mut wrong = Vec::new();
    for (name, scene) in SCENES {
        let lab = Lab::new();
        let ended = scene(&lab);
        let said = words(&lab, &ended.stderr);
        let code = name[..5].to_uppercase();
        if !said.contains(&format!("[{code}]")) {
            wrong.push(format!("{name}: {said}"));
            continue;
        }
        golden(&format!("outside/{name}.stderr"), &said);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_of_a_scene() {
    for entry in Path::new("tests/outside").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(SCENES.iter().any(|(scene, _)| *scene == name), "{}", path.display());
    }
}
