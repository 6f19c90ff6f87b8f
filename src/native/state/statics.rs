//! The static variables of a library.

use super::super::debuginfo::{DebugFile, DebugInfo, Die, Unit};
use super::data::Data;
use super::home::{Home, Located, Part};
use super::report::Reason;
use super::types::{Shape, Type, Types};
use gimli::{
    DW_AT_decl_column, DW_AT_decl_line, DW_AT_declaration, DW_AT_external, DW_AT_linkage_name,
    DW_AT_type, DW_TAG_array_type, DW_TAG_atomic_type, DW_TAG_class_type, DW_TAG_const_type,
    DW_TAG_namespace, DW_TAG_structure_type, DW_TAG_subprogram, DW_TAG_typedef, DW_TAG_union_type,
    DW_TAG_variable, DW_TAG_volatile_type, DwTag, UnitOffset,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The most bytes of one variable that are carried over: the program waits for the copy.
const LARGEST: u64 = 256 << 20;

/// How many names and qualifiers a type has at most; damaged information may go in circles.
const MOST_STEPS: usize = 64;

/// What a variable's name is relative to.
const SCOPES: [DwTag; 5] = [
    DW_TAG_subprogram,
    DW_TAG_namespace,
    DW_TAG_structure_type,
    DW_TAG_class_type,
    DW_TAG_union_type,
];

/// The static variables of one library file.
#[derive(Debug, Default)]
pub(in crate::native) struct Statics {
    pub(super) variables: Vec<Variable>,
    pub(super) data: Data,
    /// Whether it has variables and no debug information about them.
    pub(super) unread: bool,
}

/// A static variable.
#[derive(Debug)]
pub(super) struct Variable {
    pub key: Key,
    /// For people.
    pub name: String,
    /// `None` if the compiler keeps it out of memory, or each thread has its own.
    pub home: Option<Home>,
    pub ty: Arc<Type>,
    /// Whether it is inside of a function.
    pub is_local: bool,
    /// What speaks against carrying it over, whatever the other generation has.
    pub barred: Option<Reason>,
}

/// What makes two variables of two generations the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// The source file that was compiled.
    pub unit: String,
    /// The functions, namespaces and classes around it.
    pub scope: String,
    pub name: String,
    /// Which of those with this name in this scope it is, from 0, and how many there are. Each block
    /// of a function may have its own, and not every compiler tells blocks apart.
    pub nth: (usize, usize),
    /// Whether other source files can name it, so that there is one in the whole library.
    pub external: bool,
}

impl Statics {
    /// The static variables of a library, from its bytes. Bytes that are no library have none.
    pub fn read(bytes: &[u8]) -> Statics {
        Statics::read_with(bytes, bytes)
    }

    /// The same where the debug information is in a file of its own.
    pub fn read_with(bytes: &[u8], debug: &[u8]) -> Statics {
        let Some(data) = Data::read(bytes, debug) else { return Statics::default() };
        let Some(file) = DebugFile::read(debug) else {
            return Statics { unread: data.has_variables(), data, ..Statics::default() };
        };
        let mut found = Collector { data: &data, types: Types::default() }.collect(&file.open());
        number(&mut found);
        distinguish(&mut found);
        let variables: Vec<_> = found.into_iter().map(|found| found.variable).collect();
        // There is also debug information that tells of lines only, or where the rest is.
        let unread = variables.is_empty() && data.has_variables();
        Statics { variables, data, unread }
    }
}

/// A variable with its place in the source, by which those of one name are ordered.
struct Found {
    variable: Variable,
    place: (u64, u64, usize),
}

/// An entry of a variable, and the scopes around it from the outermost.
struct Standing<'i, 'a> {
    die: Die<'i, 'a>,
    scopes: Arc<[UnitOffset]>,
}

struct Collector<'d> {
    data: &'d Data,
    types: Types,
}

impl Collector<'_> {
    fn collect(&mut self, info: &DebugInfo) -> Vec<Found> {
        let standings: Vec<_> = info.units.iter().flat_map(|unit| walk(info, unit)).collect();
        let by_offset: HashMap<_, _> = standings.iter().map(|s| (s.die.offset(), s)).collect();
        // After link-time optimisation a variable's place and its declaration are two entries.
        let mut found: BTreeMap<usize, Found> = BTreeMap::new();
        for standing in &standings {
            let origin = standing.die.origin();
            let Some(offset) = origin.offset() else { continue };
            let declared = by_offset.get(&Some(offset)).copied().unwrap_or(standing);
            let known = found.get(&offset).map(|known| &known.variable.barred);
            let is_unplaced = known.is_none_or(|barred| *barred == Some(Reason::Folded));
            if is_unplaced && let Some(variable) = self.variable(&standing.die, declared) {
                let number = |name| origin.number(name).unwrap_or(0);
                let place = (number(DW_AT_decl_line), number(DW_AT_decl_column), offset);
                found.insert(offset, Found { variable, place });
            }
        }
        found.into_values().collect()
    }

    /// The variable of an entry, if it is static and can change.
    fn variable(&mut self, die: &Die, declared: &Standing) -> Option<Variable> {
        let located = match Located::of(die) {
            Located::Automatic => return None,
            Located::Nowhere if declared.is_local() || die.entry.has_attr(DW_AT_declaration) => {
                return None;
            }
            located => located,
        };
        if is_constant(die) {
            return None;
        }
        let ty = self.types.of(die)?;
        let (home, barred) = match located {
            Located::Home(home) => {
                let home = home.sized(usize::try_from(ty.size).ok()?);
                if !home.parts().iter().all(|part| self.data.contains(part)) {
                    return None;
                }
                let barred = self.barred(&home, &ty);
                let readable = !matches!(barred, Some(Reason::Unknown | Reason::Size));
                (readable.then_some(home), barred)
            }
            Located::ThreadLocal => (None, Some(Reason::ThreadLocal)),
            Located::Nowhere | Located::Automatic => (None, Some(Reason::Folded)),
        };
        let function = home.as_ref().and_then(|home| self.function(home, die.name()?));
        let (key, name) = declared.names(function.as_deref())?;
        let barred = match function {
            None if declared.is_nameless() => Some(Reason::Unknown),
            _ => barred,
        };
        Some(Variable { key, name, home, ty, is_local: declared.is_local(), barred })
    }

    /// The function that a variable is inside of, if its symbol tells.
    fn function(&self, home: &Home, variable: &str) -> Option<String> {
        let first = home.parts().iter().find_map(Part::memory)?;
        self.data.symbol(first.0)?.function(variable)
    }

    /// What speaks against carrying over a variable.
    fn barred(&self, home: &Home, ty: &Type) -> Option<Reason> {
        let parts = home.parts();
        let symbol = |part: &Part| self.data.symbol(part.memory()?.0);
        // The compiler may have made a variable smaller than its type and not have said so.
        let shrunk = |part: &Part| {
            let size = part.memory().map_or(0, |(_, size)| size as u64);
            symbol(part).is_some_and(|symbol| symbol.size < size)
        };
        let has = |shape: &Shape| ty.find(shape);
        if ty.size > LARGEST {
            return Some(Reason::Size);
        }
        if ty.size == 0 || has(&Shape::Unknown).is_some() || parts.iter().any(shrunk) {
            return Some(Reason::Unknown);
        }
        if parts.iter().filter_map(symbol).any(|symbol| symbol.unique) {
            return Some(Reason::Shared);
        }
        if let Some(path) = has(&Shape::Pointer) {
            return Some(Reason::Pointer { path });
        }
        if parts.iter().filter_map(Part::memory).any(|(at, _)| self.data.is_guarded(at)) {
            return Some(Reason::RunsOnce);
        }
        let holds_address = |part| self.data.addresses_in(part).next().is_some();
        parts.iter().any(holds_address).then_some(Reason::Address)
    }
}

impl<'i, 'a> Standing<'i, 'a> {
    fn scopes(&self) -> impl Iterator<Item = Die<'i, 'a>> {
        self.scopes.iter().filter_map(|&scope| self.die.info.die(self.die.unit, scope))
    }

    /// Whether it is inside of a function.
    fn is_local(&self) -> bool {
        self.scopes().any(|scope| scope.tag() == DW_TAG_subprogram)
    }

    /// Whether it is inside of a function without a name: where clang has copied a function into all
    /// its callers, its variables remain in a shell that tells nothing.
    fn is_nameless(&self) -> bool {
        self.scopes().any(|scope| is_shell(&scope))
    }

    /// What tells it from others, except those of its name, and what people call it. `function` is
    /// the one that it is inside of, where only its symbol tells.
    fn names(&self, function: Option<&str>) -> Option<(Key, String)> {
        let (mut scope, mut shown) = (String::new(), String::new());
        for around in self.scopes() {
            let told = function.filter(|_| is_shell(&around));
            let name = around.name().or(told).unwrap_or("(unnamed)");
            // Overloaded functions have the same name. What has a linkage name needs nothing else.
            let linkage = around.with(DW_AT_linkage_name);
            match linkage.and_then(|die| die.string(DW_AT_linkage_name)).or(told) {
                Some(whole) => scope = whole.to_owned(),
                None => scope += name,
            }
            scope += "::";
            shown += name;
            shown += "::";
        }
        let name = self.die.name()?.to_owned();
        shown += &name;
        let external = self.die.entry.has_attr(DW_AT_external);
        let unit = source(&self.die.unit_path()?);
        Some((Key { unit, scope, name, nth: (0, 1), external }, shown))
    }
}

fn is_shell(scope: &Die) -> bool {
    scope.tag() == DW_TAG_subprogram && scope.name().is_none()
}

/// The variables of a unit, static or not.
fn walk<'i, 'a>(info: &'i DebugInfo<'a>, unit: &'i Unit<'a>) -> Vec<Standing<'i, 'a>> {
    let mut found = Vec::new();
    let mut scopes: Vec<(isize, Arc<[UnitOffset]>)> = vec![(-1, Arc::new([]))];
    let Ok(mut entries) = unit.entries_raw(None) else { return found };
    while !entries.is_empty() {
        let (depth, offset) = (entries.next_depth(), entries.next_offset());
        let Ok(abbreviation) = entries.read_abbreviation() else { break };
        let Some(abbreviation) = abbreviation else { continue };
        while scopes.len() > 1 && scopes.last().is_some_and(|(outer, _)| *outer >= depth) {
            scopes.pop();
        }
        let around = scopes.last().map(|(_, around)| around.clone()).unwrap_or_default();
        if abbreviation.tag() == DW_TAG_variable {
            found.extend(info.die(unit, offset).map(|die| Standing { die, scopes: around }));
        } else if SCOPES.contains(&abbreviation.tag()) && abbreviation.has_children() {
            scopes.push((depth, around.iter().copied().chain([offset]).collect()));
        }
        if entries.skip_attributes(abbreviation.attributes()).is_err() {
            break;
        }
    }
    found
}

/// Whether a variable's type, or that of its elements, is constant.
fn is_constant(variable: &Die) -> bool {
    const AROUND: [DwTag; 4] =
        [DW_TAG_typedef, DW_TAG_volatile_type, DW_TAG_atomic_type, DW_TAG_array_type];
    let mut ty = variable.type_as_written();
    for _ in 0..MOST_STEPS {
        match ty {
            Some(outer) if AROUND.contains(&outer.tag()) => ty = outer.reference(DW_AT_type),
            _ => break,
        }
    }
    ty.is_some_and(|ty| ty.tag() == DW_TAG_const_type)
}

/// The source that a unit is compiled from, without what changes from build to build: `.` and `..`
/// in its path, and the number that Rust appends for each of several units of one crate.
fn source(unit: &Path) -> String {
    let mut parts = Vec::new();
    for part in unit.components() {
        match part.as_os_str().to_str() {
            Some(".") => {}
            Some("..") => drop(parts.pop()),
            Some("@") => break,
            part => parts.push(part.unwrap_or("?")),
        }
    }
    parts.join("/")
}

/// Numbers those of one name in one scope as they stand in the source.
fn number(found: &mut [Found]) {
    found.sort_by(|a, b| (&a.variable.key, a.place).cmp(&(&b.variable.key, b.place)));
    for same in found.chunk_by_mut(|a, b| a.variable.key == b.variable.key) {
        let count = same.len();
        for (i, found) in same.iter_mut().enumerate() {
            found.variable.key.nth = (i, count);
        }
    }
}

/// Adds its source file to the name of each that another source file has too.
fn distinguish(found: &mut [Found]) {
    let mut units: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for Found { variable: Variable { name, key, .. }, .. } in found.iter() {
        units.entry(name).or_default().insert(&key.unit);
    }
    let several = units.into_iter().filter(|(_, units)| units.len() > 1);
    let several: HashSet<String> = several.map(|(name, _)| name.to_owned()).collect();
    for Found { variable: Variable { name, key, .. }, .. } in found {
        if several.contains(name) {
            *name = format!("{} in {}", name, key.file_name());
        }
    }
}

impl Key {
    /// The name of its source file, without the folder.
    pub fn file_name(&self) -> &str {
        self.unit.rsplit('/').next().unwrap_or(&self.unit)
    }
}
