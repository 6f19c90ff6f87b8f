//! The libraries and slots of one program, and how they change.

mod faults;

use super::call::{CallError, Failure, Plan, Pointers};
use super::events::{EventKind, EventSink};
use super::generation::Generation;
use super::guard::Guard;
use super::live::{Ledger, Live, LiveOptions, ReloadHandle, Update};
use super::prepare::{Candidate, Failed, Known, Preparer};
use super::read::Writer;
use super::resolve::Place;
use super::settings::Settings;
use super::signature::Unchecked;
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::Import;
use blake3::Hash;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    libraries: Vec<Library>,
    preparer: Preparer,
    /// Host pointers that the program may pass back.
    pointers: Pointers,
    guard: Guard,
    warnings: Vec<Diagnostic>,
    events: EventSink,
    /// The thread that prepares while the program runs, once there is one.
    live: Option<Live>,
    /// Contents that have crashed.
    bad: HashSet<Hash>,
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
    inputs: Vec<PathBuf>,
    /// Where the program's library was found to be.
    real: Place,
    /// The one that runs. Those before it stay mapped, without an owner.
    generation: Generation,
    /// Counts generations from 1.
    number: u32,
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
            preparer: Preparer::new(Arc::clone(&imports), settings),
            imports,
            libraries: Vec::new(),
            pointers: Pointers::default(),
            guard: Guard::default(),
            warnings: Vec::new(),
            events: EventSink::default(),
            live: None,
            bad: HashSet::new(),
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

    /// Publishes all that waits. To be called at a safepoint: no call of a native function may be
    /// under way.
    pub fn publish_prepared(&mut self) {
        while let Some(update) = self.live.as_ref().and_then(Live::next_update) {
            self.publish_update(update);
        }
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
        let bound = self.slots.get(import)?.bound?;
        self.libraries[bound.library].generation.version()
    }

    /// What compilers had to say about sources that they did build, since this was last asked.
    pub fn take_warnings(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.warnings)
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
        // SAFETY: the target is a function of a loaded library, and loaded libraries stay mapped.
        // It has the signature of its `.lib` line by what the library tells of itself, where it does;
        // else by the word of whoever wrote that line, which is told as an event. The policy lets in
        // only libraries that the user vouches for.
        let called = unsafe {
            plan.call(bound.target, args, memory, &mut self.pointers, self.guard.context())
        };
        called.map_err(|failure| match failure {
            Failure::Misfit(misfit) => misfit.explain(&self.imports[import], args, memory.len()),
            Failure::Stopped(stopped) => CallError::Fault(self.fault(import, &stopped)),
        })
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
            let generation = &library.generation;
            let targets = self.preparer.each(group, |import| generation.resolve(import))?;
            library.targets.extend(group.iter().copied().zip(targets));
            self.point(index);
            self.tell_live();
            self.tell_unchecked(index);
            return Ok(self.replaced(index, group, None));
        }
        let candidate = self.preparer.first(group, place, real)?;
        let built = candidate.built;
        let index = self.libraries.len();
        let library = self.library(candidate, 1);
        self.libraries.push(library);
        self.point(index);
        self.tell_live();
        let slots = self.slots_of(group);
        self.emit(index, EventKind::Loaded { built, slots });
        self.tell_unchecked(index);
        Ok(self.replaced(index, group, built))
    }

    fn reload_library(&mut self, index: usize) -> Result<Reload, Failed> {
        // What waits is older than what is there now.
        self.publish_prepared();
        let known = self.known(index);
        let prepared = self.preparer.next(&known, &self.bad, Writer::Unknown);
        if let Err(errors) = &prepared {
            for error in errors {
                self.emit(index, EventKind::Rejected(Box::new(error.clone())));
            }
        }
        match prepared? {
            Some(candidate) => {
                let built = candidate.built;
                self.publish_update(vec![(index, candidate)]);
                Ok(self.replaced(index, &known.group, built))
            }
            None => Ok(Reload::Unchanged { library: known.name }),
        }
    }

    /// Puts candidates in the place of their libraries, all of them at once.
    fn publish_update(&mut self, update: Update) {
        let start = Instant::now();
        let mut replaced = Vec::new();
        for (index, candidate) in update {
            let (built, group) = (candidate.built, candidate.group.clone());
            let number = self.libraries[index].number + 1;
            let new = self.library(candidate, number);
            let mut old = std::mem::replace(&mut self.libraries[index], new);
            // One generation to go back to is enough.
            old.previous = None;
            self.libraries[index].previous = Some(Box::new(old));
            self.point(index);
            replaced.push((index, built, group));
        }
        let pause = start.elapsed();
        self.tell_live();
        for (index, built, group) in replaced {
            let slots = self.slots_of(&group);
            self.emit(index, EventKind::Published { pause, built, slots });
            let Library { name, previous, .. } = &self.libraries[index];
            if let Some(old) = previous {
                let kind = EventKind::Retired { unloaded: false };
                self.events.emit(name, old.number, old.generation.hash, kind);
            }
            self.tell_unchecked(index);
        }
    }

    fn library(&mut self, candidate: Candidate, number: u32) -> Library {
        let Candidate { name, place, real, generation, group, targets, warnings, inputs, .. } =
            candidate;
        self.warnings.extend(warnings);
        let targets = group.into_iter().zip(targets).collect();
        let unchecked = None;
        Library {
            name,
            place,
            inputs,
            real,
            generation,
            number,
            targets,
            unchecked,
            previous: None,
        }
    }

    /// Says which functions of a library are called by the word of their `.lib` alone, unless that
    /// was said of the generation before. The system's libraries, which nobody can help, are not told.
    fn tell_unchecked(&mut self, index: usize) {
        let Library { name, real, generation, targets, previous, .. } = &self.libraries[index];
        let symbols = targets.iter().map(|&(import, _)| &self.imports[import].symbol);
        let mut functions: Vec<_> =
            symbols.filter(|symbol| generation.signatures.get(symbol).is_none()).cloned().collect();
        if functions.is_empty() || matches!(real, Place::System(_)) {
            return;
        }
        if generation.signatures.is_empty() {
            functions.clear();
        }
        let unchecked = Some(Unchecked { library: name.clone(), functions });
        let told = self.libraries[index].unchecked.as_ref();
        let told = told.or(previous.as_ref().and_then(|previous| previous.unchecked.as_ref()));
        let news = told != unchecked.as_ref();
        self.libraries[index].unchecked.clone_from(&unchecked);
        if let (true, Some(unchecked)) = (news, unchecked) {
            self.emit(index, EventKind::Unchecked(unchecked));
        }
    }

    /// Points the slots of a library at their functions. This is all that a reload changes for the
    /// program, and it cannot fail.
    fn point(&mut self, index: usize) {
        for &(import, target) in &self.libraries[index].targets {
            self.slots[import].bound = Some(Bound { target, library: index });
        }
    }

    /// What a preparer has to know of a library.
    fn known(&self, index: usize) -> Known {
        let Library { name, place, inputs, generation, number, targets, .. } =
            &self.libraries[index];
        Known {
            name: name.clone(),
            place: place.clone(),
            generation: *number,
            hash: generation.hash,
            group: targets.iter().map(|(import, _)| *import).collect(),
            inputs: inputs.clone(),
        }
    }

    fn ledger(&self) -> Ledger {
        let libraries = (0..self.libraries.len()).map(|index| self.known(index)).collect();
        Ledger { libraries, bad: self.bad.clone() }
    }

    /// Lets the reloading thread know what is loaded now.
    fn tell_live(&self) {
        if let Some(live) = &self.live {
            live.update(self.ledger());
        }
    }

    fn emit(&self, index: usize, kind: EventKind) {
        let Library { name, number, generation, .. } = &self.libraries[index];
        self.events.emit(name, *number, generation.hash, kind);
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
