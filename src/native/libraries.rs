//! The libraries and slots of one program, and how they change.

use super::call::{CallError, Plan, Pointers};
use super::generation::Generation;
use super::prepare::{Candidate, Failed, Known, Preparer};
use super::resolve::Place;
use super::settings::Settings;
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::Import;
use std::collections::BTreeMap;
use std::path::PathBuf;
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
    libraries: Vec<Library>,
    preparer: Preparer,
    /// Host pointers that the program may pass back.
    pointers: Pointers,
    warnings: Vec<Diagnostic>,
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
    real: Place,
    inputs: Vec<PathBuf>,
    /// The one that runs. Those before it stay mapped, without an owner.
    generation: Generation,
    /// Counts generations from 1.
    number: u32,
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
            warnings: Vec::new(),
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
        // That it has the signature of its `.lib` line is the word of whoever wrote that line: the
        // policy lets in only libraries that the user vouches for.
        unsafe { plan.call(bound.target, args, memory, &mut self.pointers) }
            .map_err(|misfit| misfit.explain(&self.imports[import], args, memory.len()))
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
        if let Some(library) = self.libraries.iter().position(|library| library.real == real) {
            let generation = &self.libraries[library].generation;
            let targets = self.preparer.each(group, |import| generation.resolve(import))?;
            return Ok(self.point(library, group, &targets, None));
        }
        let candidate = self.preparer.first(group, place, real)?;
        Ok(self.publish(None, candidate))
    }

    fn reload_library(&mut self, index: usize) -> Result<Reload, Failed> {
        let known = self.known(index);
        match self.preparer.next(&known)? {
            Some(candidate) => Ok(self.publish(Some(index), candidate)),
            None => Ok(Reload::Unchanged { library: known.name }),
        }
    }

    /// What a preparer has to know of a library.
    fn known(&self, index: usize) -> Known {
        let of_library = |i: &usize| self.slots[*i].bound.is_some_and(|b| b.library == index);
        let Library { name, place, real, inputs, generation, .. } = &self.libraries[index];
        Known {
            name: name.clone(),
            place: place.clone(),
            real: real.clone(),
            hash: generation.hash,
            group: (0..self.slots.len()).filter(of_library).collect(),
            inputs: inputs.clone(),
        }
    }

    /// Puts a candidate in the place of a library, or beside the others when it is a new one, and
    /// points its slots at it. Nothing here can fail.
    fn publish(&mut self, library: Option<usize>, candidate: Candidate) -> Reload {
        let Candidate { name, place, real, generation, group, targets, built, warnings, inputs } =
            candidate;
        self.warnings.extend(warnings);
        let number = library.map_or(1, |index| self.libraries[index].number + 1);
        let new = Library { name, place, real, inputs, generation, number };
        let index = match library {
            Some(index) => {
                self.libraries[index] = new;
                index
            }
            None => {
                self.libraries.push(new);
                self.libraries.len() - 1
            }
        };
        self.point(index, &group, &targets, built)
    }

    /// Points the slots of a group at their functions.
    fn point(
        &mut self,
        library: usize,
        group: &[usize],
        targets: &[usize],
        built: Option<Duration>,
    ) -> Reload {
        for (&import, &target) in group.iter().zip(targets) {
            self.slots[import].bound = Some(Bound { target, library });
        }
        let slot =
            |&import: &usize| (self.imports[import].slot, self.imports[import].symbol.clone());
        let Library { name, number, .. } = &self.libraries[library];
        Reload::Replaced {
            library: name.clone(),
            generation: *number,
            built,
            slots: group.iter().map(slot).collect(),
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
