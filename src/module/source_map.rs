//! From instructions back to lines of text.

use super::Module;

/// A place in a program's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Index in [`SourceMap::files`].
    pub file: u32,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// A file that the program was assembled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as it was given to the assembler.
    pub name: String,
    /// The CRC-32 of its text, so that a reader knows whether the file still is what it was.
    pub crc: u32,
}

/// Instructions that stand on consecutive lines, all at one column. Assembly is written that way,
/// so one run mostly serves a whole stretch between two blank lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many instructions.
    pub count: u32,
    /// Where the first stands.
    pub first: Location,
}

/// A call of a macro, whose expansion instructions came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacroCall {
    /// The macro: index in [`SourceMap::macros`].
    pub name: u32,
    /// The call.
    pub at: Location,
    /// The call whose expansion it stands in, by its index, which is the lower one.
    pub within: Option<u32>,
}

/// Instructions that came from one call of a macro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The function that they belong to.
    pub function: u32,
    /// The first of them.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// The innermost call: index in [`SourceMap::calls`].
    pub call: u32,
}

/// Where in the program's text things stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    /// The files.
    pub files: Vec<SourceFile>,
    /// For each function, the runs that make up its instructions.
    pub functions: Vec<Vec<Run>>,
    /// For each import, its `.lib`.
    pub imports: Vec<Location>,
    /// The names of the macros.
    pub macros: Vec<String>,
    /// Calls of macros.
    pub calls: Vec<MacroCall>,
    /// What came from them, in the order of functions and instructions.
    pub expanded: Vec<Expanded>,
}

impl SourceMap {
    /// Appends the place of the next instruction to the runs of a function.
    pub fn push(runs: &mut Vec<Run>, at: Location) {
        if let Some(run) = runs.last_mut() {
            let next = Location { line: run.first.line.wrapping_add(run.count), ..run.first };
            if next == at {
                run.count += 1;
                return;
            }
        }
        runs.push(Run { count: 1, first: at });
    }

    /// Notes that the next instruction of a function, which has this number, came from a call.
    pub fn push_expanded(expanded: &mut Vec<Expanded>, function: u32, instr: u32, call: u32) {
        if let Some(last) = expanded.last_mut()
            && (last.function, last.call, last.first + last.count) == (function, call, instr)
        {
            last.count += 1;
            return;
        }
        expanded.push(Expanded { function, first: instr, count: 1, call });
    }

    /// The innermost call of a macro that an instruction came from.
    pub fn call_of(&self, function: u32, instr: u32) -> Option<u32> {
        let behind = self.expanded.partition_point(|e| (e.function, e.first) <= (function, instr));
        let found = self.expanded[..behind].last()?;
        let holds = found.function == function && instr - found.first < found.count;
        holds.then_some(found.call)
    }

    /// The calls of macros that an instruction came from, the innermost first.
    pub fn calls_of(&self, function: u32, instr: u32) -> impl Iterator<Item = &MacroCall> {
        // A map from anywhere may lead in circles.
        let outer = |&index: &u32| self.calls.get(index as usize)?.within.filter(|&w| w < index);
        let indices = std::iter::successors(self.call_of(function, instr), outer);
        indices.filter_map(|index| self.calls.get(index as usize))
    }

    /// Where the instructions of a function stood, in order.
    pub fn places(&self, function: u32) -> impl Iterator<Item = Option<Location>> {
        let runs = self.functions.get(function as usize).map_or(&[][..], |runs| runs);
        runs.iter().flat_map(|&Run { count, first }| {
            let line = move |at| first.line.checked_add(at);
            (0..count).map(move |at| line(at).map(|line| Location { line, ..first }))
        })
    }
}

/// Finds the places of single instructions of one module.
#[derive(Clone, Debug, Default)]
pub struct Locator {
    /// The function that was last asked about.
    function: Option<u32>,
    /// Where each of its runs ends.
    ends: Vec<u64>,
}

impl Locator {
    /// Where an instruction stood.
    pub fn locate(&mut self, module: &Module, function: u32, instr: u32) -> Option<Location> {
        let runs = module.source_map.as_ref()?.functions.get(function as usize)?;
        if self.function != Some(function) {
            self.function = Some(function);
            self.ends.clear();
            let mut end = 0;
            self.ends.extend(runs.iter().map(|run| {
                end += u64::from(run.count);
                end
            }));
        }
        let at = self.ends.partition_point(|end| *end <= u64::from(instr));
        let (first, count) = (runs.get(at)?.first, runs[at].count);
        let begin = self.ends[at] - u64::from(count);
        let line = u64::from(first.line) + u64::from(instr) - begin;
        Some(Location { line: line.try_into().ok()?, ..first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_give_back_each_place() {
        let places = [(3, 5), (4, 5), (5, 5), (7, 5), (8, 9), (8, 20), (9, 20)];
        let at = |(line, column)| Location { file: 0, line, column };
        let mut runs = Vec::new();
        places.iter().for_each(|&p| SourceMap::push(&mut runs, at(p)));
        assert_eq!(runs.len(), 4);
        let last = vec![Run { count: u32::MAX, first: at((u32::MAX, 1)) }; 2];
        let map = SourceMap { functions: vec![vec![], runs, last], ..SourceMap::default() };
        assert!(map.places(1).eq(places.iter().map(|&p| Some(at(p)))));
        let module = Module { source_map: Some(map), ..Module::default() };
        let mut locator = Locator::default();
        let mut locate = |function, instr| locator.locate(&module, function, instr);
        for (i, &p) in places.iter().enumerate().rev() {
            assert_eq!(locate(1, i as u32), Some(at(p)));
        }
        assert_eq!(locate(1, places.len() as u32), None);
        assert_eq!((locate(0, 0), locate(3, 0)), (None, None));
        assert_eq!((locate(2, 0), locate(2, 1)), (Some(at((u32::MAX, 1))), None));
        assert_eq!(locate(2, u32::MAX), Some(at((u32::MAX, 1))));
    }
}
