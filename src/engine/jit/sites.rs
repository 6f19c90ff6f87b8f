//! From places in machine code back to the program.

use crate::verify::Site;
use std::collections::BTreeMap;

/// A place in compiled code, as the number of its site. Where a call was inlined, its sites know the
/// call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteId(u32);

impl SiteId {
    /// No place: that of a function's first instructions, before its stack is checked.
    pub const NONE: SiteId = SiteId(u32::MAX);

    /// The number that code carries.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The site with a number that code carries.
    pub fn from_number(number: u32) -> SiteId {
        SiteId(number)
    }
}

/// All places where compiled code can stop, or call what can.
#[derive(Debug, Default)]
pub struct Sites {
    /// Each with the call that was inlined around it.
    places: Vec<(Site, SiteId)>,
    /// Compiled functions by their address: how long they are, and where the calls in them return
    /// to, as offsets in order.
    functions: BTreeMap<usize, (usize, Vec<(u32, SiteId)>)>,
}

impl Sites {
    /// A site, inside of an inlined call unless `outer` is none.
    pub fn add(&mut self, site: Site, outer: SiteId) -> SiteId {
        self.places.push((site, outer));
        SiteId(self.places.len() as u32 - 1)
    }

    /// Notes where a compiled function has been put.
    pub fn place(&mut self, address: usize, length: usize, returns: Vec<(u32, SiteId)>) {
        self.functions.insert(address, (length, returns));
    }

    /// The site of a call by where it returns to, when that is in compiled code.
    pub fn of_return(&self, address: usize) -> SiteId {
        let found = || {
            let (start, (length, returns)) = self.functions.range(..=address).next_back()?;
            let offset = u32::try_from(address - start).ok().filter(|&o| o as usize <= *length)?;
            let at = returns.binary_search_by_key(&offset, |&(offset, _)| offset).ok()?;
            Some(returns[at].1)
        };
        found().unwrap_or(SiteId::NONE)
    }

    /// A site and the inlined calls around it, from the inside out.
    pub fn chain(&self, innermost: SiteId) -> impl Iterator<Item = Site> {
        let mut next = innermost;
        std::iter::from_fn(move || {
            let &(site, outer) = self.places.get(next.0 as usize)?;
            next = outer;
            Some(site)
        })
    }
}
