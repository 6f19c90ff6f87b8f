//! A function, taken apart.

use crate::disassemble::{Listing, disassemble};
use crate::isa::name::spelled;
use crate::isa::{Code, CodeError, FuncType, Instr, ValueType};
use crate::module::{FunctionNames, Module};
use crate::verify::{StackMaps, StackView, VerifyError};

/// How many values of a stack are shown, from the top.
const SHOWN: usize = 8;

/// Takes the functions of a module apart.
pub struct Inspector<'m> {
    pub(super) module: &'m Module,
    listing: Listing,
    /// `None` when nothing can be known of stacks.
    stacks: Option<StackMaps<'m>>,
    /// What is wrong outside of functions.
    pub(super) errors: Vec<VerifyError>,
}

/// A function.
pub struct Function<'a> {
    /// Its number.
    pub index: u32,
    /// What the text calls it; `main` for the instructions outside of any.
    pub name: &'a str,
    /// What the text calls the things in it.
    pub names: &'a FunctionNames,
    /// What it takes and gives.
    pub ty: FuncType,
    /// The types of its locals, without the parameters.
    pub locals: &'a [ValueType],
    /// Where its bytes begin in the code of the module.
    pub offset: u32,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its instructions.
    pub code: Code,
    /// The same, with what is known of each.
    pub instructions: Vec<Instruction<'a>>,
    /// Why there are no further instructions, though there are bytes.
    pub damage: Option<CodeError>,
    /// The first thing that is wrong with it.
    pub error: Option<Box<VerifyError>>,
}

/// An instruction.
pub struct Instruction<'a> {
    /// What it is.
    pub instr: Instr,
    /// Where its bytes begin in those of its function.
    pub offset: u32,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// As `hotvm dis` writes it.
    pub text: &'a str,
    /// The operand stack before it; `None` where no way leads.
    pub before: Option<StackTop>,
    /// The operand stack that it leaves; `None` also where it is wrong.
    pub after: Option<StackTop>,
}

/// The upper part of an operand stack.
pub struct StackTop {
    /// How many values the stack holds.
    pub depth: usize,
    /// The types of the uppermost, the top last.
    pub types: Vec<ValueType>,
}

impl<'m> Inspector<'m> {
    /// An inspector of a module.
    pub fn new(module: &'m Module) -> Inspector<'m> {
        let (stacks, errors) = match StackMaps::new(module) {
            Ok(stacks) => (Some(stacks), Vec::new()),
            Err(errors) => (None, errors),
        };
        Inspector { module, listing: disassemble(module), stacks, errors }
    }

    /// The names of the functions, made-up ones where they have none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.listing.names.len()).map(|index| self.name_of(index as u32))
    }

    fn name_of(&self, index: u32) -> &str {
        let name = &self.listing.names[index as usize].name;
        if name.is_empty() && index == self.module.entry { "main" } else { name }
    }

    /// Takes a function apart.
    pub fn function(&mut self, index: u32) -> Function<'_> {
        let module = self.module;
        let function = &module.functions[index as usize];
        let bytes = &module.code[function.code.start as usize..function.code.end as usize];
        let mut code = Code::default();
        let damage = module.code_of(index, &mut code).err();
        let (stacks, error) = match self.stacks.as_mut().map(|stacks| stacks.of(index)) {
            Some((map, error)) => (Some(map), error),
            None => (None, None),
        };
        let spans = &self.listing.spans[index as usize];
        let (mut encoded, mut offset) = (Vec::new(), 0);
        let instructions = (0..).zip(&code.instrs).zip(spans).map(|((at, &instr), span)| {
            encoded.clear();
            code.encode_one(instr, &mut encoded);
            let begin = offset;
            offset += encoded.len();
            Instruction {
                instr,
                offset: begin as u32,
                bytes: &bytes[begin..offset],
                text: span.of(&*self.listing.text),
                before: stacks.as_ref().and_then(|map| map.before(at)).map(StackTop::new),
                after: stacks.as_ref().and_then(|map| map.after(at)).map(StackTop::new),
            }
        });
        Function {
            instructions: instructions.collect(),
            index,
            name: self.name_of(index),
            names: &self.listing.names[index as usize],
            ty: module.types.get(function.ty as usize).cloned().unwrap_or_default(),
            locals: &function.locals,
            offset: function.code.start,
            bytes,
            code,
            damage,
            error,
        }
    }
}

impl Function<'_> {
    /// The most values on its operand stack, as far as is known.
    pub fn max_stack(&self) -> usize {
        let stacks = self.instructions.iter().filter_map(|i| i.after.as_ref());
        stacks.map(|stack| stack.depth).max().unwrap_or(0)
    }

    /// The instruction that is wrong, if one is.
    pub fn faulty(&self) -> Option<u32> {
        self.error.as_ref()?.places.first().map(|(site, _)| site.instr)
    }

    /// Its parameters and locals, each with its type.
    pub fn variables(&self) -> impl Iterator<Item = (&str, ValueType)> {
        let types = self.ty.params.iter().chain(self.locals);
        self.names.locals.iter().map(|name| &**name).zip(types.copied())
    }

    /// The labels at an instruction.
    pub fn labels(&self, instr: u32) -> impl Iterator<Item = &str> {
        let first = self.names.labels.partition_point(|(at, _)| *at < instr);
        let here = self.names.labels[first..].iter().take_while(move |(at, _)| *at == instr);
        here.map(|(_, name)| &**name)
    }

    /// Its name and type, as a `.func` has them.
    pub fn signature(&self) -> String {
        let params = self.variables().take(self.ty.params.len());
        let params: Vec<_> = params.map(|(name, ty)| format!("{}: {ty}", spelled(name))).collect();
        let mut text = spelled(self.name).into_owned();
        if !params.is_empty() {
            text += &format!(" ({})", params.join(", "));
        }
        if let Some(result) = self.ty.result {
            text += &format!(" -> {result}");
        }
        text
    }
}

impl StackTop {
    fn new(stack: StackView<'_>) -> StackTop {
        let mut types: Vec<_> = stack.types().take(SHOWN).collect();
        types.reverse();
        StackTop { depth: stack.depth(), types }
    }
}

impl std::fmt::Display for StackTop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let types: Vec<_> = self.types.iter().map(|ty| ty.name()).collect();
        let deeper = if self.depth > types.len() { "... " } else { "" };
        write!(f, "[{deeper}{}]", types.join(" "))
    }
}
