//! Running a module inside of the test, on any engine, and all that can be seen of it.

use hotvm::engine::{Engine, Exit, Host, Limits, Output, Trap, Vm};
use hotvm::module::Module;
use hotvm::native::{Libraries, Settings};
use hotvm::verify::{Site, Verified, verify};
use std::cell::RefCell;
use std::io::{self, Cursor, Write};
use std::rc::Rc;
use std::sync::Arc;

/// All that can be seen of a run.
#[derive(Debug, PartialEq)]
pub struct Ended {
    pub printed: Vec<u8>,
    pub end: Result<Exit, Trapped>,
    pub globals: Vec<u64>,
    /// Memory, without the zeros at its end, and its size.
    pub memory: (Vec<u8>, u64),
    pub fuel: Option<u64>,
}

/// A trap, in a form that can be compared.
#[derive(Debug, PartialEq)]
pub struct Trapped {
    pub kind: String,
    pub stack: Vec<Site>,
    pub omitted: usize,
}

impl From<Trap> for Trapped {
    fn from(trap: Trap) -> Trapped {
        let Trap { kind, stack, omitted } = trap;
        Trapped { kind: format!("{kind:?}"), stack, omitted }
    }
}

/// Runs a module that has no libraries.
pub fn run(engine: Engine, module: &Module, limits: Limits) -> Ended {
    run_verified(engine, &Arc::new(verify(module.clone()).unwrap()), limits)
}

/// The same, of a module that is proved already.
pub fn run_verified(engine: Engine, program: &Arc<Verified>, limits: Limits) -> Ended {
    run_partly(engine, program, limits, None)
}

/// The same, but functions with more bytes than `largest` are not compiled.
pub fn run_partly(
    engine: Engine,
    program: &Arc<Verified>,
    limits: Limits,
    largest: Option<usize>,
) -> Ended {
    let settings = Settings { no_native: true, ..Settings::default() };
    let mut libraries = Libraries::new(program.module().imports.clone(), settings);
    let printed = Printed::default();
    let input = Cursor::new("a line\n\nanother\n");
    let mut host = Host::new(Output::new(printed.clone(), false), input, vec![b"arg".to_vec()]);
    let mut vm = Vm::with_limits(program, &mut libraries, &mut host, limits).unwrap();
    vm.use_engine(engine);
    if let Some(largest) = largest {
        vm.compile_at_most(largest);
    }
    let end = vm.run().map_err(Trapped::from);
    let bytes = vm.memory().bytes();
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let memory = (bytes[..used].to_vec(), vm.memory().size());
    let (globals, fuel) = (vm.globals().to_vec(), vm.fuel());
    let printed = printed.take();
    Ended { printed, end, globals, memory, fuel }
}

/// Output that is kept.
#[derive(Clone, Default)]
pub struct Printed(Rc<RefCell<Vec<u8>>>);

impl Printed {
    /// What has been written.
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
