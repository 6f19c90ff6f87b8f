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
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The site with a number that code carries.
    pub fn from_number(number: u32) -> SiteId {
        SiteId(number)
    }
}

/// All places where compiled code can stop, or call what can: each with the call that was inlined
/// around it.
#[derive(Debug, Default)]
pub struct Places(Vec<(Site, SiteId)>);

impl Places {
    /// A site, inside of an inlined call unless `outer` is none.
    pub fn add(&mut self, site: Site, outer: SiteId) -> SiteId {
        self.0.push((site, outer));
        SiteId(self.0.len() as u32 - 1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Those from a number on.
    pub fn since(&self, number: usize) -> Places {
        Places(self.0[number..].to_vec())
    }
}

/// The places of the code that runs, and where that code is.
#[derive(Debug, Default)]
pub struct Sites {
    pub places: Places,
    /// Compiled functions by their address: how long they are, and where the calls in them return
    /// to, as offsets in order.
    functions: BTreeMap<usize, (usize, Vec<(u32, SiteId)>)>,
}

impl Sites {
    /// Takes over places that were made elsewhere, after all that are here.
    pub fn extend(&mut self, more: Places) {
        self.places.0.extend(more.0);
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
            let &(site, outer) = self.places.0.get(next.0 as usize)?;
            next = outer;
            Some(site)
        })
    }
}
