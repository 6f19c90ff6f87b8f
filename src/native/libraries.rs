//! The libraries and slots of one program, and how they are bound and called. `publish` is how they
//! change, `faults` what they do about functions that crash.

mod direct;
mod faults;
mod publish;

pub use direct::{CallGuard, Crashed};

use super::call::{CallError, Failure, Plan, Pointers};
use super::early::{Early, is_crash};
use super::events::{Event, EventKind, EventSink};
use super::generation::Generation;
use super::guard::Guard;
use super::live::{Ledger, Live, LiveOptions, ReloadHandle};
use super::prepare::{Candidate, Failed, Known, Numbers, Preparer};
use super::read::{Inputs, Writer};
use super::resolve::Place;
use super::settings::{Settings, StateMode};
use super::signature::Unchecked;
use crate::diagnostics::{Code, Diagnostic, Severity};
use crate::isa::Import;
use blake3::Hash;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Why an import could not be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindError {
    /// The index of the import.
    pub import: usize,
    /// What went wrong. It has no labels: the caller knows the `.lib` line.
    pub diagnostic: Diagnostic,
}

/// What became of a library that was to be reloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It is what is loaded already.
    Unchanged {
        /// The library as the program names it.
        library: String,
    },
    /// It was loaded, and its slots now call the new code.
    Replaced {
        /// The library as the program names it.
        library: String,
        /// Which of its versions this is, counted from 1.
        generation: u32,
        /// How long the compiler took, if it had to run.
        built: Option<Duration>,
        /// The number and function of each slot that changed.
        slots: Vec<(u16, String)>,
    },
}

/// The libraries and slots of one program.
///
/// A slot belongs to an import, and both have the same index. Libraries are told apart by the file
/// that they really are, so two names of one file are one library with one set of variables.
#[derive(Debug)]
pub struct Libraries {
    imports: Arc<[Import]>,
    slots: Vec<Slot>,
    /// What each slot calls, for compiled code; 0 for nothing.
    targets: Box<[usize]>,
    libraries: Vec<Library>,
    preparer: Preparer,
    /// Host pointers that the program may pass back.
    pointers: Pointers,
    guard: Guard,
    events: EventSink,
    /// The thread that prepares while the program runs, once there is one.
    live: Option<Live>,
    /// Contents that have crashed.
    bad: HashSet<Hash>,
    /// Contents that did not take over the state of those before.
    refused: HashSet<Hash>,
    /// Whether generations are unmapped where that is safe.
    unload: bool,
    /// What becomes of variables.
    state: StateMode,
}

#[derive(Debug)]
struct Slot {
    plan: Plan,
    bound: Option<Bound>,
    /// Whether binding it was tried, so that a failure is worth another try.
    wanted: bool,
}

/// What a slot calls.
#[derive(Clone, Copy, Debug)]
struct Bound {
    target: usize,
    library: usize,
}

#[derive(Debug)]
struct Library {
    name: String,
    place: Place,
    inputs: Inputs,
    /// Where the program's library was found to be.
    real: Place,
    /// The one that runs.
    generation: Generation,
    /// Counts generations from 1.
    number: u32,
    numbers: Numbers,
    /// What its slots call: import and address.
    targets: Vec<(usize, usize)>,
    /// The functions that are called by the word of their `.lib` alone.
    unchecked: Option<Unchecked>,
    /// The generation before, to go back to when this one crashes.
    previous: Option<Box<Library>>,
}

impl Libraries {
    /// The libraries of a program with these imports. Nothing is loaded yet.
    pub fn new(imports: Vec<Import>, settings: Settings) -> Libraries {
        let slot = |i: &Import| Slot { plan: Plan::new(&i.signature), bound: None, wanted: false };
        let imports: Arc<[Import]> = imports.into();
        Libraries {
            slots: imports.iter().map(slot).collect(),
            targets: vec![0; imports.len()].into(),
            unload: settings.unload,
            state: settings.state,
            preparer: Preparer::new(Arc::clone(&imports), settings),
            imports,
            libraries: Vec::new(),
            pointers: Pointers::default(),
            guard: Guard::default(),
            events: EventSink::default(),
            live: None,
            bad: HashSet::new(),
            refused: HashSet::new(),
        }
    }

    /// Sends what happens from now on to a sink.
    pub fn on_event(&mut self, sink: EventSink) {
        self.events = sink;
    }

    /// Starts a thread that prepares reloads while the program runs, and gives a way to ask it for
    /// some.
    ///
    /// # Errors
    /// When the system cannot watch files.
    pub fn go_live(&mut self, mut options: LiveOptions) -> Result<ReloadHandle, Diagnostic> {
        // What is not there yet may come.
        options.also.extend(self.preparer.paths());
        let live = Live::start(self.preparer.clone(), self.ledger(), self.events.clone(), options)?;
        let handle = live.handle();
        self.live = Some(live);
        Ok(handle)
    }

    /// Binds every slot that is not lazy. All failures are reported.
    pub fn bind_all(&mut self) -> Result<(), Vec<BindError>> {
        let unbound = |i: &usize| !self.imports[*i].lazy && self.slots[*i].bound.is_none();
        let groups = self.by_library((0..self.imports.len()).filter(unbound));
        let failed: Vec<_> =
            groups.iter().filter_map(|group| self.bind_group(group).err()).flatten().collect();
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }

    /// Binds one slot, and loads its library if need be. A slot that is bound stays as it is.
    pub fn bind(&mut self, import: usize) -> Result<(), BindError> {
        match self.slots.get(import) {
            Some(Slot { bound: Some(_), .. }) => Ok(()),
            Some(_) => self.bind_group(&[import]).map(drop).map_err(first),
            None => Err(no_import(import)),
        }
    }

    /// Replaces the library of an import by what its file or source holds now, if that is not what
    /// is loaded. All bound slots of the library change together or none does. A slot that is not
    /// bound yet is bound.
    pub fn reload(&mut self, import: usize) -> Result<Reload, BindError> {
        match self.slots.get(import) {
            Some(Slot { bound: Some(bound), .. }) => self.reload_library(bound.library),
            Some(_) => self.bind_group(&[import]),
            None => return Err(no_import(import)),
        }
        .map_err(first)
    }

    /// The same for every library that is loaded, and for those slots that could not be bound.
    pub fn reload_changed(&mut self) -> Vec<Result<Reload, BindError>> {
        let mut results = Vec::new();
        for library in 0..self.libraries.len() {
            results.push(self.reload_library(library).map_err(first));
        }
        let waiting = |i: &usize| self.slots[*i].wanted && self.slots[*i].bound.is_none();
        for group in self.by_library((0..self.imports.len()).filter(waiting)) {
            match self.bind_group(&group) {
                Ok(reload) => results.push(Ok(reload)),
                Err(errors) => results.extend(errors.into_iter().map(Err)),
            }
        }
        results
    }

    /// The version that the library of an import reports; `None` if it reports none or is not bound.
    pub fn version(&mut self, import: usize) -> Option<u32> {
        let index = self.slots.get(import)?.bound?.library;
        match self.libraries[index].generation.version(self.early(index)) {
            Ok(version) => version,
            Err(mut diagnostic) => {
                diagnostic.severity = Severity::Warning;
                self.unload = false;
                self.warn(index, vec![BindError { import, diagnostic }]);
                None
            }
        }
    }

    /// Calls what hotvm asks a library for by itself.
    fn early(&self, index: usize) -> Early<'_> {
        Early { library: &self.libraries[index].name, guard: self.guard }
    }

    /// How many cells the arguments of an import take.
    ///
    /// # Panics
    /// When there is no such import.
    #[inline]
    pub fn argument_cells(&self, import: usize) -> usize {
        self.slots[import].plan.cells()
    }

    /// Calls the function of an import.
    ///
    /// `args` are cells of the operand stack, as many as [`CType::cells`](crate::isa::CType::cells)
    /// of each parameter says. `memory` is the program's memory, which `cstr` and `bytes` refer to.
    pub fn call(
        &mut self,
        import: usize,
        args: &[u64],
        memory: &mut [u8],
    ) -> Result<Option<u64>, CallError> {
        let Some(Slot { plan, bound: Some(bound), .. }) = self.slots.get_mut(import) else {
            return Err(self.unbound(import));
        };
        // SAFETY: the target is a function of a loaded library, which stays mapped as long as a slot
        // calls it.
        // It has the signature of its `.lib` line by what the library tells of itself, where it does;
        // else by the word of whoever wrote that line, which is told as an event. The policy lets in
        // only libraries that the user vouches for.
        let called = unsafe {
            plan.call(bound.target, args, memory, &mut self.pointers, self.guard.context())
        };
        called.map_err(|failure| self.failed(import, args, memory.len(), failure))
    }

    #[cold]
    fn failed(&mut self, import: usize, args: &[u64], size: usize, failure: Failure) -> CallError {
        match failure {
            Failure::Misfit(misfit) => misfit.explain(&self.imports[import], args, size),
            Failure::Stopped(stopped) => CallError::Fault(self.fault(import, &stopped)),
        }
    }

    #[cold]
    fn unbound(&self, import: usize) -> CallError {
        let (slot, function, library) = match self.imports.get(import) {
            Some(i) => (i.slot, i.symbol.clone(), i.library.clone()),
            None => (0, format!("import {import}"), "this program".to_owned()),
        };
        CallError::Unbound { slot, function, library }
    }

    /// Groups imports by their library's name, in the order of their first.
    fn by_library(&self, imports: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for import in imports {
            groups.entry(&self.imports[import].library).or_default().push(import);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort();
        groups
    }

    /// Binds imports of one library, which is loaded unless it is.
    fn bind_group(&mut self, group: &[usize]) -> Result<Reload, Failed> {
        group.iter().for_each(|&import| self.slots[import].wanted = true);
        let (place, real) = self.preparer.locate(group)?;
        if let Some(index) = self.libraries.iter().position(|library| library.real == real) {
            let library = &mut self.libraries[index];
            let (targets, warnings) = self.preparer.resolve(&library.generation, group)?;
            library.targets.extend(group.iter().copied().zip(targets));
            self.point(index);
            self.tell_live();
            self.warn(index, warnings);
            self.tell_unchecked(index);
            return Ok(self.replaced(index, group, None));
        }
        let first = self.preparer.first(group, place, real);
        let mut candidate = first.inspect_err(|failed| self.unload &= !is_crash(failed))?;
        let (built, warnings) = (candidate.built, std::mem::take(&mut candidate.warnings));
        let index = self.libraries.len();
        self.libraries.push(Library::new(candidate));
        self.point(index);
        self.tell_live();
        let slots = self.slots_of(group);
        self.emit(index, EventKind::Loaded { built, slots });
        self.warn(index, warnings);
        self.tell_unchecked(index);
        Ok(self.replaced(index, group, built))
    }

    fn reload_library(&mut self, index: usize) -> Result<Reload, Failed> {
        // What waits is older than what is there now.
        self.publish_prepared();
        let known = self.known(index);
        match self.preparer.next(&known, &self.bad, Writer::Unknown) {
            Ok(Some(mut candidate)) => {
                let built = candidate.built;
                self.warn(index, std::mem::take(&mut candidate.warnings));
                self.publish_own(index, candidate).map_err(|error| vec![error])?;
                Ok(self.replaced(index, &known.group, built))
            }
            Ok(None) => {
                self.warn(index, self.preparer.doubts(&known));
                Ok(Reload::Unchanged { library: known.name })
            }
            Err(rejection) => {
                self.unload &= !is_crash(&rejection.reasons);
                self.bad.extend(rejection.crashed());
                for error in &rejection.reasons {
                    self.tell(self.rejected(index, rejection.content, error));
                }
                Err(rejection.reasons)
            }
        }
    }

    /// What a preparer has to know of a library.
    fn known(&self, index: usize) -> Known {
        let Library { name, place, inputs, generation, number, numbers, targets, .. } =
            &self.libraries[index];
        Known {
            name: name.clone(),
            place: place.clone(),
            generation: *number,
            numbers: numbers.clone(),
            hash: generation.hash,
            image: generation.image.clone(),
            group: targets.iter().map(|(import, _)| *import).collect(),
            inputs: inputs.clone(),
        }
    }

    fn ledger(&self) -> Ledger {
        let libraries = (0..self.libraries.len()).map(|index| self.known(index)).collect();
        let (bad, refused) = (self.bad.clone(), self.refused.clone());
        Ledger { libraries, bad, refused, guard: self.guard }
    }

    fn emit(&self, index: usize, kind: EventKind) {
        self.tell(self.event(index, kind));
    }

    fn event(&self, index: usize, kind: EventKind) -> Event {
        let Library { name, number, generation, .. } = &self.libraries[index];
        Event::new(name, *number, generation.hash, kind)
    }

    /// That other content is not taken in the place of a library.
    fn rejected(&self, index: usize, content: Option<Hash>, error: &BindError) -> Event {
        let Library { name, number, .. } = &self.libraries[index];
        Event::new(name, *number, content, EventKind::Rejected(Box::new(error.clone())))
    }

    /// Tells what is in doubt about a library.
    fn warn(&self, index: usize, warnings: Vec<BindError>) {
        for warning in warnings {
            self.emit(index, EventKind::Warned(Box::new(warning)));
        }
    }

    fn slots_of(&self, group: &[usize]) -> Vec<(u16, String)> {
        let slot = |&i: &usize| (self.imports[i].slot, self.imports[i].symbol.clone());
        group.iter().map(slot).collect()
    }

    fn replaced(&self, index: usize, group: &[usize], built: Option<Duration>) -> Reload {
        let Library { name, number, .. } = &self.libraries[index];
        let (library, generation) = (name.clone(), *number);
        Reload::Replaced { library, generation, built, slots: self.slots_of(group) }
    }
}

impl Library {
    fn new(candidate: Candidate) -> Library {
        let Candidate { name, place, real, number, numbers, generation, inputs, .. } = candidate;
        let targets = candidate.group.into_iter().zip(candidate.targets).collect();
        Library {
            name,
            place,
            inputs,
            real,
            generation,
            number,
            numbers,
            targets,
            unchecked: None,
            previous: None,
        }
    }
}

/// The first of several errors, with the others as notes.
fn first(errors: Vec<BindError>) -> BindError {
    let mut errors = errors.into_iter();
    let first = errors.next().unwrap_or_else(|| no_import(0));
    errors.fold(first, |mut first, other| {
        first.diagnostic.notes.push(format!("also, {}", other.diagnostic.message));
        first
    })
}

fn no_import(import: usize) -> BindError {
    let message = format!("the program has no import {import}");
    BindError { import, diagnostic: Diagnostic::error(Code::BadIndex, message) }
}
