//! The thread that compiles while the program runs.

use crate::engine::jit::compiler::{Assembled, Compiler, Unit};
use crate::engine::jit::sites::Places;
use crate::engine::jit::translate::Options;
use crate::engine::safepoint::{Doorbell, Request};
use crate::verify::Verified;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;

/// Compiles what it is asked for.
pub struct Background {
    ask: Sender<Unit>,
    done: Receiver<Done>,
}

/// Something compiled.
pub struct Done {
    pub unit: Unit,
    pub assembled: Assembled,
    /// The places that it has, behind all before.
    pub places: Places,
}

impl Background {
    /// Starts the thread. It ends with what this gives.
    pub fn start<'s, 'p: 's>(
        scope: &'s Scope<'s, '_>,
        program: &'p Verified,
        options: Options,
        doorbell: Doorbell,
    ) -> Background {
        let (ask, asked) = mpsc::channel();
        let (finished, done) = mpsc::channel();
        scope.spawn(move || compile(program, options, &asked, &finished, &doorbell));
        Background { ask, done }
    }

    /// Asks for something.
    pub fn ask(&self, unit: Unit) {
        // Where Cranelift does not know the processor, nobody listens.
        let _ = self.ask.send(unit);
    }

    /// The next that is compiled.
    pub fn done(&self) -> Option<Done> {
        self.done.try_recv().ok()
    }
}

fn compile(
    program: &Verified,
    options: Options,
    asked: &Receiver<Unit>,
    finished: &Sender<Done>,
    doorbell: &Doorbell,
) {
    // Most programs are too short to need any of it.
    let Ok(first) = asked.recv() else { return };
    let Some(mut compiler) = Compiler::new(program, options) else { return };
    let (mut places, mut sent) = (Places::default(), 0);
    for unit in [Unit::Poll, first].into_iter().chain(asked) {
        // What cannot be compiled stays interpreted.
        let Some(assembled) = compiler.compile(unit, &mut places) else { continue };
        let done = Done { unit, assembled, places: places.since(sent) };
        sent = places.len();
        if finished.send(done).is_err() {
            return;
        }
        doorbell.ring(Request::Tier);
    }
}
