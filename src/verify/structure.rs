//! What must hold outside of the code. The assembler takes care of all this; a file from elsewhere
//! may not have.

use super::MAX_CELLS;
use super::error::VerifyError;
use crate::diagnostics::Code;
use crate::isa::{CType, FuncType, Signature};
use crate::module::{Expanded, MAX_MEMORY, Memory, Module, SourceMap};
use std::collections::HashSet;

pub(super) fn check(module: &Module) -> Vec<VerifyError> {
    let mut errors = Vec::new();
    let mut error = |code, message: String| errors.push(VerifyError::new(code, message));
    functions(module, &mut error);
    imports(module, &mut error);
    memory(module, &mut error);
    debug_sections(module, &mut error);
    errors
}

fn functions(module: &Module, error: &mut impl FnMut(Code, String)) {
    for (index, function) in module.functions.iter().enumerate() {
        let Some(ty) = module.types.get(function.ty as usize) else {
            error(
                Code::BadIndex,
                format!("function {index} has type {}, which does not exist", function.ty),
            );
            continue;
        };
        if ty.params.len() + function.locals.len() > MAX_CELLS {
            error(
                Code::LimitExceeded,
                format!(
                    "`{}` has more than {MAX_CELLS} locals",
                    module.function_name(index as u32)
                ),
            );
        }
    }
    if module.public.iter().any(|&public| public as usize >= module.functions.len()) {
        error(Code::BadIndex, "a function is public that does not exist".to_owned());
    }
    match module.functions.get(module.entry as usize) {
        None => error(
            Code::BadEntry,
            format!("the entry is function {}, which does not exist", module.entry),
        ),
        Some(function) => {
            let ty = module.types.get(function.ty as usize);
            if ty.is_some_and(|ty| *ty != FuncType::default()) {
                let name = module.function_name(module.entry);
                error(
                    Code::BadEntry,
                    format!("the entry function `{name}` must take and give nothing"),
                );
            }
        }
    }
}

fn imports(module: &Module, error: &mut impl FnMut(Code, String)) {
    let mut slots = HashSet::new();
    for import in &module.imports {
        let slot = import.slot;
        if !slots.insert(slot) {
            error(Code::DuplicateName, format!("slot {slot} is bound twice"));
        }
        let Signature { params, result } = &import.signature;
        if params.len() > Signature::MAX_PARAMS {
            error(
                Code::TooMany,
                format!("slot {slot} has more than {} parameters", Signature::MAX_PARAMS),
            );
        }
        if !params.iter().all(|p: &CType| p.is_param()) || !result.is_result() {
            error(
                Code::BadLib,
                format!("the signature of slot {slot} cannot be called: {}", import.signature),
            );
        }
        if import.library.is_empty()
            || import.library.contains('\0')
            || import.symbol.contains('\0')
        {
            error(Code::BadLib, format!("slot {slot} has no usable library or function name"));
        }
    }
}

fn memory(module: &Module, error: &mut impl FnMut(Code, String)) {
    let Memory { min, max } = module.memory;
    if min > max || max > MAX_MEMORY {
        error(
            Code::LimitExceeded,
            format!("memory of {min} to {max} bytes; the most is {MAX_MEMORY}"),
        );
    }
    for segment in &module.data {
        let end = segment.address.checked_add(segment.len);
        if end.is_none_or(|end| end > min) {
            error(
                Code::LimitExceeded,
                format!("data at {} reaches beyond memory of {min} bytes", segment.address),
            );
        }
        if segment.bytes.len() as u64 > segment.len {
            error(
                Code::MalformedBytecode,
                format!("data at {} has more bytes than its length", segment.address),
            );
        }
    }
}

fn debug_sections(module: &Module, error: &mut impl FnMut(Code, String)) {
    if let Some(names) = &module.names {
        let fits = names.functions.len() == module.functions.len()
            && names.globals.len() == module.globals.len()
            && names.data.len() == module.data.len()
            && names.functions.iter().zip(&module.functions).all(|(names, function)| {
                let params = module.types.get(function.ty as usize).map_or(0, |ty| ty.params.len());
                names.locals.len() == params + function.locals.len()
                    && names.labels.is_sorted_by_key(|(at, _)| *at)
            });
        if !fits {
            error(
                Code::MalformedBytecode,
                "the section of names is not that of this module".to_owned(),
            );
        }
    }
    if let Some(map) = &module.source_map {
        let files = map.files.len() as u32;
        let runs = map.functions.items().iter().map(|run| run.first.file);
        let calls = map.calls.iter().map(|call| call.at.file);
        let mut named = runs.chain(map.imports.iter().map(|at| at.file)).chain(calls);
        let fits = map.functions.len() == module.functions.len()
            && map.imports.len() == module.imports.len();
        if !fits || !named.all(|file| file < files) || !calls_are_in_order(map) {
            error(Code::MalformedBytecode, "the source map is not that of this module".to_owned());
        }
    }
}

/// Whether a call stands only in those before it, and no instruction came from two of them.
fn calls_are_in_order(map: &SourceMap) -> bool {
    let macros = map.macros.len() as u32;
    let calls = map.calls.iter().zip(0..);
    let known = calls
        .into_iter()
        .all(|(call, index)| call.name < macros && call.within.is_none_or(|within| within < index));
    let end = |it: &Expanded| it.first.checked_add(it.count).map(|end| (it.function, end));
    known
        && map.expanded.iter().all(|it| it.call < map.calls.len() as u32 && end(it).is_some())
        && map
            .expanded
            .windows(2)
            .all(|pair| end(&pair[0]) <= Some((pair[1].function, pair[1].first)))
}
