//! Names as the text spells them: the module's own, and made-up ones where it has none, or has one twice.

use crate::isa::name::{quoted, spelled};
use crate::isa::{Code, Instr, OperandKind};
use crate::module::{self, Module};
use crate::syntax::literal;
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
        let data = names.map(|n| n.data.iter().map(|s| &**s).collect::<Vec<_>>());
        let mut data = unique(data.as_deref(), module.data.len(), "d", &[]);
        // Data stands in expressions, where these are floats.
        for name in data.iter_mut().filter(|name| literal::is_float_name(name)) {
            *name = quoted(name).into();
        }
        ModuleNames {
            functions: unique(functions.as_deref(), module.functions.len(), "f", &[]),
            globals: unique(globals.as_deref(), module.globals.len(), "g", &[]),
            data,
        }
    }
}

/// The labels at an instruction, each with the comment beside it.
type Labels<'m> = Vec<(Cow<'m, str>, Cow<'static, str>)>;

/// What the text calls the parameters, locals and labels of a function.
pub(super) struct FunctionNames<'m> {
    pub(super) locals: Vec<Cow<'m, str>>,
    /// By the number of the instruction; several may stand at one.
    pub(super) labels: BTreeMap<u32, Labels<'m>>,
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
        let locals = unique(given.as_deref(), locals, "v", &hidden);
        FunctionNames { locals, labels: labels(names, code) }
    }

    /// As a module lists them.
    pub(super) fn into_list(self, name: &str) -> module::FunctionNames {
        let unspelled = |name: &str| literal::name(name).expect("it was just spelled");
        let labels = self
            .labels
            .iter()
            .flat_map(|(at, labels)| labels.iter().map(move |(name, _)| (*at, unspelled(name))));
        let labels = labels.collect();
        let locals = self.locals.iter().map(|name| unspelled(name)).collect();
        module::FunctionNames { name: unspelled(name), locals, labels }
    }

    /// The label of an instruction that a jump goes to.
    pub(super) fn label(&self, instr: u32) -> &str {
        &self.labels[&instr][0].0
    }
}

/// The comment beside a name, where it is not the one that the module gives.
pub(super) fn made_up(name: &str, given: Option<&String>) -> Cow<'static, str> {
    match given {
        Some(given) if name == spelled(given) || name == quoted(given) => "".into(),
        Some(given) if given.is_empty() => NO_NAME.into(),
        Some(given) => format!("    ; made up: another is called {}", spelled(given)).into(),
        None => "".into(),
    }
}

const NO_NAME: &str = "    ; made up: it has no name";

fn labels<'m>(names: Option<&'m module::FunctionNames>, code: &Code) -> BTreeMap<u32, Labels<'m>> {
    let given = names.map_or(&[][..], |n| &n.labels);
    let all: Vec<&str> = given.iter().map(|(_, name)| &**name).collect();
    let own = unique(Some(&all), all.len(), "L", &[]);
    let mut used: FxHashSet<Cow<str>> = own.iter().cloned().collect();
    let mut labels: BTreeMap<u32, Labels> = BTreeMap::new();
    for ((at, given), name) in given.iter().zip(own) {
        let remark = made_up(&name, Some(given));
        labels.entry(*at).or_default().push((name, remark));
    }
    let targets = code.instrs.iter().flat_map(|&instr: &Instr| code.jump_targets(instr));
    let remark = if names.is_some() { NO_NAME } else { "" };
    for target in targets {
        labels
            .entry(target)
            .or_insert_with(|| vec![(unused(&mut used, "L", target as usize), remark.into())]);
    }
    labels
}

/// The given names as they are spelled, where they are not taken yet; otherwise a prefix with the index.
fn unique<'m>(
    given: Option<&[&'m str]>,
    count: usize,
    prefix: &str,
    hidden: &[&str],
) -> Vec<Cow<'m, str>> {
    let given = |i: usize| given.and_then(|names| names.get(i)).map(|name| spelled(name));
    let hidden = hidden.iter().map(|name| Cow::from((*name).to_owned()));
    let mut taken: FxHashSet<Cow<str>> = hidden.collect();
    let mut used: FxHashSet<Cow<str>> = (0..count).filter_map(given).collect();
    used.extend(taken.iter().cloned());
    let name = |i| match given(i) {
        Some(name) if taken.insert(name.clone()) => name,
        _ => unused(&mut used, prefix, i),
    };
    (0..count).map(name).collect()
}

fn unused<'m>(used: &mut FxHashSet<Cow<'m, str>>, prefix: &str, index: usize) -> Cow<'m, str> {
    let mut name = format!("{prefix}{index}");
    while !used.insert(name.clone().into()) {
        name.push('_');
    }
    name.into()
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
    fn data_called_as_a_float_stands_in_quotes() {
        let names = ["inf", "len"].map(str::to_owned).to_vec();
        let module = Module {
            data: vec![Segment::default(); 2],
            names: Some(Names { data: names, ..Names::default() }),
            ..Module::default()
        };
        assert_eq!(ModuleNames::new(&module).data, [r#"$"inf""#, "len"]);
    }

    #[test]
    fn a_name_that_another_has_is_made_up_and_told() {
        let given = ["a b", "f2", "a b", "", "f9"];
        let names = unique(Some(&given), 6, "f", &["f9"]);
        assert_eq!(names, [r#"$"a b""#, "f2", "f2_", r#"$"""#, "f4", "f5"]);
        let told = |i: usize| made_up(&names[i], Some(&given[i].to_owned()));
        assert_eq!(told(0), "");
        assert_eq!(told(2), r#"    ; made up: another is called $"a b""#);
        assert_eq!(told(3), "");
        assert_eq!(told(4), "    ; made up: another is called f9");
        assert_eq!(made_up("f1", Some(&String::new())), NO_NAME);
        assert_eq!(made_up("f5", None), "");
    }
}
