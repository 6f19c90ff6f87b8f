//! Program text to [`Module`].
//!
//! Text is read once, line by line (`assembler`): declarations are noted, and the instructions of
//! a function wait until its end, when its labels and locals are known (`body`). They then become
//! bytes. What only the end of the text can tell (functions, globals and constants that stand
//! further below) is left out of those bytes and inserted last (`fixups`).
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
mod expansion;
mod finish;
mod fixups;
mod layout;
mod macros;
mod names;
mod operands;
mod options;
mod origins;
mod reading;
mod types;
mod unused;
mod whole;

pub use options::{COMMAND_LINE, Included, Includes, Options};
pub use whole::{Offer, Offers};

use crate::diagnostics::{Code, Diagnostic, Position, SourceId, Sources};
use crate::module::Module;
use crate::syntax::Texts;

/// What a text assembles to.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// The module.
    pub module: Module,
    /// What is probably not as it was meant.
    pub warnings: Vec<Diagnostic>,
}

/// Assembles a text. The texts that it includes come to `sources`.
///
/// # Errors
/// All that is wrong with it, in the order of its lines.
pub fn assemble(
    source: SourceId,
    sources: &mut Sources,
    options: &Options,
) -> Result<Assembled, Vec<Diagnostic>> {
    let it = sources.get(source);
    let text = it.text.as_deref().unwrap_or("");
    // The last position is none of a text.
    if u32::try_from(text.len() + 1).is_err() {
        return Err(vec![
            Diagnostic::error(Code::NotText, "the text is over 4 GiB")
                .at(source, Position::Whole, "")
                .help("split the program"),
        ]);
    }
    let texts = Texts::new(text);
    let (mut made, names) = assembler::Assembler::new(source, &it.name, &texts, options).run();
    let told = match &mut made {
        Ok(made) => &mut made.warnings,
        Err(errors) => errors,
    };
    origins::settle(told, &texts, source, sources.next_id());
    let included = texts.into_included();
    for (name, text) in names.into_iter().zip(included) {
        sources.add_text(name, text);
    }
    made
}
