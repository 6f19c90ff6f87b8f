//! Names that can stand in text: the module's own where they can, made-up ones elsewhere.

use crate::isa::{Code, Instr, OperandKind};
use crate::module::{self, Module};
use crate::syntax::literal::is_float_name;
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the text calls the functions, globals and data of a module.
pub(super) struct ModuleNames<'m> {
    pub(super) functions: Vec<Cow<'m, str>>,
    pub(super) globals: Vec<Cow<'m, str>>,
    pub(super) data: Vec<Cow<'m, str>>,
}

impl<'m> ModuleNames<'m> {
    pub(super) fn new(module: &'m Module) -> ModuleNames<'m> {
        let names = module.names.as_ref();
        let functions = names.map(|n| n.functions.iter().map(|f| &*f.name).collect::<Vec<_>>());
        let globals = names.map(|n| n.globals.iter().map(|s| &**s).collect::<Vec<_>>());
        // The text refuses data called as a float; such a piece gets a name as those without one.
        let data = names.map(|n| {
            n.data.iter().map(|s| if is_float_name(s) { "" } else { s }).collect::<Vec<_>>()
        });
        ModuleNames {
            functions: usable(functions.as_deref(), module.functions.len(), "f", &[]),
            globals: usable(globals.as_deref(), module.globals.len(), "g", &[]),
            // Data stands in expressions, where these are floats.
            data: usable(data.as_deref(), module.data.len(), "d", &["inf", "nan"]),
        }
    }
}

/// What the text calls the parameters, locals and labels of a function.
pub(super) struct FunctionNames<'m> {
    pub(super) locals: Vec<Cow<'m, str>>,
    /// By the number of the instruction; several may stand at one.
    pub(super) labels: BTreeMap<u32, Vec<Cow<'m, str>>>,
}

impl<'m> FunctionNames<'m> {
    pub(super) fn new(
        module: &'m Module,
        function: usize,
        locals: usize,
        code: &Code,
        globals: &[Cow<str>],
    ) -> FunctionNames<'m> {
        let names = module.names.as_ref().and_then(|n| n.functions.get(function));
        let given = names.map(|n| n.locals.iter().map(|s| &**s).collect::<Vec<_>>());
        // A local would hide a global of its name.
        let is_global = |instr: &&Instr| instr.op.operand() == OperandKind::Global;
        let used = code.instrs.iter().filter(is_global);
        let hidden: Vec<_> =
            used.filter_map(|i| globals.get(i.arg as usize)).map(|name| &**name).collect();
        let locals = usable(given.as_deref(), locals, "v", &hidden);
        FunctionNames { locals, labels: labels(names, code) }
    }

    /// As a module lists them.
    pub(super) fn into_list(self, name: String) -> module::FunctionNames {
        let labels = self
            .labels
            .into_iter()
            .flat_map(|(at, names)| names.into_iter().map(move |name| (at, name.into_owned())));
        let locals = self.locals.into_iter().map(Cow::into_owned).collect();
        module::FunctionNames { name, locals, labels: labels.collect() }
    }

    /// The label of an instruction that a jump goes to.
    pub(super) fn label(&self, instr: u32) -> &str {
        &self.labels[&instr][0]
    }
}

fn labels<'m>(
    names: Option<&'m module::FunctionNames>,
    code: &Code,
) -> BTreeMap<u32, Vec<Cow<'m, str>>> {
    let mut labels: BTreeMap<u32, Vec<Cow<str>>> = BTreeMap::new();
    let mut used: Names = Names::default();
    for (at, name) in names.map_or(&[][..], |n| &n.labels) {
        if is_name(name) && used.insert(name.into()) {
            labels.entry(*at).or_default().push(name.into());
        }
    }
    let targets = code.instrs.iter().flat_map(|&instr: &Instr| code.jump_targets(instr));
    for target in targets {
        labels.entry(target).or_insert_with(|| vec![unused(&mut used, "L", target as usize)]);
    }
    labels
}

/// Names that are taken.
type Names<'m> = FxHashSet<Cow<'m, str>>;

/// The given names where they are names and not taken yet, otherwise a prefix with the index.
fn usable<'m>(
    given: Option<&[&'m str]>,
    count: usize,
    prefix: &str,
    reserved: &[&str],
) -> Vec<Cow<'m, str>> {
    let mut taken: FxHashSet<&str> = reserved.iter().copied().collect();
    let given = |i: usize| given.and_then(|names| names.get(i).copied()).filter(|n| is_name(n));
    let mut used: Names = (0..count).filter_map(given).map(Cow::from).collect();
    used.extend(reserved.iter().map(|&name| Cow::from(name.to_owned())));
    (0..count)
        .map(|i| match given(i) {
            Some(name) if taken.insert(name) => name.into(),
            _ => unused(&mut used, prefix, i),
        })
        .collect()
}

fn unused<'m>(used: &mut Names<'m>, prefix: &str, index: usize) -> Cow<'m, str> {
    let mut name = format!("{prefix}{index}");
    while !used.insert(name.clone().into()) {
        name.push('_');
    }
    name.into()
}

/// Whether the lexer takes a text as one name. That expressions read `inf` as a float does no harm:
/// no name of this text stands in one.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.bytes();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
    starts && chars.all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Whether any instruction of the module calls a function.
pub(super) fn is_called(module: &Module, function: u32) -> bool {
    let mut code = Code::default();
    (0..module.functions.len() as u32).any(|f| {
        module.code_of(f, &mut code).is_ok()
            && code
                .instrs
                .iter()
                .any(|i| i.op.operand() == OperandKind::Func && i.arg == u64::from(function))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{Names, Segment};

    #[test]
    fn data_called_as_a_float_gets_another_name() {
        let names = ["inf", "len"].map(str::to_owned).to_vec();
        let module = Module {
            data: vec![Segment::default(); 2],
            names: Some(Names { data: names, ..Names::default() }),
            ..Module::default()
        };
        assert_eq!(ModuleNames::new(&module).data, ["d0", "len"]);
    }
}
