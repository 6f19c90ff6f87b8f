//! All of a reload that takes time: from a library's place to a generation that is loaded and has
//! all that its slots ask for, but that no slot calls yet.
//!
//! Nothing here touches what runs, so it can happen on any thread, and a failure leaves nothing to
//! undo.

use super::build::Builder;
use super::early::{Early, is_crash};
use super::generation::{Content, Generation, Image};
use super::guard::Guard;
use super::libraries::BindError;
use super::policy::Policy;
use super::read::{Inputs, Writer, read_at_rest};
use super::resolve::Place;
use super::settings::{Settings, StateMode, VersionMismatch};
use super::signature::Signatures;
use super::state::Migration;
use crate::diagnostics::{Code, Diagnostic, Severity};
use crate::isa::Import;
use blake3::Hash;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// Makes candidates. Each thread that prepares has its own.
#[derive(Clone, Debug)]
pub(super) struct Preparer {
    imports: Arc<[Import]>,
    policy: Policy,
    version_mismatch: VersionMismatch,
    builder: Builder,
    /// What becomes of variables.
    state: StateMode,
    /// How the functions are guarded that a library runs before the program calls any.
    pub guard: Guard,
}

/// What a preparer has to know of a library that is loaded.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// As the import that loaded it names it.
    pub name: String,
    /// Where the program means it to be: a link is followed anew at each reload.
    pub place: Place,
    /// Which generation is in use, counted from 1.
    pub generation: u32,
    /// The numbers given so far.
    pub numbers: Numbers,
    /// What is loaded; `None` for the system's.
    pub hash: Option<Hash>,
    /// The same in full, whose variables a new generation takes over.
    pub image: Option<Arc<Image>>,
    /// The imports that it serves.
    pub group: Vec<usize>,
    /// The files that it was made from, itself among them.
    pub inputs: Inputs,
}

/// Numbers the generations of one library, on whichever thread they are made. No number is given
/// twice, so one that is passed over or rolled back leaves a gap.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(Arc<AtomicU32>);

impl Numbers {
    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A generation that waits to be published.
#[derive(Debug)]
pub(super) struct Candidate {
    pub name: String,
    pub place: Place,
    pub real: Place,
    pub number: u32,
    pub numbers: Numbers,
    pub generation: Generation,
    /// The imports that it serves, and the address of the function of each.
    pub group: Vec<usize>,
    pub targets: Vec<usize>,
    pub built: Option<Duration>,
    /// What is in doubt about it, without being a reason to refuse it.
    pub warnings: Vec<BindError>,
    pub inputs: Inputs,
    /// How it takes over the variables of the generation with this content.
    pub migration: Option<(Hash, Migration)>,
}

impl Candidate {
    /// A candidate with nothing but its generation yet.
    fn new(
        name: String,
        place: Place,
        real: Place,
        numbers: &Numbers,
        generation: Generation,
        group: &[usize],
    ) -> Candidate {
        Candidate {
            name,
            place,
            real,
            number: numbers.next(),
            numbers: numbers.clone(),
            generation,
            group: group.to_vec(),
            targets: Vec::new(),
            built: None,
            warnings: Vec::new(),
            inputs: Inputs::default(),
            migration: None,
        }
    }
}

/// Failures, one for each import that is concerned.
pub(super) type Failed = Vec<BindError>;

/// What was found of a library is not taken.
#[derive(Debug)]
pub(super) struct Rejection {
    /// The content, if it came to that.
    pub content: Option<Hash>,
    pub reasons: Failed,
}

impl From<Failed> for Rejection {
    fn from(reasons: Failed) -> Rejection {
        Rejection { content: None, reasons }
    }
}

impl Rejection {
    /// The content, if it was refused because it has crashed.
    pub fn crashed(&self) -> Option<Hash> {
        self.content.filter(|_| is_crash(&self.reasons))
    }
}

impl Preparer {
    pub fn new(imports: Arc<[Import]>, settings: Settings) -> Preparer {
        let (policy, version_mismatch) = (Policy::new(&settings), settings.version_mismatch);
        let state = settings.state;
        let (builder, guard) = (Builder::new(settings), Guard::default());
        Preparer { imports, policy, version_mismatch, builder, state, guard }
    }

    /// The files that the imports name, whether they are there or not.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.imports.iter().flat_map(|import| Place::candidates(&import.library, &self.policy))
    }

    /// Where the library of a group is, if the program may load it: as it is meant, and as it is.
    pub fn locate(&self, group: &[usize]) -> Result<(Place, Place), Failed> {
        let name = &self.imports[group[0]].library;
        Place::of(name, &self.policy)
            .and_then(|place| place.admitted(name, &self.policy).map(|real| (place, real)))
            .map_err(|diagnostic| self.whole(group, diagnostic))
    }

    /// The first generation of a library.
    pub fn first(&self, group: &[usize], place: Place, real: Place) -> Result<Candidate, Failed> {
        let name = self.imports[group[0]].library.clone();
        match self.fetch(&name, &real, Writer::Unknown).map_err(|d| self.whole(group, d))? {
            Some(content) => self.load(name, place, real, &Numbers::default(), content, group),
            None => {
                let system = Generation::load_system(self.early(&name));
                let system = system.map_err(|d| self.whole(group, d))?;
                let (targets, warnings) = self.resolve(&system, group)?;
                let numbers = Numbers::default();
                let candidate = Candidate::new(name, place, real, &numbers, system, group);
                Ok(Candidate { targets, warnings, ..candidate })
            }
        }
    }

    /// The next generation of a library, unless its content is what is loaded. Content that is
    /// known to crash is refused.
    pub fn next(
        &self,
        known: &Known,
        bad: &HashSet<Hash>,
        writer: Writer,
    ) -> Result<Option<Candidate>, Rejection> {
        let Known { name, place, hash, group, .. } = known;
        let real = place.admitted(name, &self.policy).map_err(|d| self.whole(group, d))?;
        if let Place::System(_) = real {
            return Ok(None);
        }
        let content = self.fetch(name, &real, writer).map_err(|d| self.whole(group, d))?;
        let Some(content) = content.filter(|content| *hash != Some(content.hash)) else {
            return Ok(None);
        };
        let found = Some(content.hash);
        let reject = |reasons| Rejection { content: found, reasons };
        if bad.contains(&content.hash) {
            return Err(reject(self.whole(group, known_bad(name))));
        }
        let (name, place) = (name.clone(), place.clone());
        let loaded = self.load(name, place, real, &known.numbers, content, group);
        let mut candidate = loaded.map_err(reject)?;
        if let (Some(hash), Some(old), Some(new)) =
            (hash, &known.image, &candidate.generation.image)
            && self.state != StateMode::Fresh
        {
            candidate.migration =
                Some((*hash, Migration::plan(old.statics(), new.statics(), self.state)));
        }
        Ok(Some(candidate))
    }

    /// What is in doubt about a library that has not changed itself, if that was not told.
    pub fn doubts(&self, known: &Known) -> Vec<BindError> {
        let needs = known.image.iter().flat_map(|image| image.needs.news());
        needs.flat_map(|need| self.whole(&known.group, need.diagnostic(&known.name))).collect()
    }

    /// What the library's file holds, or its source gives, now; `None` for the system's libraries,
    /// whose files only the loader knows.
    fn fetch(
        &self,
        name: &str,
        real: &Place,
        writer: Writer,
    ) -> Result<Option<Content>, Diagnostic> {
        let since = SystemTime::now();
        Ok(match real {
            Place::Source(file, language) => {
                let built = self.builder.build(name, file, *language)?;
                let inputs = Inputs::new(built.inputs, since);
                let mut content = Content::new(file, built.bytes, inputs);
                content.built = built.took;
                content.warnings = built.warnings.map(|words| {
                    let message = format!("`{name}` was built with warnings");
                    Diagnostic::warning(Code::BuildWarning, message).note(words)
                });
                Some(content)
            }
            Place::File(file) => {
                let bytes = read_at_rest(name, file, writer)?;
                Some(Content::new(file, bytes, Inputs::new(vec![file.clone()], since)))
            }
            Place::System(_) => None,
        })
    }

    /// Checks and loads a library, and finds all functions that the imports ask for.
    fn load(
        &self,
        name: String,
        place: Place,
        real: Place,
        numbers: &Numbers,
        mut content: Content,
        group: &[usize],
    ) -> Result<Candidate, Failed> {
        let checked = content.check(&name).map_err(|d| self.whole(group, d))?;
        if let Some(exports) = &checked.exports {
            self.each(group, |import| exports.require_function(&import.library, &import.symbol))?;
        }
        // Those that are bound later are read too: the file may be another one by then.
        let known = |symbol: &str| self.imports.iter().any(|import| import.symbol == symbol);
        let signatures = Signatures::read(&content.bytes, &content.file, known);
        self.each(group, |import| signatures.check(import))?;
        let generation = Generation::load(self.early(&name), &mut content, checked, signatures)
            .map_err(|d| self.whole(group, d))?;
        let (targets, mut warnings) = self.resolve(&generation, group)?;
        let whole = |diagnostic| BindError { import: group[0], diagnostic };
        warnings.extend(content.warnings.map(whole));
        let needs = generation.image.iter().flat_map(|image| image.needs.outdated());
        warnings.extend(needs.map(|need| whole(need.diagnostic(&name))));
        let (built, inputs) = (content.built, content.inputs);
        let candidate = Candidate::new(name, place, real, numbers, generation, group);
        Ok(Candidate { targets, built, warnings, inputs, ..candidate })
    }

    /// The functions that a group asks for, with warnings about versions that the user lets pass.
    pub fn resolve(
        &self,
        generation: &Generation,
        group: &[usize],
    ) -> Result<(Vec<usize>, Vec<BindError>), Failed> {
        let targets = self.each(group, |import| generation.resolve(import))?;
        let mut warnings = Vec::new();
        let checked = self
            .each(group, |import| generation.check_version(import, self.early(&import.library)));
        match (checked, self.version_mismatch) {
            (Ok(_), _) => {}
            (Err(failed), VersionMismatch::Warn) if !is_crash(&failed) => warnings = failed,
            (Err(failed), _) => return Err(failed),
        }
        for warning in &mut warnings {
            warning.diagnostic.severity = Severity::Warning;
        }
        Ok((targets, warnings))
    }

    fn early<'a>(&self, library: &'a str) -> Early<'a> {
        Early { library, guard: self.guard }
    }

    /// Asks for each import of a group, and collects all that goes wrong.
    pub fn each<T>(
        &self,
        group: &[usize],
        ask: impl Fn(&Import) -> Result<T, Diagnostic>,
    ) -> Result<Vec<T>, Failed> {
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
    pub fn whole(&self, group: &[usize], diagnostic: Diagnostic) -> Failed {
        let others: Vec<_> =
            group.iter().skip(1).map(|&i| format!("`{}`", self.imports[i].symbol)).collect();
        let diagnostic = match others.len() {
            0 => diagnostic,
            _ => diagnostic.note(format!("the program wants {} of it too", others.join(", "))),
        };
        vec![BindError { import: group.first().copied().unwrap_or_default(), diagnostic }]
    }
}

/// Why content that has crashed is not taken.
pub(super) fn known_bad(name: &str) -> Diagnostic {
    Diagnostic::error(Code::KnownBad, format!("`{name}` has crashed with this very content"))
        .note("the generation before it is in use")
        .help("change the library, or start anew to try it again")
}
