//! Program text to [`Module`].
//!
//! Text is read once, line by line (`assembler`): declarations are noted, and the instructions of
//! a function wait until its end, when its labels and locals are known (`body`). They then become
//! bytes. What is not the function's own (functions, globals, slots, texts, constants) is left out of
//! those bytes and inserted last (`fixups`). So functions need nothing of each other, and several threads
//! can share those of a long text (`division`).
//!
//! Each text of a program is a unit with names of its own (`units`), of which `.public` and `.extern`
//! share some (`link`).
//!
//! This room turns names into numbers; whether the program makes sense is for `verify` to say, except
//! where only the text has a place to point at, such as the `.func` of an empty function.
#![forbid(unsafe_code)]

mod advice;
mod assembler;
mod body;
mod conditions;
mod consequences;
mod constants;
mod declare;
mod division;
mod expansion;
mod finish;
mod fixups;
mod layout;
mod link;
mod macros;
mod names;
mod operands;
mod options;
mod origins;
mod reading;
mod types;
mod units;
mod unused;
mod whole;

pub use options::{COMMAND_LINE, Included, Includes, Options};
pub use whole::{Offer, Offers};

use crate::diagnostics::{Code, Diagnostic, Label, Position, Source, SourceId, Sources};
use crate::module::Module;
use crate::syntax::Texts;
use assembler::Finished;
use division::Division;
use origins::TextIds;

/// What a text assembles to.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// The module.
    pub module: Module,
    /// What is probably not as it was meant.
    pub warnings: Vec<Diagnostic>,
    /// The texts that it was made from.
    pub files: Files,
}

/// The texts that a module was made from.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// For each file of the source map, its text, where it is one of these.
    pub of_map: Vec<Option<SourceId>>,
    /// The included texts, each with its `.include`.
    includes: Vec<(SourceId, Label)>,
}

impl Files {
    /// The `.include` that brought in a text, if one did.
    pub fn included_at(&self, text: SourceId) -> Option<Label> {
        let found = self.includes.iter().find(|(included, _)| *included == text)?;
        Some(found.1.clone())
    }
}

/// Assembles a text and the other units of its program. The texts that they include come to `sources`.
///
/// # Errors
/// All that is wrong with it, in the order of its lines.
pub fn assemble(
    source: SourceId,
    sources: &mut Sources,
    options: &Options,
) -> Result<Assembled, Vec<Diagnostic>> {
    assemble_divided(source, sources, options, Division::of)
}

fn assemble_divided(
    source: SourceId,
    sources: &mut Sources,
    options: &Options,
    division: fn(&str) -> Division,
) -> Result<Assembled, Vec<Diagnostic>> {
    let ids: Vec<SourceId> = [source].into_iter().chain(options.units.iter().copied()).collect();
    let given: Vec<&Source> = ids.iter().map(|&id| sources.get(id)).collect();
    let units: Vec<&str> = given.iter().map(|it| it.text.as_deref().unwrap_or("")).collect();
    // The last position is none of a text.
    if u32::try_from(units[0].len() + 1).is_err() {
        return Err(vec![
            Diagnostic::error(Code::NotText, "the text is over 4 GiB")
                .at(source, Position::Whole, "")
                .help("split the program"),
        ]);
    }
    let texts = Texts::new(units[0], &units[1..]);
    let Finished { mut made, included: names, files } =
        assembler::Assembler::new(source, &given, &texts, options, division).run();
    let ids = TextIds { units: &ids, first_included: sources.next_id() };
    let told = match &mut made {
        Ok(made) => {
            made.files = ids.files(&texts, &files);
            &mut made.warnings
        }
        Err(errors) => errors,
    };
    origins::settle(told, &texts, &ids);
    let included = texts.into_included();
    for (name, text) in names.into_iter().zip(included) {
        sources.add_text(name, text);
    }
    made
}
