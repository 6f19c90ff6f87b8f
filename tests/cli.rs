//! The command line on bad, odd and huge input: each gets an answer with a code, a place and the
//! documented exit status.

mod common;

use common::{Lab, Outcome, finish, wait};
use hotvm::diagnostics::Code;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const SUBCOMMANDS: [&str; 13] = [
    "asm",
    "run",
    "build",
    "check",
    "fmt",
    "dis",
    "info",
    "bind",
    "test",
    "new",
    "explain",
    "completions",
    "man",
];

/// The diagnostics of a run with `--error-format json`.
#[track_caller]
fn json(outcome: &Outcome) -> Vec<Value> {
    let parse = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(value) => value,
        Err(error) => panic!("{error}: {line}"),
    };
    outcome.stderr.lines().map(parse).collect()
}

#[track_caller]
fn rejects_at(lab: &Lab, text: &str, code: &str, place: (u64, u64)) {
    let args = ["run", "--error-format", "json"];
    let outcome = lab.run_with(args, text.as_bytes()).exits(1);
    let first = &json(&outcome)[0];
    let at = &first["places"][0];
    let found = (first["code"].as_str(), at["line"].as_u64(), at["column"].as_u64());
    assert_eq!(found, (Some(code), Some(place.0), Some(place.1)), "{text}: {first}");
    assert_eq!(outcome.text(), "");
}

#[test]
fn mistakes_in_a_program_are_told_with_their_place() {
    let lab = Lab::new();
    for (code, place, text) in [
        ("E0107", (2, 1), "PUSH 1\nFROB\nHALT\n"),
        ("E0104", (1, 6), "PUSH 99999999999999999999\nHALT\n"),
        ("E0104", (1, 6), "PUSH 0b12\nHALT\n"),
        ("E0105", (1, 6), "PUSH nan:0x0\nHALT\n"),
        ("E0102", (2, 9), "HALT\n  WRITE \"open\nHALT\n"),
        ("E0103", (1, 9), "WRITE \"a\\q\"\nHALT\n"),
        ("E0101", (1, 6), "PUSH @\nHALT\n"),
        ("E0106", (1, 6), "PUSH ,\nHALT\n"),
        ("E0108", (1, 1), ".fnuc f\nHALT\n"),
        ("E0203", (1, 5), "JMP nowhere\nHALT\n"),
        ("E0203", (4, 5), ".func f\nhere: RET\n.end\nJMP here\nHALT\n"),
        ("E0201", (1, 1), "PUSH\nHALT\n"),
        ("E0201", (1, 6), "PUSH \"text\"\nHALT\n"),
        ("E0201", (1, 5), "ADD 1\nHALT\n"),
        ("E0202", (2, 1), "x: HALT\nx: HALT\n"),
        ("E0202", (2, 8), ".const a = 1\n.const a = 2\nHALT\n"),
        ("E0202", (2, 1), ".lib 0 \"a\" f\n.lib 0 \"a\" g\nHALT\n"),
        ("E0204", (1, 6), "CALL nothing\nHALT\n"),
        ("E0205", (1, 1), ".func f\nRET\n"),
        ("E0206", (2, 1), "HALT\n.end\n"),
        ("E0207", (1, 12), ".const a = 1 / 0\nHALT\n"),
        ("E0208", (1, 6), ".lib 65536 \"a\" f\nHALT\n"),
        ("E0209", (1, 9), ".memory 5 GiB\nHALT\n"),
        ("E0210", (1, 8), ".entry nothing\n"),
        ("E0211", (1, 11), ".local x: i32\nHALT\n"),
        ("E0401", (1, 1), "ADD\nHALT\n"),
        ("E0402", (3, 1), "PUSH 1\nPUSH 1.0\nADD\nHALT\n"),
        ("E0403", (1, 4), "x: PUSH 1\nJMP x\n"),
        ("E0405", (1, 1), "PUSH 1\n"),
        ("E0405", (2, 1), "HALT\nJMP end\nend:\n"),
        ("E0406", (1, 1), "CALL_NATIVE 9\nHALT\n"),
    ] {
        rejects_at(&lab, text, code, place);
    }
}

#[test]
fn traps_are_told_with_their_place() {
    let lab = Lab::new();
    for (code, line, text) in [
        ("E0501", 3, "PUSH 1\nPUSH 0\nDIV\nPRINT\nHALT\n"),
        ("E0501", 3, "PUSH 1\nPUSH 0\nREM\nPRINT\nHALT\n"),
        ("E0502", 3, "PUSH 0x8000000000000000\nPUSH -1\nDIV\nPRINT\nHALT\n"),
        ("E0502", 2, "PUSH 1e30\nFTOI\nPRINT\nHALT\n"),
        ("E0503", 2, "PUSH nan\nFTOI\nPRINT\nHALT\n"),
        ("E0504", 2, "PUSH -1\nLD8U\nPRINT\nHALT\n"),
        ("E0504", 2, "PUSH 65529\nLD64\nPRINT\nHALT\n"),
        ("E0504", 3, "PUSH 0\nPUSH 65537\nPUTS\nHALT\n"),
        ("E0505", 2, ".func f\nCALL f\nRET\n.end\nCALL f\nHALT\n"),
        ("E0508", 1, "TRAP\n"),
        ("E0509", 2, "PUSH 256\nEXIT\n"),
        ("E0510", 2, "PUSH 0xd800\nPUTC\nHALT\n"),
    ] {
        let args = ["run", "--error-format", "json"];
        let outcome = lab.run_with(args, text.as_bytes()).exits(3);
        let [only] = &json(&outcome)[..] else { panic!("{outcome:?}") };
        let place = (&only["code"], &only["places"][0]["line"]);
        assert_eq!(place, (&Value::from(code), &Value::from(line)), "{text}");
    }
}

#[test]
fn what_was_printed_before_a_trap_is_not_lost() {
    let lab = Lab::new();
    let outcome = lab.run_text("WRITE \"before\"\nTRAP\n").refuses(3, "E0508");
    assert_eq!(outcome.text(), "before");
}

#[test]
fn an_argument_that_does_not_fit_is_never_wrapped() {
    let lab = Lab::new();
    lab.write("m.c", "int math_add(int a, int b) { return a + b; }\n");
    for value in ["2147483648", "-2147483649", "0x7fffffffffffffff"] {
        let call = format!("PUSH 1\nPUSH {value}\nCALL_NATIVE 0\nPRINT\nHALT\n");
        let outcome = lab.run_text(&format!(".lib 0 \"m.c\" math_add\n{call}"));
        let outcome = outcome.refuses(3, "E0506").says("<stdin>:4:1").says("argument 2");
        assert_eq!(outcome.text(), "");
    }
}

#[test]
fn libraries_that_cannot_be_bound_are_told_with_their_lib_line() {
    let lab = Lab::new();
    lab.compile("int f(void) { return 1; }\nint data = 1;\n", "good.so");
    let good = lab.read("good.so");
    lab.write("text.so", "this is a text\n");
    lab.write("half.so", &good[..good.len() / 2]);
    lab.write("bad.c", "int f(void) { return }\n");
    fs::create_dir(lab.path("folder.so")).unwrap();
    for (code, library, function) in [
        ("E0601", "missing.so", "f"),
        ("E0601", "missing", "f"),
        ("E0602", "text.so", "f"),
        ("E0603", "half.so", "f"),
        ("E0605", "good.so", "g"),
        ("E0606", "good.so", "data"),
        ("E0607", "/bin/true", "f"),
        ("E0612", "bad.c", "f"),
    ] {
        let text = format!("NOP\n.lib 0 \"{library}\" {function} () -> i32\nHALT\n");
        let outcome = lab.run_text(&text).refuses(4, code).says("<stdin>:2:1");
        assert_eq!(outcome.text(), "", "nothing may run before all is bound");
    }
    lab.run_text(".lib 0 \"folder.so\" f () -> i32\nHALT\n").exits(4).says("folder.so");
    let lib = ".lib 0 \"good.so\" f () -> i32\nHALT\n";
    lab.run_with(["run", "--no-native"], lib.as_bytes()).refuses(4, "E0607");
    lab.run_with(["run"], lib.as_bytes()).done();
}

#[test]
fn all_libraries_that_are_missing_are_told_at_once() {
    let lab = Lab::new();
    let text = ".lib 0 \"a.so\" f\n.lib 1 \"b.so\" g\n.lib 2 \"a.so\" h\nHALT\n";
    let outcome = lab.run_text(text).refuses(4, "E0601");
    assert_eq!(outcome.stderr.matches("[E0601]").count(), 2, "{}", outcome.stderr);
}

#[test]
fn exit_statuses_are_those_of_the_program() {
    let lab = Lab::new();
    for status in [0, 1, 7, 255] {
        let outcome = lab.run_text(&format!("PUSH {status}\nEXIT\n")).exits(status);
        assert_eq!(outcome.stderr, "");
    }
    lab.run_text("HALT\n").done();
}

#[test]
fn wrong_usage_exits_2() {
    let lab = Lab::new();
    let wrong: [&[&str]; 9] = [
        &[],
        &["frobnicate"],
        &["run", "--frobnicate"],
        &["run", "x.vasm", "-5"],
        &["explain", "E9999"],
        &["test"],
        &["dis", "a", "b"],
        &["run", "-q", "-v"],
        &["run", "-", "--reload-on-enter"],
    ];
    for args in wrong {
        assert_eq!(lab.run(args).exits(2).text(), "", "{args:?}");
    }
}

#[test]
fn every_help_tells_the_exit_statuses() {
    let lab = Lab::new();
    for args in
        [&["--help"][..]].into_iter().chain(SUBCOMMANDS.each_ref().map(std::slice::from_ref))
    {
        let outcome = lab.run(args.iter().chain(&["--help"])).done();
        for part in [
            "0 done",
            "1 the input was rejected",
            "2 wrong usage",
            "3 the program trapped",
            "4 a library could not be bound",
        ] {
            assert!(outcome.text().contains(part), "{args:?}: {}", outcome.text());
        }
    }
}

#[test]
fn files_that_are_no_programs_are_refused() {
    let lab = Lab::new();
    lab.compile("int f(void) { return 1; }\n", "f.so");
    let vbc = lab.assemble("HALT\n");
    let with = |at: usize, byte| {
        let mut bytes = vbc.clone();
        bytes[at] = byte;
        bytes
    };
    for (code, bytes) in [
        ("E0110", b"".to_vec()),
        ("E0110", b"; only a comment\n".to_vec()),
        ("E0301", lab.read("f.so")),
        ("E0301", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("E0301", b"\0asm\x01\0\0\0".to_vec()),
        ("E0301", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
        ("E0301", b"MZ\x90\0\x03\0\0\0".to_vec()),
        ("E0301", b"PUSH 1\n\xff\nHALT\n".to_vec()),
        ("E0302", b"\x7fvbc".to_vec()),
        ("E0304", with(4, 99)),
        ("E0303", with(vbc.len() - 1, !vbc[vbc.len() - 1])),
        ("E0305", [&vbc[..], b"more"].concat()),
    ] {
        for subcommand in ["run", "asm", "dis"] {
            let outcome = lab.run_with([subcommand], &bytes).refuses(1, code).says("<stdin>");
            assert_eq!(outcome.text(), "");
        }
    }
}

#[test]
fn no_part_of_a_bytecode_file_is_taken_for_the_whole() {
    let lab = Lab::new();
    let vbc = lab.assemble(".data d \"text\"\n.global g: f64 = 1.5\nPUSH d\nPRINT\nHALT\n");
    for len in 1..vbc.len() {
        lab.run_with(["run"], &vbc[..len]).refuses(1, "E0302");
    }
    assert_eq!(lab.run_with(["run"], &vbc).done().text(), "16\n");
}

#[test]
fn no_changed_byte_of_a_bytecode_file_goes_unnoticed() {
    let lab = Lab::new();
    let vbc = lab.assemble(".data d \"text\"\n.global g: f64 = 1.5\nPUSH d\nPRINT\nHALT\n");
    for at in 0..vbc.len() {
        let mut damaged = vbc.clone();
        damaged[at] ^= 0x10;
        let outcome = lab.run_with(["run"], &damaged).exits(1).says("[E03");
        assert_eq!(outcome.text(), "", "byte {at}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let lab = Lab::new();
    lab.write("game.vasm", "HALT\n");
    fs::create_dir(lab.path("folder")).unwrap();
    for subcommand in ["run", "asm", "dis"] {
        lab.run([subcommand, "folder"]).refuses(1, "E0703").says("`folder`");
        lab.run([subcommand, "gane.vasm"]).refuses(1, "E0701").says("`game.vasm`?");
        lab.run([subcommand, "no/such/file"]).refuses(1, "E0701").says("no/such/file");
        lab.run([subcommand, "game.vasm/x"]).refuses(1, "E0701");
    }
    lab.run(["test", "missing"]).refuses(1, "E0701").says("`missing`");
}

#[test]
fn standard_input_is_taken_by_every_subcommand() {
    let lab = Lab::new();
    let text = b"PUSH 7\nPRINT\nHALT\n";
    let vbc = lab.run_with(["asm", "-"], text).done().stdout;
    assert_eq!(vbc, lab.run_with(["asm"], text).done().stdout);
    assert_eq!(vbc, lab.run_with(["asm"], &vbc).done().stdout);
    for input in [&text[..], &vbc] {
        assert_eq!(lab.run_with(["run"], input).done().text(), "7\n");
        assert_eq!(lab.run_with(["run", "-"], input).done().text(), "7\n");
        let listing = lab.run_with(["dis"], input).done().stdout;
        assert_eq!(lab.run_with(["dis", "-"], input).done().stdout, listing);
        assert_eq!(lab.run_with(["asm"], &listing).done().stdout, vbc);
    }
}

#[test]
fn what_dis_writes_assembles_to_the_same_bytes() {
    let lab = Lab::new();
    lab.write(
        "p.vasm",
        ".lib 3 \"libm.so\" \"odd name\" (f64, bytes) version 2 lazy\n\
         .global g: f64 = -nan:0x123\n.data d \"\\x00\\xff text\"\n.zero z 100\n\
         .func add (a: i64, b: i64) -> i64\nLOAD a\nLOAD b\nADD\nRET\n.end\n\
         again: PUSH 1\nPUSH 2\nCALL add\nSWITCH again, done\ndone: WRITE \"\\n\"\nHALT\n",
    );
    for flags in [&[][..], &["--strip"]] {
        let asm = |input| ["asm", input].into_iter().chain(flags.iter().copied());
        let bytes = lab.run(asm("p.vasm")).done().stdout;
        let text = lab.run_with(["dis"], &bytes).done().stdout;
        assert_eq!(lab.run_with(asm("-"), &text).done().stdout, bytes);
    }
}

#[test]
fn names_that_mean_something_elsewhere_survive_dis() {
    let lab = Lab::new();
    for name in ["inf", "nan", "len", "PUSH", "i64", "max", "at", "lazy", "_"] {
        let text = format!(
            ".global {name}: i64\n\
             .func {name}\nLOAD {name}\nPRINT\nRET\n.end\n\
             {name}: CALL {name}\nJMP {name}\n"
        );
        let bytes = lab.assemble(&text);
        let text = lab.run_with(["dis"], &bytes).done().stdout;
        assert_eq!(lab.run_with(["asm"], &text).done().stdout, bytes, "{name}");
    }
}

#[test]
fn stripped_bytecode_has_no_names_and_still_points_at_its_traps() {
    let lab = Lab::new();
    let text = ".func secret_function\nTRAP\n.end\nCALL secret_function\nHALT\n";
    let holds = |bytes: &[u8]| bytes.windows(6).any(|w| w == b"secret");
    assert!(holds(&lab.assemble(text)));
    let stripped = lab.run_with(["asm", "--strip"], text.as_bytes()).done().stdout;
    assert!(!holds(&stripped));
    let again = lab.run_with(["asm", "--strip"], &lab.assemble(text)).done().stdout;
    assert_eq!(again, stripped);
    lab.run_with(["run"], &stripped).refuses(3, "E0508").says("(disassembled)").says("TRAP");
}

#[test]
fn bytecode_points_at_its_text_where_that_is_unchanged() {
    let lab = Lab::new();
    lab.write("p.vasm", "NOP\n    TRAP ; on purpose\n");
    lab.run(["asm", "p.vasm", "-o", "p.vbc"]).done();
    lab.run(["run", "p.vbc"]).refuses(3, "E0508").says("p.vasm:2:5").says("on purpose");
    lab.write("p.vasm", "another text\n\n\n");
    let outcome = lab.run(["run", "p.vbc"]).refuses(3, "E0508").says("p.vasm:2:5");
    assert!(!outcome.stderr.contains("another"), "{}", outcome.stderr);
}

#[test]
fn output_goes_where_o_says() {
    let lab = Lab::new();
    lab.write("p.vasm", "HALT\n");
    let vbc = lab.run(["asm", "p.vasm"]).done().stdout;
    assert_eq!(lab.run(["asm", "p.vasm", "-o", "-"]).done().stdout, vbc);
    assert_eq!(lab.run(["asm", "p.vasm", "-o", "/dev/null"]).done().text(), "");
    for name in ["new.vbc", "new.vbc", "./other.vbc"] {
        assert_eq!(lab.run(["asm", "p.vasm", "-o", name]).done().text(), "");
        assert_eq!(lab.read(name), vbc);
    }
    lab.run(["dis", "new.vbc", "-o", "p2.vasm"]).done();
    assert_eq!(lab.run(["asm", "p2.vasm"]).done().stdout, vbc);
    // A program may be overwritten by itself.
    lab.run(["asm", "new.vbc", "--strip", "-o", "new.vbc"]).done();
    assert!(lab.read("new.vbc").len() < vbc.len());
    assert_eq!(lab.names_in("."), ["new.vbc", "other.vbc", "p.vasm", "p2.vasm"]);
}

#[test]
fn a_rejected_program_leaves_the_old_output_alone() {
    let lab = Lab::new();
    lab.write("out.vbc", "precious");
    lab.run_with(["asm", "-o", "out.vbc"], b"FROB\n").refuses(1, "E0107");
    assert_eq!(lab.read("out.vbc"), b"precious");
    assert_eq!(lab.names_in("."), ["out.vbc"]);
}

#[cfg(unix)]
#[test]
fn output_goes_through_links_and_keeps_what_the_file_was() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let lab = Lab::new();
    let asm = |to: &str| lab.run_with(["asm", "-o", to], b"HALT\n");
    fs::create_dir(lab.path("far")).unwrap();
    for (link, target) in [("there", "far/there.vbc"), ("dangling", "far/new.vbc")] {
        symlink(target, lab.path(link)).unwrap();
    }
    lab.write("far/there.vbc", "old");
    fs::set_permissions(lab.path("far/there.vbc"), fs::Permissions::from_mode(0o640)).unwrap();
    let vbc = lab.assemble("HALT\n");
    for (link, target) in [("there", "far/there.vbc"), ("dangling", "far/new.vbc")] {
        asm(link).done();
        assert!(lab.path(link).is_symlink(), "{link}");
        assert_eq!(lab.read(target).len(), vbc.len());
    }
    let mode = fs::metadata(lab.path("far/there.vbc")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn output_that_cannot_be_written_is_named_and_leaves_nothing_behind() {
    let lab = Lab::new();
    let asm = |to: &str| lab.run_with(["asm", "-o", to], b"HALT\n").refuses(1, "E0702");
    fs::create_dir(lab.path("folder")).unwrap();
    asm("folder").says("`folder`");
    let outcome = asm("missing/x.vbc").says("`missing/x.vbc`");
    assert!(!outcome.stderr.contains(".hotvm-"), "{}", outcome.stderr);
    let path = lab.write("mine.vbc", "read only");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    asm("mine.vbc").says("read-only");
    assert_eq!(lab.read("mine.vbc"), b"read only");
    assert_eq!(lab.names_in("."), ["folder", "mine.vbc"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let lab = Lab::new();
    lab.write("p.vasm", "PUSH 1\nPRINT\nHALT\n;! stdout: 1\n");
    lab.write("v.c", "long value(void) { return 1; }\n");
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    for (args, status, code) in [
        (&["run", "p.vasm"][..], 3, "E0511"),
        (&["asm", "p.vasm"], 1, "E0702"),
        (&["dis", "p.vasm"], 1, "E0702"),
        (&["explain"], 1, "E0702"),
        (&["bind", "v.c"], 1, "E0702"),
        (&["completions", "bash"], 1, "E0702"),
        (&["test", "p.vasm"], 1, "E0702"),
    ] {
        let child = lab.hotvm(args).stdout(full()).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8(child.stderr).unwrap();
        assert_eq!(child.status.code(), Some(status), "{args:?}: {stderr}");
        assert!(stderr.contains(code), "{args:?}: {stderr}");
    }
}

#[test]
fn errors_for_programs_are_json_lines() {
    let lab = Lab::new();
    let text = "FROB\nPUSH 1\nJMP nowhere\n.const k = 1\n.const k = 2\n";
    let outcome = lab.run_with(["run", "--error-format", "json"], text.as_bytes()).exits(1);
    let lines = json(&outcome);
    let codes: Vec<_> = lines.iter().map(|line| line["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E0107", "E0203", "E0202"]);
    for line in &lines {
        assert_eq!((&line["version"], &line["severity"]), (&1.into(), &"error".into()));
        assert!(!line["message"].as_str().unwrap().is_empty());
        let place = &line["places"][0];
        assert_eq!(place["file"], "<stdin>");
        for key in ["line", "column", "end_line", "end_column"] {
            assert!(place[key].as_u64() >= Some(1), "{key}: {line}");
        }
    }
    assert_eq!(lines[2]["places"].as_array().unwrap().len(), 2);
    let outcome = lab.run(["run", "--error-format", "json", "no.vasm"]).exits(1);
    assert_eq!(json(&outcome)[0]["code"], "E0701");
    let outcome = lab.run_with(["run", "--error-format", "json"], b"\x7fvbc\x01\0").exits(1);
    assert_eq!(json(&outcome)[0]["places"][0]["byte"], 6);
}

#[test]
fn colours_are_used_only_where_they_are_wanted() {
    let lab = Lab::new();
    let colours = |args: &[&str], no_color: Option<&str>| {
        let mut command = lab.hotvm(["run"].iter().chain(args));
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        finish(&mut command, b"FROB\n").exits(1).stderr.contains('\x1b')
    };
    assert!(!colours(&[], None), "standard error is no terminal here");
    assert!(colours(&["--color", "always"], None));
    assert!(colours(&["--color", "always"], Some("1")), "a flag outweighs the environment");
    assert!(!colours(&["--color", "never"], None));
    assert!(!colours(&[], Some("1")));
}

#[test]
fn a_closed_pipe_ends_the_command_silently() {
    let lab = Lab::new();
    lab.write("forever.vasm", "again: WRITE \"and on\\n\"\nJMP again\n");
    let long = "WRITE \"a line\\n\"\n".repeat(100_000) + "HALT\n";
    lab.write("long.vasm", long);
    for args in [
        &["run", "forever.vasm"][..],
        &["dis", "long.vasm"],
        &["run", "long.vasm"],
        &["asm", "long.vasm"],
    ] {
        let mut command = lab.hotvm(args);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut first = Vec::new();
        let mut stdout = BufReader::with_capacity(64, child.stdout.take().unwrap());
        stdout.read_until(b'\n', &mut first).unwrap();
        drop(stdout);
        let status = wait(&mut child).code();
        let said = child.wait_with_output().unwrap().stderr;
        assert_eq!((status, &*said), (Some(0), &b""[..]), "{args:?}");
        assert!(!first.is_empty());
    }
}

#[test]
fn every_code_is_explained() {
    let lab = Lab::new();
    let list = lab.run(["explain"]).done();
    for &code in Code::ALL {
        let outcome = lab.run(["explain", &code.name().to_lowercase()]).done();
        assert!(outcome.text().starts_with(&format!("{code}: {}\n\n", code.title())));
        assert!(list.text().contains(&format!("{code}  {}", code.title())));
    }
    let unused = lab.run(["explain", "unused-label"]).done();
    assert_eq!(unused.text(), lab.run(["explain", "w0802"]).done().text());
    assert!(unused.text().contains("-A unused-label") && unused.text().contains("\nWrong:\n"));
    assert!(!unused.text().contains("```"));
    for (given, near) in [("e203", "E0203"), ("unused-lable", "unused-label"), ("W080", "W0801")] {
        let outcome = lab.run(["explain", given]).exits(2);
        outcome.says(&format!("there is no code or warning `{given}`; did you mean `{near}`?"));
    }
    lab.run(["explain", "E9999"]).exits(2).says("`hotvm explain` lists them all");
}

#[test]
fn completions_know_every_subcommand() {
    let lab = Lab::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = lab.run(["completions", shell]).done();
        for subcommand in SUBCOMMANDS {
            assert!(outcome.text().contains(subcommand), "{shell}: {subcommand}");
        }
        // Those of the others know no values.
        let values = matches!(shell, "bash" | "zsh" | "fish");
        for (_, warning) in Code::warnings().filter(|_| values) {
            assert!(outcome.text().contains(&warning), "{shell}: {warning}");
        }
    }
}

#[test]
fn every_subcommand_has_a_man_page_with_examples_and_exit_status() {
    let lab = Lab::new();
    let main = lab.run(["man"]).done();
    lab.run(["man", "pages/man1"]).done();
    assert_eq!(main.stdout, lab.read("pages/man1/hotvm.1"));
    assert_eq!(lab.names_in("pages/man1").len(), SUBCOMMANDS.len() + 1);
    for subcommand in SUBCOMMANDS {
        assert!(main.text().contains(&format!("hotvm\\-{subcommand}(1)")), "{subcommand}");
        let page = lab.read(&format!("pages/man1/hotvm-{subcommand}.1"));
        let page = String::from_utf8(page).unwrap();
        for part in [&*format!("hotvm\\-{subcommand}"), ".SH SYNOPSIS", "Example", "Exit status:"] {
            assert!(page.contains(part), "{subcommand} lacks {part}: {page}");
        }
        let help = lab.run([subcommand, "--help"]).done();
        assert!(help.text().contains("Example") && help.text().contains("Exit status:"));
    }
    let asm = String::from_utf8(lab.read("pages/man1/hotvm-asm.1")).unwrap();
    let synopsis = asm.lines().skip_while(|line| *line != ".SH SYNOPSIS").nth(1);
    assert_eq!(synopsis, Some("\\fBhotvm asm\\fR [OPTIONS] [INPUT]..."));
    lab.write("file", "");
    lab.run(["man", "file/man1"]).refuses(1, "E0702");
}

/// Prints its first argument.
const PRINT_ARGUMENT: &str = "\
    PUSH 0
    PUSH 0
    PUSH 1000
    ARG
    STORE length
    PUSH 0
    LOAD length
    PUTS
    HALT
.local length: i64
";

#[test]
fn arguments_reach_the_program() {
    let lab = Lab::new();
    lab.write("p.vasm", PRINT_ARGUMENT);
    for arg in ["one", "", "-5", "--help", "two words", "größer"] {
        assert_eq!(lab.run(["run", "p.vasm", "--", arg]).done().text(), arg);
    }
    assert_eq!(lab.run(["run", "p.vasm", "plain"]).done().text(), "plain");
}

#[cfg(unix)]
#[test]
fn names_and_arguments_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let lab = Lab::new();
    let odd = OsStr::from_bytes(b"\xff\xfe.vasm");
    fs::write(lab.path(".").join(odd), PRINT_ARGUMENT).unwrap();
    let outcome = lab.run([OsStr::new("run"), odd, OsStr::new("--"), odd]).done();
    assert_eq!(outcome.stdout, odd.as_bytes());
    fs::write(lab.path(".").join(odd), "FROB\n").unwrap();
    lab.run([OsStr::new("run"), odd]).refuses(1, "E0107");
    let json_error = lab.run([OsStr::new("run"), OsStr::new("--error-format=json"), odd]);
    assert_eq!(json(&json_error.exits(1)).len(), 1);
}

/// A text of many lines, each made from its number.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

#[test]
fn huge_programs_run() {
    let lab = Lab::new();
    for (text, printed) in [
        ("NOP\n".repeat(1_000_000), ""),
        (lines(65_535, |i| format!(".local v{i}: i64\n")) + "LOAD v65534\nPRINT\n", "0\n"),
        ("PUSH 1\n".repeat(65_535) + &"ADD\n".repeat(65_534) + "PRINT\n", "65535\n"),
        (lines(100_000, |i| format!("l{i}: JMP l{}\n", i + 1)) + "l100000: ", ""),
        (lines(100_000, |i| format!(".func f{i}\nRET\n.end\n")) + "CALL f99999\n", ""),
        (
            lines(100_000, |i| format!(".const c{} = c{i} + 1\n", i + 1))
                + ".const c0 = 0\nPUSH c9\nPRINT\n",
            "9\n",
        ),
        (lines(100_000, |i| format!(".data d{i} \"x\"\n")) + "PUSH d99999\nPRINT\n", "100015\n"),
        (format!("PUSH 1\nSWITCH {}d\nd: ", "d, ".repeat(200_000)), ""),
        (format!(".data d u8 {}7\nPUSH len(d)\nPRINT\n", "1, ".repeat(300_000)), "300001\n"),
        (format!("WRITE \"{}\"\n", "x".repeat(1_000_000)), &"x".repeat(1_000_000)),
        (
            lines(65_536, |i| format!(".lib {i} \"x.so\" f{i} () lazy\n"))
                + &"LOAD_LIB 65535\nPOP\n".repeat(100),
            "",
        ),
    ] {
        let outcome = lab.run_text(&(text + "HALT\n")).done();
        assert!(outcome.text() == printed && outcome.stderr.is_empty(), "{:.300}", outcome.stderr);
    }
}

#[test]
fn programs_beyond_the_limits_are_refused() {
    let lab = Lab::new();
    for (code, text) in [
        ("E0407", lines(65_536, |i| format!(".local v{i}: i64\n"))),
        ("E0407", "PUSH 1\n".repeat(65_536)),
        ("E0111", format!("PUSH {}1{}\n", "(".repeat(100_000), ")".repeat(100_000))),
        ("E0111", format!("PUSH {}1\n", "-".repeat(100_000))),
        ("E0111", format!("PUSH 1{}\n", " + 1".repeat(100_000))),
        (
            "E0111",
            lines(100_000, |i| format!(".const c{i} = c{}\n", i + 1)) + ".const c100000 = 0\n",
        ),
        (
            "E0111",
            lines(100_000, |i| format!(".const c{i} = c{}\n", i + 1)) + ".const c100000 = c0\n",
        ),
        ("E0209", ".memory 5 GiB\n".to_owned()),
        ("E0209", ".memory 0xffffffffffffffff\n".to_owned()),
        ("E0209", ".memory 9223372036854775807 GiB\n".to_owned()),
        ("E0209", ".zero z 4 GiB\n".to_owned()),
        ("E0107", "A".repeat(1_000_000) + "\n"),
        ("E0204", format!("PUSH {}\n", "a".repeat(1_000_000))),
        ("E0102", format!("WRITE \"{}\n", "x".repeat(1_000_000))),
        ("E0401", format!("ADD ; {}\n", "x".repeat(1_000_000))),
    ] {
        let outcome = lab.run_text(&(text + "HALT\n")).refuses(1, code);
        assert!(outcome.stderr.len() < 20_000, "{code}: {} bytes", outcome.stderr.len());
    }
}

#[test]
fn many_mistakes_are_told_in_a_moment() {
    let lab = Lab::new();
    for text in [
        lines(20_000, |i| format!("l{i}: JMP x{i}\n")),
        lines(20_000, |i| format!(".const k{i} = 1\nPUSH x{i}\n")),
        "FROB 1\n".repeat(20_000),
        "PUSH ,\n".repeat(20_000),
    ] {
        let outcome = lab.run_with(["run"], text.as_bytes()).exits(1).says("and 19980 more");
        assert!(outcome.stderr.len() < 20_000);
        let outcome = lab.run_with(["run", "--error-format", "json"], text.as_bytes()).exits(1);
        assert_eq!(json(&outcome).len(), 20_000);
    }
}

#[test]
fn endless_recursion_is_a_trap_with_a_short_stack() {
    let lab = Lab::new();
    let even = ".func a\nCALL b\nRET\n.end\n.func b\nCALL a\nRET\n.end\nCALL a\nHALT\n";
    let outcome = lab.run_text(even).refuses(3, "E0505").says("more calls");
    assert!(outcome.stderr.lines().count() < 30, "{}", outcome.stderr);
    // Many locals use the stack up before the number of calls does.
    let big = lines(60_000, |i| format!(".local v{i}: i64\n"));
    lab.run_text(&format!(".func f\n{big}CALL f\nRET\n.end\nCALL f\nHALT\n")).refuses(3, "E0505");
}

#[test]
fn memory_of_4_gib_is_the_most() {
    let lab = Lab::new();
    let top = "PUSH 4294967288\nPUSH 42\nST64\nPUSH 4294967288\nLD64\nPRINT\n";
    let text = format!(".memory 4 GiB\n{top}PUSH 1\nMEMGROW\nPRINT\nMEMSIZE\nPRINT\nHALT\n");
    // A machine may refuse so much; it must say so then, and not crash.
    let outcome = lab.run_text(&text);
    match outcome.status {
        Some(0) => assert_eq!(outcome.text(), "42\n-1\n4294967296\n"),
        _ => drop(outcome.refuses(1, "E0407")),
    }
}
