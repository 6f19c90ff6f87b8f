//! `hotvm info`

use super::{EXIT_STATUS, libraries::NativeFlags, output, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Diagnostic, visible};
use hotvm::isa::name::spelled;
use hotvm::program::Input;
use hotvm::tools::inspect::{
    DataSummary, FunctionSummary, GlobalSummary, Inspector, Origin, SlotSummary, Summary,
    summary_to_json,
};
use std::cmp::Reverse;
use std::path::PathBuf;

/// How many functions, slots and other things are listed of each kind, so that all fits a screen.
const SHOWN: usize = 8;

/// Sums up a program on one screen: functions, slots and their signatures, memory, data, sizes, and
/// what it needs from outside. The program need not be one that can be run.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm info game.vbc
  hotvm info game.vasm --json | jq .functions

{EXIT_STATUS}"))]
pub(super) struct Info {
    /// The program, text or bytecode; standard input for `-` or nothing
    #[arg(default_value = "-")]
    input: PathBuf,
    /// Print one JSON object, with all that there is
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    native: NativeFlags,
}

impl Info {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        match self.summary(report) {
            Ok(summary) => {
                let text = match self.json {
                    true => summary_to_json(&summary),
                    false => visible(&screen(&summary)).into_owned(),
                };
                output::write(None, text.as_bytes(), false, report)
            }
            Err(diagnostics) => {
                report.errors(&diagnostics);
                status::REJECTED
            }
        }
    }

    fn summary(&self, report: &mut Report) -> Result<Summary, Vec<Diagnostic>> {
        let input = Input::read(&self.input).map_err(|diagnostic| vec![diagnostic])?;
        let (origin, module, _) = self.native.read_module(input, report)?;
        Ok(Summary::new(&mut Inspector::new(&module), origin))
    }
}

fn screen(summary: &Summary) -> String {
    let mut out = format!("{}: {}\n", files(&summary.origin), kind(summary));
    if !summary.valid {
        out += "cannot be run: `hotvm check` tells why\n";
    }
    let code = summary.functions.iter();
    let (instructions, size) = code.fold((0, 0), |(i, s), f| (i + f.instructions, s + f.size));
    let public = match summary.functions.iter().filter(|f| f.public).count() {
        0 => String::new(),
        n => format!(", {n} public"),
    };
    out += &format!(
        "\nfunctions {}{public}, {instructions} instructions, {size} bytes\n",
        summary.functions.len()
    );
    // What others call, and the largest, say most about a program.
    let mut functions: Vec<_> = summary.functions.iter().collect();
    let rank = |f: &FunctionSummary| (f.index != summary.entry, !f.public, Reverse(f.size));
    functions.sort_by_key(|f| rank(f));
    list(&mut out, &functions, |f| function(f, f.index == summary.entry));
    titled(&mut out, "slots", &summary.slots, slot);
    titled(&mut out, "globals", &summary.globals, global);
    titled(&mut out, "data", &summary.data, data);
    let memory = summary.memory;
    out += &format!("\nmemory    {}, may grow to {}\n", bytes(memory.min), bytes(memory.max));
    let sections = summary.sections.iter().filter(|section| section.size > 1);
    let sections: Vec<_> = sections.map(|s| format!("{} {}", s.name, s.size)).collect();
    out += &wrapped("sections", &sections);
    let mut needs: Vec<_> = summary.needs.libraries.iter().map(|l| format!("{l:?}")).collect();
    needs.extend(summary.needs.words().into_iter().map(str::to_owned));
    if needs.is_empty() {
        needs.push("nothing".to_owned());
    }
    out + &wrapped("needs", &needs)
}

/// A list behind its title, in lines of no more than a terminal's width.
fn wrapped(title: &str, items: &[String]) -> String {
    const WIDTH: usize = 80;
    let (mut out, mut line) = (String::new(), format!("{title:10}"));
    for (at, item) in items.iter().enumerate() {
        let comma = if at + 1 < items.len() { "," } else { "" };
        if at > 0 && line.chars().count() + item.len() + 1 > WIDTH {
            out += &format!("{}\n", line.trim_end());
            line = " ".repeat(10);
        }
        line += &format!("{item}{comma} ");
    }
    out + line.trim_end() + "\n"
}

fn files(Origin { file, with, .. }: &Origin) -> String {
    match &with[..] {
        [] => file.clone(),
        [one] => format!("{file} with {one}"),
        more => format!("{file} with {} more files", more.len()),
    }
}

fn kind(summary: &Summary) -> String {
    let size = summary.origin.size;
    let text = match summary.origin.format {
        "text" => format!("program text, {size} bytes; {} as bytecode", summary.bytecode_size),
        _ => format!("bytecode, {size} bytes"),
    };
    match (summary.names, summary.source_map) {
        (false, false) => format!("{text}, stripped"),
        (true, false) => format!("{text}, without source map"),
        _ => text,
    }
}

/// A kind of things: how many there are, and the first of them. Nothing where there is none.
fn titled<T>(out: &mut String, title: &str, things: &[T], describe: impl Fn(&T) -> String) {
    if !things.is_empty() {
        *out += &format!("\n{title:9} {}\n", things.len());
        list(out, &things.iter().collect::<Vec<_>>(), describe);
    }
}

fn list<T>(out: &mut String, things: &[&T], describe: impl Fn(&T) -> String) {
    out.extend(things.iter().take(SHOWN).map(|thing| format!("  {}\n", describe(thing))));
    if let left @ 1.. = things.len().saturating_sub(SHOWN) {
        *out += &format!("  ... and {left} more; --json tells all\n");
    }
}

fn function(f: &FunctionSummary, entry: bool) -> String {
    let result = f.result.map_or(String::new(), |result| format!(" -> {result}"));
    let name = format!("{} ({}){result}", spelled(&f.name), f.params.join(", "));
    let public = if f.public { ", public" } else { "" };
    let entry = if entry { ", begins here" } else { "" };
    let (size, locals, stack) = (f.size, f.locals.len(), f.max_stack);
    format!("{name:38} {size} bytes, locals {locals}, stack {stack}{public}{entry}")
}

fn slot(s: &SlotSummary) -> String {
    let version = s.version.map_or(String::new(), |version| format!(" version {version}"));
    let lazy = if s.lazy { " lazy" } else { "" };
    format!("{:<3} {:?} {} {}{version}{lazy}", s.slot, s.library, s.symbol, s.signature)
}

fn global(g: &GlobalSummary) -> String {
    format!("{}: {} = {}", g.name.as_deref().map_or("?".into(), spelled), g.ty, g.value)
}

fn data(d: &DataSummary) -> String {
    let name = d.name.as_deref().map_or("?".into(), spelled);
    let zeros = if d.stored == 0 { ", zeros" } else { "" };
    format!("{name:24} {} at {}{zeros}", bytes(d.size), d.address)
}

/// A size in the largest unit that it fills.
fn bytes(size: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(shift, _)| size > 0 && size.is_multiple_of(1u64 << shift)) {
        Some((shift, unit)) => format!("{} {unit}", size >> shift),
        None => format!("{size} bytes"),
    }
}
