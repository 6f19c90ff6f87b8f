//! The libraries and slots of one program, and how they change.

use super::build::Builder;
use super::call::{CallError, Plan, Pointers};
use super::generation::{Content, Generation};
use super::policy::Policy;
use super::read::read_at_rest;
use super::resolve::Place;
use super::settings::Settings;
use super::signature::{Signatures, Unchecked};
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::Import;
use std::collections::{BTreeMap, BTreeSet};
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
    imports: Vec<Import>,
    slots: Vec<Slot>,
    libraries: Vec<Library>,
    policy: Policy,
    builder: Builder,
    /// Host pointers that the program may pass back.
    pointers: Pointers,
    warnings: Vec<Diagnostic>,
    unchecked: Vec<Unchecked>,
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
    /// As the import that loaded it names it.
    name: String,
    /// Where the program means it to be: a link is followed anew at each reload.
    place: Place,
    /// Where it was found to be.
    real: Place,
    /// The one that runs. Those before it stay mapped, without an owner.
    generation: Generation,
    /// Counts generations from 1.
    number: u32,
    /// The functions whose signatures were reported to be unchecked.
    reported: BTreeSet<String>,
}

/// A generation that is loaded and has all that its slots need, but is not in use yet.
struct Candidate {
    generation: Generation,
    targets: Vec<usize>,
    built: Option<Duration>,
}

impl Libraries {
    /// The libraries of a program with these imports. Nothing is loaded yet.
    pub fn new(imports: Vec<Import>, settings: Settings) -> Libraries {
        let slot = |i: &Import| Slot { plan: Plan::new(&i.signature), bound: None, wanted: false };
        Libraries {
            slots: imports.iter().map(slot).collect(),
            imports,
            libraries: Vec::new(),
            policy: Policy::new(&settings),
            builder: Builder::new(settings),
            pointers: Pointers::default(),
            warnings: Vec::new(),
            unchecked: Vec::new(),
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

    /// Which functions were bound without a look at their signatures, since this was last asked. Each
    /// is reported once; those of the system's libraries, which nobody can help, are not.
    pub fn take_unchecked(&mut self) -> Vec<Unchecked> {
        std::mem::take(&mut self.unchecked)
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
        // else by the word of whoever wrote that line, as `take_unchecked` reports. The policy lets
        // in only libraries that the user vouches for.
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
    fn bind_group(&mut self, group: &[usize]) -> Result<Reload, Vec<BindError>> {
        group.iter().for_each(|&import| self.slots[import].wanted = true);
        let name = self.imports[group[0]].library.clone();
        let located = Place::of(&name, &self.policy)
            .and_then(|place| place.admitted(&name, &self.policy).map(|real| (place, real)));
        let (place, real) = located.map_err(|d| self.whole(group, d))?;
        if let Some(library) = self.libraries.iter().position(|library| library.real == real) {
            let generation = &self.libraries[library].generation;
            let targets = self.each(group, |import| generation.resolve(import))?;
            return Ok(self.publish(library, group, &targets, None));
        }
        let Candidate { generation, targets, built } = match &real {
            Place::System(_) => {
                let generation =
                    Generation::load_system(&name).map_err(|d| self.whole(group, d))?;
                self.complete(generation, group, None)?
            }
            _ => {
                let content = self.fetch(&name, &real).map_err(|d| self.whole(group, d))?;
                self.load(&name, &content, group)?
            }
        };
        let reported = BTreeSet::new();
        self.libraries.push(Library { name, place, real, generation, number: 1, reported });
        Ok(self.publish(self.libraries.len() - 1, group, &targets, built))
    }

    fn reload_library(&mut self, index: usize) -> Result<Reload, Vec<BindError>> {
        let of_library = |i: &usize| self.slots[*i].bound.is_some_and(|b| b.library == index);
        let group: Vec<usize> = (0..self.slots.len()).filter(of_library).collect();
        let Library { name, place, generation, .. } = &self.libraries[index];
        let (name, loaded) = (name.clone(), generation.hash);
        let real = place.admitted(&name, &self.policy).map_err(|d| self.whole(&group, d))?;
        if let Place::System(_) = real {
            return Ok(Reload::Unchanged { library: name });
        }
        let content = self.fetch(&name, &real).map_err(|d| self.whole(&group, d))?;
        let unchanged = loaded == Some(content.hash);
        if unchanged {
            return Ok(Reload::Unchanged { library: name });
        }
        let Candidate { generation, targets, built } = self.load(&name, &content, &group)?;
        let library = &mut self.libraries[index];
        library.real = real;
        library.generation = generation;
        library.number += 1;
        Ok(self.publish(index, &group, &targets, built))
    }

    /// What the library's file holds, or its source gives, now.
    fn fetch(&mut self, name: &str, real: &Place) -> Result<Content, Diagnostic> {
        match real {
            Place::Source(file, language) => {
                let built = self.builder.build(name, file, *language)?;
                let warned = |words| {
                    Diagnostic::warning(
                        Code::BuildWarning,
                        format!("`{name}` was built with warnings"),
                    )
                    .note(words)
                };
                self.warnings.extend(built.warnings.map(warned));
                Ok(Content::new(file, built.bytes, built.took))
            }
            Place::File(file) => Ok(Content::new(file, read_at_rest(name, file)?, None)),
            Place::System(_) => unreachable!("the loader alone knows where the system's files are"),
        }
    }

    /// Checks and loads a library, and finds all functions that the imports ask for. Whatever fails,
    /// no slot has changed.
    fn load(
        &self,
        name: &str,
        content: &Content,
        group: &[usize],
    ) -> Result<Candidate, Vec<BindError>> {
        let checked = content.check(name).map_err(|d| self.whole(group, d))?;
        if let Some(exports) = &checked.exports {
            self.each(group, |import| exports.require_function(&import.library, &import.symbol))?;
        }
        // Those that are bound later are read too: the file may be another one by then.
        let known = |symbol: &str| self.imports.iter().any(|import| import.symbol == symbol);
        let signatures = Signatures::read(&content.bytes, &content.file, known);
        self.each(group, |import| signatures.check(import))?;
        let generation = Generation::load(name, content, checked, signatures)
            .map_err(|d| self.whole(group, d))?;
        self.complete(generation, group, content.built)
    }

    fn complete(
        &self,
        generation: Generation,
        group: &[usize],
        built: Option<Duration>,
    ) -> Result<Candidate, Vec<BindError>> {
        let targets = self.each(group, |import| generation.resolve(import))?;
        Ok(Candidate { generation, targets, built })
    }

    /// Points the slots of a group at their functions. Nothing here can fail.
    fn publish(
        &mut self,
        library: usize,
        group: &[usize],
        targets: &[usize],
        built: Option<Duration>,
    ) -> Reload {
        for (&import, &target) in group.iter().zip(targets) {
            self.slots[import].bound = Some(Bound { target, library });
        }
        self.report_unchecked(library, group);
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

    fn report_unchecked(&mut self, library: usize, group: &[usize]) {
        let Library { name, real, generation, reported, .. } = &mut self.libraries[library];
        let symbols = group.iter().map(|&import| &self.imports[import].symbol);
        let unchecked = symbols.filter(|symbol| generation.signatures.get(symbol).is_none());
        let new: BTreeSet<_> = unchecked.filter(|s| !reported.contains(*s)).cloned().collect();
        let of_system = matches!(real, Place::System(_));
        if of_system || new.is_empty() {
            return;
        }
        let none_known = generation.signatures.is_empty();
        let functions = if none_known { Vec::new() } else { new.iter().cloned().collect() };
        self.unchecked.push(Unchecked { library: name.clone(), functions });
        reported.extend(new);
    }

    /// Asks for each import of a group, and collects all that goes wrong.
    fn each<T>(
        &self,
        group: &[usize],
        ask: impl Fn(&Import) -> Result<T, Diagnostic>,
    ) -> Result<Vec<T>, Vec<BindError>> {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for &import in group {
            match ask(&self.imports[import]) {
                Ok(value) => done.push(value),
                Err(diagnostic) => failed.push(BindError { import, diagnostic }),
            }
        }
        if failed.is_empty() { Ok(done) } else { Err(failed) }
    }

    /// A failure of the library as a whole, told once, for the first of its imports.
    fn whole(&self, group: &[usize], diagnostic: Diagnostic) -> Vec<BindError> {
        let others: Vec<_> =
            group.iter().skip(1).map(|&i| format!("`{}`", self.imports[i].symbol)).collect();
        let diagnostic = match others.len() {
            0 => diagnostic,
            _ => diagnostic
                .note(format!("{} of the same library are missing too", others.join(", "))),
        };
        vec![BindError { import: group.first().copied().unwrap_or_default(), diagnostic }]
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
