//! From a function to machine code.

use super::context::{Context, Reason};
use super::sites::{Places, SiteId};
use super::stack;
use super::translate::{Functions, Options, Translator};
use crate::verify::{Site, Verified};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{
    self, AbiParam, ExternalName, InstBuilder, LibCall, MemFlagsData, types,
};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa, TargetFrontendConfig};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context as Codegen, FinalizedRelocTarget};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::mem::offset_of;
use std::time::{Duration, Instant};

/// What can be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A function.
    Function(u32),
    /// The rest of a function from one of its blocks on, whose variables are in a frame of the
    /// interpreter.
    Rest(Site),
    /// The call of a function of a type, whose arguments are in a frame of the interpreter.
    Call(u32),
    /// The stub that asks who has rung.
    Poll,
}

impl Unit {
    /// The function of which it is the whole or a part.
    pub fn function(self) -> Option<u32> {
        match self {
            Unit::Function(function) | Unit::Rest(Site { function, .. }) => Some(function),
            Unit::Call(_) | Unit::Poll => None,
        }
    }
}

/// Makes the machine code of a program.
pub struct Compiler<'p> {
    program: &'p Verified,
    isa: OwnedTargetIsa,
    codegen: Codegen,
    frontend: FunctionBuilderContext,
    options: Options,
    functions: Functions,
}

/// Machine code that can be put anywhere.
pub struct Assembled {
    pub code: Vec<u8>,
    /// How long it took to make.
    pub took: Duration,
    /// Where the calls in it return to, as offsets in order, and their places.
    pub returns: Vec<(u32, SiteId)>,
}

impl<'p> Compiler<'p> {
    /// A compiler for a program. `None` where Cranelift does not know the processor.
    pub fn new(program: &'p Verified, options: Options) -> Option<Compiler<'p>> {
        let isa = target()?;
        Some(Compiler {
            program,
            codegen: Codegen::new(),
            frontend: FunctionBuilderContext::new(),
            options: Options { convention: isa.default_call_conv(), ..options },
            isa,
            functions: Functions::default(),
        })
    }

    /// Compiles. `None` for what is too large, or beyond a limit of Cranelift, such as that of values in a
    /// function.
    pub fn compile(&mut self, unit: Unit, places: &mut Places) -> Option<Assembled> {
        let (function, begun) = (unit.function(), Instant::now());
        let size = |function| self.program.module().functions[function as usize].code.len();
        if function.map_or(0, size) > self.options.largest {
            return None;
        }
        let frame = self.translate(unit, places, false)?;
        let locals = function.map_or(0, |function| self.program.locals(function));
        if stack::is_large(frame, locals) {
            self.translate(unit, places, true)?;
        }
        self.finish(begun)
    }

    /// Makes code, and gives the size of its frames.
    fn translate(&mut self, unit: Unit, places: &mut Places, checks_stack: bool) -> Option<usize> {
        self.codegen.clear();
        let builder = FunctionBuilder::new(&mut self.codegen.func, &mut self.frontend);
        let options = Options { checks_stack, ..self.options };
        let config = self.isa.frontend_config();
        let (program, functions) = (self.program, &mut self.functions);
        match unit {
            Unit::Poll => translate_poll(builder, config),
            _ => {
                Translator::new(builder, program, functions, places, options)
                    .translate(unit, config);
            }
        }
        let compiled = self.codegen.compile(&*self.isa, &mut ControlPlane::default()).ok()?;
        let frames = compiled.buffer.call_sites().filter_map(|call| call.frame_offset);
        Some(frames.max().unwrap_or(0) as usize)
    }

    /// The code that was made, since a time.
    fn finish(&mut self, begun: Instant) -> Option<Assembled> {
        let compiled = self.codegen.compiled_code()?;
        let mut code = compiled.code_buffer().to_vec();
        for reloc in compiled.buffer.relocs() {
            let FinalizedRelocTarget::ExternalName(ExternalName::LibCall(call)) = reloc.target
            else {
                return None;
            };
            let place = code.get_mut(reloc.offset as usize..)?.get_mut(..8)?;
            match reloc.kind {
                Reloc::Abs8 => place.copy_from_slice(&library(call)?.to_le_bytes()),
                _ => return None,
            }
        }
        let mut returns = Vec::new();
        let mut places = compiled.buffer.get_srclocs_sorted().iter().peekable();
        for call in compiled.buffer.call_sites() {
            while places.next_if(|place| place.end < call.ret_addr).is_some() {}
            if let Some(place) = places.peek()
                && place.start < call.ret_addr
            {
                returns.push((call.ret_addr, SiteId::from_number(place.loc.bits())));
            }
        }
        Some(Assembled { code, took: begun.elapsed(), returns })
    }
}

/// A stub that calls `safepoint`, but unlike it keeps all registers: its caller loses nothing by
/// a call that is hardly ever made.
fn translate_poll(mut builder: FunctionBuilder<'_>, config: TargetFrontendConfig) {
    builder.func.signature = poll_signature();
    let pointer = AbiParam::new(types::I64);
    let mut helper = ir::Signature::new(CallConv::SystemV);
    helper.params.extend([pointer; 2]);
    helper.returns.push(AbiParam::new(types::I32));
    let mut raise = ir::Signature::new(CallConv::SystemV);
    raise.params.extend([pointer; 4]);
    let (helper, raise) = (builder.import_signature(helper), builder.import_signature(raise));

    let [entry, end, done] = [(); 3].map(|()| builder.create_block());
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    let context = builder.block_params(entry)[0];
    let read = |builder: &mut FunctionBuilder<'_>, offset: usize| {
        let flags = MemFlagsData::trusted();
        builder.ins().load(types::I64, flags, context, offset as i32)
    };
    let target = read(&mut builder, offset_of!(Context, safepoint));
    let frame = builder.ins().get_frame_pointer(types::I64);
    let call = builder.ins().call_indirect(helper, target, &[context, frame]);
    let ended = builder.inst_results(call)[0];
    builder.ins().brif(ended, end, &[], done, &[]);
    builder.switch_to_block(end);
    builder.set_cold_block(end);
    let target = read(&mut builder, offset_of!(Context, raise));
    let what = Reason::Pending.pack(0, SiteId::NONE.number());
    let what = builder.ins().iconst(types::I64, what as i64);
    builder.ins().call_indirect(raise, target, &[context, what, what, what]);
    builder.ins().trap(ir::TrapCode::unwrap_user(1));
    builder.switch_to_block(done);
    builder.ins().return_(&[]);
    builder.seal_all_blocks();
    builder.finalize(config);
}

/// The signature of the stub at safepoints.
pub fn poll_signature() -> ir::Signature {
    let mut signature = ir::Signature::new(CallConv::PreserveAll);
    signature.params.push(AbiParam::new(types::I64));
    signature
}

/// The machine that this is, and how to compile for it.
fn target() -> Option<OwnedTargetIsa> {
    let mut flags = settings::builder();
    for (name, value) in [
        ("opt_level", "speed"),
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        // A trap finds its callers by them.
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "false"),
        ("enable_probestack", "false"),
        ("enable_table_access_spectre_mitigation", "false"),
        ("use_colocated_libcalls", "false"),
    ] {
        flags.set(name, value).ok()?;
    }
    cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()
}

/// The function for what a processor cannot round by itself.
fn library(call: LibCall) -> Option<u64> {
    extern "C" fn ceil(x: f64) -> f64 {
        x.ceil()
    }
    extern "C" fn floor(x: f64) -> f64 {
        x.floor()
    }
    extern "C" fn trunc(x: f64) -> f64 {
        x.trunc()
    }
    extern "C" fn nearest(x: f64) -> f64 {
        x.round_ties_even()
    }
    let function = match call {
        LibCall::CeilF64 => ceil,
        LibCall::FloorF64 => floor,
        LibCall::TruncF64 => trunc,
        LibCall::NearestF64 => nearest,
        _ => return None,
    };
    Some(function as extern "C" fn(f64) -> f64 as usize as u64)
}
