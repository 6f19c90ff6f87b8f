//! From bytecode to Cranelift's form, instruction by instruction.
//!
//! The values of the operand stack are Cranelift's; where blocks meet, they become parameters of the
//! block. Locals are variables, of which Cranelift's frontend makes values. A function has the
//! parameters context and base, then its own; `base` counts the cells of all calls below it, so that
//! every engine runs out of stack at the same call.
//!
//! Files: `control` for jumps and calls, `numbers` for arithmetic, `memory` for loads and stores,
//! `native` for calls of C, `system` for what helpers do, `exits` for traps, `frame` for code that takes
//! over from the interpreter.

mod control;
mod exits;
mod frame;
mod function;
mod memory;
mod native;
mod numbers;
mod system;

pub use function::{Function, Functions};

use super::compiler::Unit;
use super::context::Context;
use super::inline::Budget;
use super::sites::{Places, SiteId};
use crate::engine::vm::Vm;
use crate::isa::{FuncType, Group, Instr, Op, OperandKind, ValueType};
use crate::verify::{Site, Verified};
use cranelift_codegen::ir::{
    self, AbiParam, AliasRegion, AliasRegionData, Block, InstBuilder, MemFlagsData, SigRef,
    Signature, SourceLoc, Type, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, Variable};
use exits::Exits;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::mem::{self, offset_of};
use std::rc::Rc;

/// What holds for all functions of a program.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether there is a limit to the instructions.
    pub counts_fuel: bool,
    /// The size of memory, when it never changes.
    pub memory_size: Option<u64>,
    /// Whether calls of native functions are guarded.
    pub guarded: bool,
    /// How C functions are called.
    pub convention: CallConv,
    /// Whether the function checks that the real stack has room.
    pub checks_stack: bool,
    /// Functions with more bytes of bytecode are not compiled.
    pub largest: usize,
}

impl Options {
    /// As a program needs it, which compiles functions up to a size if it does not say up to which.
    pub fn of(vm: &Vm<'_>, largest: usize) -> Options {
        Options {
            counts_fuel: vm.fuel.left().is_some(),
            memory_size: (!vm.program.grows_memory()).then(|| vm.memory.size()),
            guarded: vm.libraries.call_guard().is_some(),
            convention: CallConv::SystemV,
            checks_stack: false,
            largest: vm.largest.unwrap_or(largest),
        }
    }
}

/// Translates one function, with those that are inlined in it.
pub struct Translator<'t> {
    builder: FunctionBuilder<'t>,
    program: &'t Verified,
    functions: &'t mut Functions,
    places: &'t mut Places,
    options: Options,
    context: Value,
    base: Value,
    /// Where memory begins, and the flag that is polled. They are read once: all loops use them.
    memory: Value,
    flag: Value,
    /// The context, memory and globals, which are never in the same place.
    regions: [AliasRegion; 3],
    signatures: FxHashMap<Known, SigRef>,
    exits: Exits,
    /// What the block has accessed: address, offset and width.
    inside: Vec<(Value, u64, u64)>,
    budget: Budget,
    /// What was looked for at the beginning; nothing in the rest of a function, where each inlined call
    /// looks for itself.
    room: Option<Room>,
    /// The function that is being translated: the one asked for, or one inlined.
    body: Body,
}

/// How many cells a function needs with all that is inlined in it, and the instruction that says up to
/// which base there are so many.
struct Room {
    cells: usize,
    most: ir::Inst,
}

/// A function that is being translated.
struct Body {
    function: Rc<Function>,
    /// The call that was inlined.
    outer: SiteId,
    /// How many cells it begins above those of the function asked for.
    offset: usize,
    /// Where it returns to, when it was inlined.
    exit: Option<Block>,
    variables: Vec<Variable>,
    stack: Vec<Value>,
    blocks: FxHashMap<u32, Block>,
    /// Blocks that are jumped to and not yet translated.
    waiting: Vec<u32>,
}

/// A signature that is used more than once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Known {
    Function(u32),
    Native(usize),
    Poll,
    System,
    Raise,
}

/// Which memory is accessed.
#[derive(Clone, Copy)]
enum Region {
    Context,
    Memory,
    Globals,
}

/// What follows an instruction.
enum Flow {
    Next,
    /// The block has ended.
    End,
    /// Another copy of the instructions from here on, up to the end of their block.
    Repeat(u32),
}

impl<'t> Translator<'t> {
    pub fn new(
        builder: FunctionBuilder<'t>,
        program: &'t Verified,
        functions: &'t mut Functions,
        places: &'t mut Places,
        options: Options,
    ) -> Self {
        let regions = [(0, "context"), (1, "memory"), (2, "globals")].map(|(user_id, name)| {
            let description = Cow::Borrowed(name);
            builder.func.dfg.alias_regions.insert(AliasRegionData { user_id, description })
        });
        let nothing = Value::from_u32(0);
        let function = functions.get(program, program.module().entry);
        Translator {
            builder,
            program,
            functions,
            places,
            options,
            context: nothing,
            base: nothing,
            memory: nothing,
            flag: nothing,
            regions,
            signatures: FxHashMap::default(),
            exits: Exits::default(),
            inside: Vec::new(),
            budget: Budget::default(),
            room: None,
            body: Body::new(function, SiteId::NONE, 0, None),
        }
    }

    /// Translates what is a part of the program.
    pub fn translate(self, unit: Unit, config: TargetFrontendConfig) {
        match unit {
            Unit::Function(index) => self.translate_function(index, config),
            Unit::Rest(site) => self.translate_rest(site, config),
            Unit::Call(ty) => self.translate_call(ty, config),
            Unit::Poll => unreachable!("this is a part of no program"),
        }
    }

    fn translate_function(mut self, index: u32, config: TargetFrontendConfig) {
        let function = self.functions.get(self.program, index);
        let params = self.begin(signature(&function.ty));
        self.check_room(&function, &params);
        self.check_stack();
        // What calls nothing soon returns, or comes to a poll in a loop.
        let polls = index == self.program.module().entry
            || function.code.instrs.iter().any(|instr| instr.op == Op::Call);
        self.body = Body::new(function, SiteId::NONE, 0, None);
        if polls {
            self.poll(0);
        }
        self.translate_body(&params);
        self.finish(config);
    }

    /// Begins code with a signature, and gives the parameters that come behind context and base.
    fn begin(&mut self, signature: Signature) -> Vec<Value> {
        self.builder.func.signature = signature;
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        let params = self.builder.block_params(entry).to_vec();
        (self.context, self.base) = (params[0], params[1]);
        self.memory = self.context_field(types::I64, offset_of!(Context, memory));
        self.flag = self.context_field(types::I64, offset_of!(Context, flag));
        params[2..].to_vec()
    }

    fn finish(mut self, config: TargetFrontendConfig) {
        self.settle_room();
        self.translate_exits();
        self.builder.seal_all_blocks();
        self.builder.finalize(config);
    }

    /// Translates the body that is at hand, beginning in the block that is.
    fn translate_body(&mut self, arguments: &[Value]) {
        let function = Rc::clone(&self.body.function);
        for (&ty, &argument) in function.ty.params.iter().zip(arguments) {
            self.declare(ty, argument);
        }
        for &ty in &function.locals {
            let zero = self.constant(ty, 0);
            self.declare(ty, zero);
        }
        if function.begins[0] {
            self.jump(0);
        } else {
            self.translate_from(0);
        }
        self.translate_waiting();
    }

    /// Translates the blocks that are jumped to.
    fn translate_waiting(&mut self) {
        while let Some(at) = self.body.waiting.pop() {
            let block = self.body.blocks[&at];
            self.builder.switch_to_block(block);
            self.body.stack = self.builder.block_params(block).to_vec();
            self.inside.clear();
            self.translate_from(at);
        }
    }

    /// Translates instructions up to the end of their block.
    fn translate_from(&mut self, mut at: u32) {
        let function = Rc::clone(&self.body.function);
        loop {
            self.burn(function.fuel[at as usize], at);
            match self.instruction(function.code.instrs[at as usize], at) {
                Flow::End => return,
                Flow::Repeat(from) => at = from,
                Flow::Next if function.begins[at as usize + 1] => return self.jump(at + 1),
                Flow::Next => at += 1,
            }
        }
    }

    fn instruction(&mut self, instr: Instr, at: u32) -> Flow {
        match instr.op.group() {
            Group::Stack => self.shuffle(instr),
            Group::Variable => self.variable(instr),
            Group::Control => return self.control(instr, at),
            Group::Arithmetic | Group::Integer | Group::Float | Group::Conversion => {
                self.number(instr.op, at);
            }
            Group::Memory if instr.op == Op::Memsize => {
                // The first address at which a byte is not inside.
                let size = self.context_field(types::I64, offset_of!(Context, limits));
                self.push(size);
            }
            Group::Memory if instr.op.operand() == OperandKind::Offset => self.access(instr, at),
            Group::Memory | Group::Native | Group::InputOutput => self.system(instr, at),
        }
        Flow::Next
    }

    fn shuffle(&mut self, Instr { op, arg }: Instr) {
        let last = self.body.stack.len();
        match op {
            Op::PushInt => self.push_constant(ValueType::I64, arg),
            Op::PushFloat => self.push_constant(ValueType::F64, arg),
            Op::Pop => drop(self.pop()),
            Op::Dup => self.push(self.body.stack[last - 1]),
            Op::Over => self.push(self.body.stack[last - 2]),
            Op::Swap => self.body.stack.swap(last - 1, last - 2),
            Op::Rot => self.body.stack[last - 3..].rotate_left(1),
            _ => {}
        }
    }

    fn variable(&mut self, Instr { op, arg }: Instr) {
        match op {
            Op::LoadLocal => {
                let value = self.builder.use_var(self.body.variables[arg as usize]);
                self.push(value);
            }
            Op::StoreLocal | Op::TeeLocal => {
                let value = self.pop();
                self.builder.def_var(self.body.variables[arg as usize], value);
                if op == Op::TeeLocal {
                    self.push(value);
                }
            }
            Op::LoadGlobal => {
                let ty = clif_type(self.program.module().globals[arg as usize].ty);
                let globals = self.context_constant(offset_of!(Context, globals));
                let flags = self.flags(Region::Globals);
                let value = self.builder.ins().load(ty, flags, globals, 8 * arg as i32);
                self.push(value);
            }
            _ => {
                let value = self.pop();
                let globals = self.context_constant(offset_of!(Context, globals));
                let flags = self.flags(Region::Globals);
                self.builder.ins().store(flags, value, globals, 8 * arg as i32);
                if op == Op::TeeGlobal {
                    self.push(value);
                }
            }
        }
    }

    /// A variable with its first value.
    fn declare(&mut self, ty: ValueType, value: Value) {
        let variable = self.builder.declare_var(clif_type(ty));
        self.builder.def_var(variable, value);
        self.body.variables.push(variable);
    }

    fn push(&mut self, value: Value) {
        self.body.stack.push(value);
    }

    /// Takes the top value. The verifier has proved that there is one.
    fn pop(&mut self) -> Value {
        self.body.stack.pop().expect("the verifier has counted the values")
    }

    fn pop_many(&mut self, count: usize) -> Vec<Value> {
        let first = self.body.stack.len() - count;
        self.body.stack.split_off(first)
    }

    fn push_constant(&mut self, ty: ValueType, bits: u64) {
        let value = self.constant(ty, bits);
        self.push(value);
    }

    fn constant(&mut self, ty: ValueType, bits: u64) -> Value {
        match ty {
            ValueType::I64 => self.builder.ins().iconst(types::I64, bits as i64),
            ValueType::F64 => self.builder.ins().f64const(ir::immediates::Ieee64::with_bits(bits)),
        }
    }

    /// A site for an instruction of the body.
    fn site(&mut self, at: u32) -> SiteId {
        let site = Site { function: self.body.function.index, instr: at };
        self.places.add(site, self.body.outer)
    }

    /// What is made now belongs to a site, by which a trap finds it.
    fn at_site(&mut self, site: SiteId) {
        self.builder.set_srcloc(SourceLoc::new(site.number()));
    }

    fn at_no_site(&mut self) {
        self.builder.set_srcloc(SourceLoc::default());
    }

    fn flags(&self, region: Region) -> MemFlagsData {
        let flags = match region {
            // A program's addresses are as it likes.
            Region::Memory => MemFlagsData::new().with_notrap(),
            Region::Context | Region::Globals => MemFlagsData::trusted(),
        };
        flags
            .with_endianness(ir::Endianness::Little)
            .with_alias_region(Some(self.regions[region as usize]))
    }

    /// Reads a field of the context.
    fn context_field(&mut self, ty: Type, offset: usize) -> Value {
        let flags = self.flags(Region::Context);
        self.builder.ins().load(ty, flags, self.context, offset as i32)
    }

    /// Reads a field of the context that never changes.
    fn context_constant(&mut self, offset: usize) -> Value {
        let flags = self.flags(Region::Context).with_readonly().with_can_move();
        self.builder.ins().load(types::I64, flags, self.context, offset as i32)
    }

    fn set_context_field(&mut self, value: Value, offset: usize) {
        let flags = self.flags(Region::Context);
        self.builder.ins().store(flags, value, self.context, offset as i32);
    }

    /// A signature, imported once.
    fn signature(&mut self, known: Known) -> SigRef {
        let Translator { builder, program, signatures, options, .. } = self;
        *signatures.entry(known).or_insert_with(|| {
            builder.import_signature(match known {
                Known::Function(index) => signature(program.module().func_type(index)),
                Known::Native(import) => {
                    let signature = &program.module().imports[import].signature;
                    native::native_signature(signature, options.convention)
                }
                Known::Poll => super::compiler::poll_signature(),
                Known::System => {
                    let params = [types::I64, types::I32, types::I64];
                    helper_signature(&params, Some(types::I32))
                }
                Known::Raise => helper_signature(&[types::I64; 4], None),
            })
        })
    }

    /// Puts another body in the place of the one at hand, which is given back.
    fn enter_body(&mut self, body: Body) -> Body {
        mem::replace(&mut self.body, body)
    }
}

impl Body {
    fn new(function: Rc<Function>, outer: SiteId, offset: usize, exit: Option<Block>) -> Body {
        Body {
            function,
            outer,
            offset,
            exit,
            variables: Vec::new(),
            stack: Vec::new(),
            blocks: FxHashMap::default(),
            waiting: Vec::new(),
        }
    }
}

fn clif_type(ty: ValueType) -> Type {
    match ty {
        ValueType::I64 => types::I64,
        ValueType::F64 => types::F64,
    }
}

/// The signature of a compiled function.
fn signature(ty: &FuncType) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend([AbiParam::new(types::I64); 2]);
    signature.params.extend(ty.params.iter().map(|&ty| AbiParam::new(clif_type(ty))));
    signature.returns.extend(ty.result.map(|ty| AbiParam::new(clif_type(ty))));
    signature
}

fn helper_signature(params: &[Type], result: Option<Type>) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend(params.iter().copied().map(AbiParam::new));
    signature.returns.extend(result.map(AbiParam::new));
    signature
}
