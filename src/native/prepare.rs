//! All of a reload that takes time: from a library's place to a generation that is loaded and has
//! all that its slots ask for, but that no slot calls yet.
//!
//! Nothing here touches what runs, so it can happen on any thread, and a failure leaves nothing to
//! undo.

use super::build::Builder;
use super::generation::{Content, Generation};
use super::libraries::BindError;
use super::policy::Policy;
use super::read::read_at_rest;
use super::resolve::Place;
use super::settings::Settings;
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::Import;
use blake3::Hash;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Makes candidates. Each thread that prepares has its own.
#[derive(Clone, Debug)]
pub(super) struct Preparer {
    imports: Arc<[Import]>,
    policy: Policy,
    builder: Builder,
}

/// What a preparer has to know of a library that is loaded.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// As the import that loaded it names it.
    pub name: String,
    /// Where the program means it to be: a link is followed anew at each reload.
    pub place: Place,
    /// Where it was found to be.
    pub real: Place,
    /// What is loaded; `None` for the system's.
    pub hash: Option<Hash>,
    /// The imports that it serves.
    pub group: Vec<usize>,
    /// The files that it was made from, itself among them.
    pub inputs: Vec<PathBuf>,
}

/// A generation that waits to be published.
#[derive(Debug)]
pub(super) struct Candidate {
    pub name: String,
    pub place: Place,
    pub real: Place,
    pub generation: Generation,
    /// The imports that it serves, and the address of the function of each.
    pub group: Vec<usize>,
    pub targets: Vec<usize>,
    pub built: Option<Duration>,
    /// What the compiler had to say all the same.
    pub warnings: Vec<Diagnostic>,
    pub inputs: Vec<PathBuf>,
}

/// Failures, one for each import that is concerned.
pub(super) type Failed = Vec<BindError>;

impl Preparer {
    pub fn new(imports: Arc<[Import]>, settings: Settings) -> Preparer {
        Preparer { imports, policy: Policy::new(&settings), builder: Builder::new(settings) }
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
        if let Place::System(_) = real {
            let generation = Generation::load_system(&name).map_err(|d| self.whole(group, d))?;
            let targets = self.each(group, |import| generation.resolve(import))?;
            return Ok(Candidate {
                name,
                place,
                real,
                generation,
                group: group.to_vec(),
                targets,
                built: None,
                warnings: Vec::new(),
                inputs: Vec::new(),
            });
        }
        let content = self.fetch(&name, &real).map_err(|d| self.whole(group, d))?;
        self.load(name, place, real, content, group)
    }

    /// The next generation of a library, unless its content is what is loaded.
    pub fn next(&self, known: &Known) -> Result<Option<Candidate>, Failed> {
        let Known { name, place, hash, group, .. } = known;
        let real = place.admitted(name, &self.policy).map_err(|d| self.whole(group, d))?;
        if let Place::System(_) = real {
            return Ok(None);
        }
        let content = self.fetch(name, &real).map_err(|d| self.whole(group, d))?;
        if *hash == Some(content.hash) {
            return Ok(None);
        }
        self.load(name.clone(), place.clone(), real, content, group).map(Some)
    }

    /// What the library's file holds, or its source gives, now.
    fn fetch(&self, name: &str, real: &Place) -> Result<Content, Diagnostic> {
        match real {
            Place::Source(file, language) => {
                let built = self.builder.build(name, file, *language)?;
                let mut content = Content::new(file, built.bytes, built.took);
                content.inputs.extend(built.inputs);
                content.warnings = built.warnings.map(|words| {
                    let message = format!("`{name}` was built with warnings");
                    Diagnostic::warning(Code::BuildWarning, message).note(words)
                });
                Ok(content)
            }
            Place::File(file) => Ok(Content::new(file, read_at_rest(name, file)?, None)),
            Place::System(_) => unreachable!("the loader alone knows where the system's files are"),
        }
    }

    /// Checks and loads a library, and finds all functions that the imports ask for.
    fn load(
        &self,
        name: String,
        place: Place,
        real: Place,
        content: Content,
        group: &[usize],
    ) -> Result<Candidate, Failed> {
        let checked = content.check(&name).map_err(|d| self.whole(group, d))?;
        if let Some(exports) = &checked.exports {
            self.each(group, |import| exports.require_function(&import.library, &import.symbol))?;
        }
        let generation =
            Generation::load(&name, &content, checked).map_err(|d| self.whole(group, d))?;
        let targets = self.each(group, |import| generation.resolve(import))?;
        Ok(Candidate {
            name,
            place,
            real,
            generation,
            group: group.to_vec(),
            targets,
            built: content.built,
            warnings: content.warnings.into_iter().collect(),
            inputs: content.inputs,
        })
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
            _ => diagnostic
                .note(format!("{} of the same library are concerned too", others.join(", "))),
        };
        vec![BindError { import: group.first().copied().unwrap_or_default(), diagnostic }]
    }
}
