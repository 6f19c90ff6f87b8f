//! Where machine code comes from, while the program waits or while it goes on.

use super::Session;
use super::compiler::{Assembled, Compiler, Unit};
use super::sites::Places;
use super::translate::Options;
use crate::engine::observe::MachineCode;
use crate::engine::safepoint::{Doorbell, Request};
use crate::verify::Verified;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// Who compiles.
pub enum Source<'p> {
    /// The program waits for it.
    Foreground(Box<Compiler<'p>>),
    Background(Background),
}

/// Compiles on a thread that begins with the first that it is asked for: most programs are too short to
/// need any. Whoever drops this does not wait for what is under way.
pub struct Background {
    program: Arc<Verified>,
    options: Options,
    doorbell: Doorbell,
    thread: Option<(Sender<Unit>, Receiver<Done>)>,
}

/// Something compiled.
struct Done {
    unit: Unit,
    assembled: Assembled,
    /// The places that it has, behind all before.
    places: Places,
}

impl Background {
    /// Compiles for a program, which is rung when there is something.
    pub fn new(program: Arc<Verified>, options: Options, doorbell: Doorbell) -> Background {
        Background { program, options, doorbell, thread: None }
    }

    fn ask(&mut self, unit: Unit) {
        let (ask, _) = self.thread.get_or_insert_with(|| {
            let (ask, asked) = mpsc::channel();
            let (finished, done) = mpsc::channel();
            let (program, options) = (Arc::clone(&self.program), self.options);
            let doorbell = self.doorbell.clone();
            thread::spawn(move || compile(&program, options, &asked, &finished, &doorbell));
            (ask, done)
        });
        // Where Cranelift does not know the processor, nobody listens.
        let _ = ask.send(unit);
    }

    /// The next that is compiled.
    fn done(&self) -> Option<Done> {
        self.thread.as_ref()?.1.try_recv().ok()
    }
}

fn compile(
    program: &Verified,
    options: Options,
    asked: &Receiver<Unit>,
    finished: &Sender<Done>,
    doorbell: &Doorbell,
) {
    let Some(mut compiler) = Compiler::new(program, options) else { return };
    let (mut places, mut sent) = (Places::default(), 0);
    for unit in asked {
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

impl Session<'_, '_> {
    /// Has something compiled, once.
    pub fn ask(&mut self, unit: Unit) {
        if !self.tier.asked.insert(unit) {
            return;
        }
        match &mut self.source {
            Source::Background(background) => background.ask(unit),
            Source::Foreground(compiler) => {
                // What cannot be compiled stays interpreted.
                if let Some(assembled) = compiler.compile(unit, &mut self.image.sites.places) {
                    self.put(unit, assembled);
                }
            }
        }
    }

    /// Takes what was compiled in the background.
    pub fn install(&mut self) {
        while let Source::Background(background) = &self.source
            && let Some(Done { unit, assembled, places }) = background.done()
        {
            self.image.sites.extend(places);
            self.put(unit, assembled);
        }
    }

    /// Puts code where it runs and is found. Where there is no more room, the program is interpreted.
    fn put(&mut self, unit: Unit, assembled: Assembled) {
        // Code without it could not be stopped.
        let can_poll = unit == Unit::Poll || !self.image.poll().is_null();
        let (size, took) = (assembled.code.len(), assembled.took);
        let Some(address) = self.image.add(assembled).filter(|_| can_poll) else { return };
        let Session { vm, image, tier, .. } = self;
        if let Some(listener) = &mut vm.code_listener {
            let from = if let Unit::Rest(site) = unit { Some(site.instr) } else { None };
            let address = address as usize;
            listener(&MachineCode { function: unit.function(), from, address, size, took });
        }
        let functions = &vm.program.module().functions;
        match unit {
            Unit::Poll => image.set_poll(address),
            Unit::Rest(site) => drop(tier.rests.insert(site, address)),
            Unit::Function(function) => {
                image.enter(function, address);
                if tier.calls.contains_key(&functions[function as usize].ty) {
                    tier.enter_compiled(function);
                }
            }
            Unit::Call(ty) => {
                tier.calls.insert(ty, address);
                let is_ready =
                    |f: &u32| functions[*f as usize].ty == ty && image.compiled(*f).is_some();
                (0..functions.len() as u32).filter(is_ready).for_each(|f| tier.enter_compiled(f));
            }
        }
    }
}
