//! Native functions as C: each import has a function that checks the arguments and calls it.

use super::Library;
use super::program::{c_text, c_type};
use crate::isa::{CType, Import};
use crate::verify::Verified;
use std::fmt::Write;

/// Writes the functions of all imports.
pub(super) fn write(program: &Verified, libraries: &[Library]) -> String {
    let mut text = String::new();
    let imports = &program.module().imports;
    for (index, (import, library)) in imports.iter().zip(libraries).enumerate() {
        text += &slot(index, import, library);
        text += &version(index, library);
        text += &caller(index, import);
    }
    text
}

/// Binds the slots that are bound at the start.
pub(super) fn opening(program: &Verified, libraries: &[Library]) -> String {
    let imports = program.module().imports.iter().zip(libraries).enumerate();
    let eager = imports.filter(|(_, (import, library))| !import.lazy && library.is_loaded());
    eager.map(|(index, _)| format!("    bind_{index}();\n")).collect()
}

/// The pointer through which a function is called, and what binds it.
fn slot(index: usize, import: &Import, library: &Library) -> String {
    let params: Vec<_> = import.signature.params.iter().map(|ty| ty.c_name()).collect();
    let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
    let result = import.signature.result.c_name();
    let mut text = format!("\ntypedef {result} (*slot_{index}_type)({params});\n");
    match library {
        Library::Source(_) | Library::System(_) => {
            let symbol = c_text(import.symbol.as_bytes());
            let _ = write!(
                text,
                "extern {result} linked_{index}({params}) __asm__(LINKED {symbol});\n\
                 #define slot_{index} linked_{index}\n\
                 static __attribute__((unused)) uint64_t bind_{index}(void)\n{{\n    return 1;\n}}\n"
            );
        }
        Library::Missing => {
            let _ = write!(
                text,
                "static const slot_{index}_type slot_{index};\n\
                 static __attribute__((unused)) uint64_t bind_{index}(void)\n{{\n    return 0;\n}}\n"
            );
        }
        Library::File(path) => {
            let (path, symbol) = (c_text(path.as_bytes()), c_text(import.symbol.as_bytes()));
            let (number, lazy) = (import.slot, import.lazy);
            let _ = write!(
                text,
                "static slot_{index}_type slot_{index};\n\
                 static uint64_t bind_{index}(void)\n{{\n    \
                 if (!slot_{index})\n        \
                 slot_{index} = (slot_{index}_type)bind_slot({number}, {path}, {symbol}, {lazy});\n    \
                 return slot_{index} != NULL;\n}}\n"
            );
        }
    }
    text
}

/// What a `LIB_VERSION` asks.
fn version(index: usize, library: &Library) -> String {
    let version = match library {
        Library::Source(_) => "version_told(&linked_version, linked_get_version)".to_owned(),
        Library::File(_) => format!("version_of((void *)slot_{index})"),
        Library::System(_) | Library::Missing => "0".to_owned(),
    };
    format!(
        "static __attribute__((unused)) uint64_t version_{index}(void)\n{{\n    return {version};\n}}\n"
    )
}

/// The function that a `CALL_NATIVE` calls.
fn caller(index: usize, import: &Import) -> String {
    let function = c_text(import.symbol.as_bytes());
    let (mut params, mut arguments) = (Vec::new(), Vec::new());
    for (number, &ty) in (1..).zip(&import.signature.params) {
        let names: Vec<_> =
            ty.cells().iter().enumerate().map(|(i, _)| format!("p{number}_{i}")).collect();
        let declared =
            ty.cells().iter().zip(&names).map(|(&ty, name)| format!("{} {name}", c_type(ty)));
        params.extend(declared);
        let cell = names.first().map_or("", |name| name);
        arguments.push(match ty {
            CType::F32 => format!("check_f32({cell}, {function}, {number}, at)"),
            CType::F64 => cell.to_owned(),
            CType::Cstr => format!("check_text({cell}, {function}, {number}, at)"),
            CType::Ptr => format!("check_pointer({cell}, {function}, {number}, at)"),
            CType::Bytes => {
                let length = &names[1];
                format!("check_bytes({cell}, {length}, {function}, {number}, at), {length}")
            }
            _ => match ty.integer_range() {
                Some((least, greatest)) => format!(
                    "({})check_range({cell}, {least}LL, {greatest}LL, \"{ty}\", {function}, {number}, at)",
                    ty.c_name()
                ),
                None => format!("({}){cell}", ty.c_name()),
            },
        });
    }
    params.push("unsigned at".to_owned());
    let result = import.signature.func_type().result.map_or("void", c_type);
    let call = format!("slot_{index}({})", arguments.join(", "));
    let call = match import.signature.result {
        CType::Void => format!("{call};"),
        CType::Ptr => format!("return note_pointer({call});"),
        CType::F32 | CType::F64 => format!("return {call};"),
        CType::U8 | CType::U16 | CType::U32 | CType::U64 | CType::Bool => format!("return {call};"),
        _ => format!("return (uint64_t)(int64_t){call};"),
    };
    let unbound = format!(
        "    if (UNLIKELY(!slot_{index}))\n        \
         trap(\"E0507\", {}, at);\n",
        c_text(format!("slot {} (`{}`) is not bound", import.slot, import.symbol).as_bytes())
    );
    format!(
        "static __attribute__((unused)) {result} native_{index}({})\n{{\n{unbound}    \
         if (output.length > 0)\n        check_written(flush_output(), at);\n    {call}\n}}\n",
        params.join(", ")
    )
}
