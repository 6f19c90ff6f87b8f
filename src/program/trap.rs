//! A trap, at its line.

use super::Program;
use crate::diagnostics::{Diagnostic, Position, Sources};
use crate::engine::Trap;
use crate::verify::Site;

impl Program {
    /// Explains a trap of this program: the instruction, and the calls that led to it.
    pub fn explain(&mut self, trap: &Trap, sources: &mut Sources) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(trap.kind.code(), trap.kind.to_string());
        if let Some(&site) = trap.stack.first() {
            let (source, position) = self.places.of(self.verified.module(), site, sources);
            let label = format!("in `{}`", self.verified.module().function_name(site.function));
            diagnostic = diagnostic.at(source, position, label);
            diagnostic.labels.extend(self.places.calls(self.verified.module(), site, sources));
        }
        let calls = self.calls(trap, sources);
        if !calls.is_empty() {
            diagnostic = diagnostic.note(calls.join("\n"));
        }
        diagnostic.notes.extend(trap.kind.note());
        diagnostic.maybe_help(trap.kind.help().map(str::to_owned))
    }

    /// The calls that led to a trap, a line each; equal ones in a row share it.
    fn calls(&mut self, trap: &Trap, sources: &mut Sources) -> Vec<String> {
        let mut lines: Vec<(String, usize)> = Vec::new();
        for (i, &site) in trap.stack.iter().enumerate().skip(1) {
            if trap.omitted > 0 && i == Trap::INNERMOST {
                lines.push((format!("... {} more calls ...", trap.omitted), 1));
            }
            let line = self.called_from(site, sources);
            match lines.last_mut() {
                Some((last, times)) if *last == line => *times += 1,
                _ => lines.push((line, 1)),
            }
        }
        let times =
            |(line, times)| if times == 1 { line } else { format!("{line}, {times} times") };
        lines.into_iter().map(times).collect()
    }

    fn called_from(&mut self, site: Site, sources: &mut Sources) -> String {
        let module = self.verified.module();
        let (source, position) = self.places.of(module, site, sources);
        let file = sources.get(source);
        let place = match position {
            Position::Span(span) => {
                let (line, column) = file.line_column(span.start);
                format!("{}:{line}:{column}", file.name)
            }
            Position::LineColumn(line, column) => format!("{}:{line}:{column}", file.name),
            Position::Offset(_) | Position::Whole => file.name.clone(),
        };
        format!("called from {place}, in `{}`", module.function_name(site.function))
    }
}
