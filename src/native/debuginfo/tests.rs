//! Debug information as the system's compilers write it.

use super::*;
use gimli::{
    AttributeValue, DW_AT_encoding, DW_ATE_signed, DW_TAG_base_type, DW_TAG_structure_type,
    DW_TAG_subprogram, DW_TAG_variable,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "\
typedef int number;
typedef const volatile number odd_number;
struct pair { odd_number first; struct pair *second; };
static struct pair kept;
__attribute__((noinline)) static int inner(struct pair *p) { static int calls; return p->first + ++calls; }
int outer(odd_number n) { kept.second = &kept; return n + inner(kept.second); }
void nothing(void) { }
";

fn compile(folder: &Path, flags: &[&str]) -> PathBuf {
    let (source, library) = (folder.join("source.c"), folder.join("library.so"));
    fs::write(&source, SOURCE).unwrap();
    run(Command::new("cc").args(["-shared", "-fPIC", "-Wl,--build-id"]).args(flags).args([
        &source,
        Path::new("-o"),
        &library,
    ]));
    library
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the helpers must agree on, whatever flags and file formats lie between.
fn check(bytes: &[u8], folder: &Path) {
    let file = DebugFile::read(bytes).expect("debug information");
    let info = file.open();
    let named = |tag, name: &str| {
        info.all(&[tag]).into_iter().find(|die| die.name() == Some(name)).expect(name)
    };

    let outer = named(DW_TAG_subprogram, "outer");
    assert_eq!(outer.declared(), Some(Declared { file: folder.join("source.c"), line: 6 }));
    assert_eq!(outer.origin().unit_path(), Some(folder.join("source.c")));
    let result = outer.type_itself().unwrap();
    assert_eq!((result.tag(), result.size()), (DW_TAG_base_type, Some(4)));
    assert_eq!(result.attr(DW_AT_encoding), Some(AttributeValue::Encoding(DW_ATE_signed)));
    assert!(named(DW_TAG_subprogram, "nothing").type_itself().is_none());

    let kept = named(DW_TAG_variable, "kept").type_itself().unwrap();
    assert_eq!((kept.tag(), kept.name()), (DW_TAG_structure_type, Some("pair")));
    let fields = kept.children();
    assert_eq!(fields.iter().map(|f| f.name().unwrap()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(fields[0].type_as_written().unwrap().name(), Some("odd_number"));
    assert_eq!(fields[0].type_itself().unwrap().name(), Some("int"));
    // The pointer leads back to the structure.
    assert_eq!(fields[1].type_itself().unwrap().type_itself().unwrap().offset(), kept.offset());
    named(DW_TAG_variable, "calls");
}

#[test]
fn entries_read_the_same_whatever_the_flags() {
    for flags in
        ["-O0", "-O2", "-g3", "-gz", "-gdwarf-4", "-gdwarf-4 -fdebug-types-section", "-O2 -flto"]
    {
        let folder = tempfile::tempdir().unwrap();
        let flags: Vec<_> = std::iter::once("-g").chain(flags.split(' ')).collect();
        let bytes = fs::read(compile(folder.path(), &flags)).unwrap();
        check(&bytes, folder.path());
    }
}

#[test]
fn a_separate_file_is_found_by_link_or_build_id_if_it_is_of_this_build() {
    let folder = tempfile::tempdir().unwrap();
    let library = compile(folder.path(), &["-g"]);
    let apart = folder.path().join("library.debug");
    run(Command::new("objcopy").arg("--only-keep-debug").args([&library, &apart]));
    run(Command::new("objcopy").current_dir(folder.path()).args([
        "--strip-debug",
        "--add-gnu-debuglink=library.debug",
        "library.so",
    ]));
    let bytes = fs::read(&library).unwrap();
    assert!(DebugFile::read(&bytes).is_none());
    check(&separate_file(&bytes, &library).unwrap(), folder.path());

    let file = object::File::parse(&*bytes).unwrap();
    let id: String = object::Object::build_id(&file)
        .unwrap()
        .unwrap()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let home = folder.path().join(".build-id").join(&id[..2]);
    fs::create_dir_all(&home).unwrap();
    fs::rename(&apart, home.join(format!("{}.debug", &id[2..]))).unwrap();
    check(&separate_file(&bytes, &library).unwrap(), folder.path());

    let other = compile(folder.path(), &["-g", "-O1"]);
    fs::write(&apart, fs::read(other).unwrap()).unwrap();
    fs::remove_dir_all(folder.path().join(".build-id")).unwrap();
    assert!(separate_file(&bytes, &library).is_none());
}

#[test]
fn damage_reads_as_absent() {
    let folder = tempfile::tempdir().unwrap();
    let sound = fs::read(compile(folder.path(), &["-g"])).unwrap();
    assert!(DebugFile::read(b"").is_none() && DebugFile::read(b"\x7fELF").is_none());
    let tags = [DW_TAG_subprogram, DW_TAG_variable, DW_TAG_structure_type];
    for at in (0..sound.len()).step_by(7) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        let Some(file) = DebugFile::read(&bytes) else { continue };
        let info = file.open();
        for die in info.all(&tags) {
            let _ = (die.name(), die.declared(), die.type_itself(), die.children().len());
        }
    }
}
