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
mod consequences;
mod constants;
mod declare;
mod finish;
mod fixups;
mod layout;
mod operands;
mod types;
mod whole;

pub use whole::{Offer, Offers};

use crate::diagnostics::{Code, Diagnostic, SourceId, Sources};
use crate::module::Module;

/// Assembles a text. `offers` tells what the libraries hold that it binds as a whole.
///
/// # Errors
/// All that is wrong with it, in the order of its lines.
pub fn assemble(
    source: SourceId,
    sources: &Sources,
    offers: &Offers,
) -> Result<Module, Vec<Diagnostic>> {
    let it = sources.get(source);
    let text = it.text.as_deref().unwrap_or("");
    if u32::try_from(text.len()).is_err() {
        return Err(vec![
            Diagnostic::error(Code::NotText, "the text is over 4 GiB")
                .at(source, crate::diagnostics::Position::Whole, "")
                .help("split the program"),
        ]);
    }
    assembler::Assembler::new(source, &it.name, text, offers).run()
}
