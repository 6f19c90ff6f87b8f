//! The source line of an address, from the debug information of its library.

use crate::native::debuginfo::{DebugFile, Slice, Unit};
use gimli::Dwarf;

/// File and line, such as `math_ops.c:12`, of an address in a library of these bytes.
pub fn line_of(library: &[u8], address: u64) -> Option<String> {
    let file = DebugFile::read(library)?;
    let info = file.open();
    info.units.iter().find_map(|unit| line_in(&info.dwarf, unit, address))
}

/// The same in one unit. A row of its table holds from its address to that of the next.
fn line_in(dwarf: &Dwarf<Slice>, unit: &Unit, address: u64) -> Option<String> {
    let mut rows = unit.line_program.clone()?.rows();
    let mut before: Option<gimli::LineRow> = None;
    while let Ok(Some((header, row))) = rows.next_row() {
        if let Some(row_before) =
            before.filter(|it| (it.address()..row.address()).contains(&address))
        {
            let name = row_before.file(header)?.path_name();
            let path = dwarf.attr_string(unit, name).ok()?.to_string_lossy();
            let name = path.rsplit('/').next().unwrap_or_default();
            return Some(format!("{name}:{}", row_before.line()?));
        }
        before = (!row.end_sequence()).then_some(*row);
    }
    None
}
