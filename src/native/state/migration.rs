//! From the variables of one generation to those of the next.

use super::align::{How, Step, align};
use super::home::Home;
use super::merge::{Images, Outcome};
use super::report::{Carried, Fresh, Reason, StateReport};
use super::statics::{Key, Statics, Variable};
use std::collections::{HashMap, HashSet};

/// What to copy from one generation of a library to the next.
#[derive(Debug, Default)]
pub(in crate::native) struct Migration {
    transfers: Vec<Transfer>,
    /// What is known beforehand.
    settled: StateReport,
}

/// What becomes of one variable.
#[derive(Debug)]
struct Transfer {
    name: String,
    /// The types, if they differ.
    converted: Option<(String, String)>,
    old: Home,
    /// `None` if nothing is to be written.
    new: Option<Home>,
    /// `None` if all bytes are copied as they are.
    merge: Option<Merge>,
}

/// How a value is merged.
#[derive(Debug)]
struct Merge {
    step: Step,
    /// The initial values in the old and the new file.
    was: Vec<u8>,
    now: Vec<u8>,
    /// Where the loader has put addresses into the old variable, counted from the old base.
    addresses: Vec<(usize, u64)>,
}

impl Migration {
    /// Matches the variables of two generations.
    pub fn plan(old: &Statics, new: &Statics) -> Migration {
        let mut migration = Migration::default();
        if old.unread || new.unread {
            migration.settled.unread = Some(match new.unread {
                true => "the new version has no debug information; compile it with -g",
                false => "the old version had no debug information",
            });
            return migration;
        }
        let (pairs, left) = pair(&old.variables, &new.variables);
        for (before, now) in pairs {
            migration.add((old, before), (new, now));
        }
        for gone in left {
            let how = How::Gone(gone.ty.size * 8);
            migration.transfers.extend(Transfer::stay(old, gone, how));
        }
        migration
    }

    fn add(&mut self, (old, before): (&Statics, &Variable), (new, now): (&Statics, &Variable)) {
        let several = (before.key.nth.1 != now.key.nth.1).then_some(Reason::SeveralOfTheName);
        let barred = several.or(before.barred.clone()).or(now.barred.clone());
        match (barred, &before.home, &now.home) {
            (None, Some(from), Some(to)) => {
                self.transfers.push(Transfer::merge((old, before, from), (new, now, to)));
            }
            (Some(reason), Some(_), _) => {
                let how = How::Leave(reason, before.ty.size * 8);
                self.transfers.extend(Transfer::stay(old, before, how));
            }
            // A constant before and after is nothing to speak of.
            _ if before.barred == now.barred && before.barred == Some(Reason::Folded) => {}
            (reason, _, _) => {
                let reason = reason.unwrap_or(Reason::Folded);
                let lost = before.barred != Some(Reason::Folded);
                self.settled.fresh.push(Fresh { name: now.name.clone(), reason, lost });
            }
        }
    }

    /// Carries the values over. All are read and converted before the first is written.
    ///
    /// # Safety
    ///
    /// The bases must be those of the two libraries, loaded from the very bytes that the statics
    /// were read from, still mapped, and none of their code may be running.
    pub unsafe fn apply(&self, old_base: usize, new_base: usize) -> StateReport {
        let mut report = self.settled.clone();
        let read = |base: usize| {
            move |address: u64, into: &mut [u8]| {
                let from = std::ptr::with_exposed_provenance::<u8>(base + address as usize);
                // SAFETY: `Statics::read` admits only variables that lie in writable segments whole,
                // the caller vouches that these are mapped at the base, and nobody is writing.
                unsafe { std::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) }
            }
        };
        let mut writes = Vec::new();
        for transfer in &self.transfers {
            let live = transfer.old.gather(read(old_base));
            let image = transfer.new.as_ref().map(|new| new.gather(read(new_base)));
            writes.extend(transfer.new.as_ref().zip(transfer.run(
                live,
                image,
                old_base,
                &mut report,
            )));
        }
        for (home, image) in writes {
            home.scatter(&image, |address, bytes| {
                let to = std::ptr::with_exposed_provenance_mut::<u8>(new_base + address as usize);
                // SAFETY: as above; the segment is writable, and stays so once the loader is done.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
            });
        }
        report
    }
}

impl Transfer {
    fn merge(
        (old, before, from): (&Statics, &Variable, &Home),
        (new, now, to): (&Statics, &Variable, &Home),
    ) -> Transfer {
        let (was, is) = (old.data.initial(from), new.data.initial(to));
        let same_type = before.ty == now.ty;
        let complete = from.holds(0..was.len()) && to.holds(0..is.len());
        let plain = same_type && was == is && complete;
        let types = || (before.ty.name.clone(), now.ty.name.clone());
        let step = || align(&now.name, &before.ty, &now.ty);
        Transfer {
            name: now.name.clone(),
            converted: (!same_type).then(types),
            old: from.clone(),
            new: Some(to.clone()),
            merge: (!plain).then(|| Merge { step: step(), was, now: is, addresses: Vec::new() }),
        }
    }

    /// A variable that is not carried over; whether anything is lost by that will be seen.
    fn stay(old: &Statics, variable: &Variable, how: How) -> Option<Transfer> {
        let home = variable.home.clone()?;
        let step = Step { path: variable.name.clone(), from: 0, to: 0, how };
        let (was, addresses) = (old.data.initial(&home), old.data.addresses_of(&home));
        Some(Transfer {
            name: variable.name.clone(),
            converted: None,
            old: home,
            new: None,
            merge: Some(Merge { step, was, now: Vec::new(), addresses }),
        })
    }

    /// What to write, if anything.
    fn run(
        &self,
        mut live: Vec<u8>,
        image: Option<Vec<u8>>,
        base: usize,
        report: &mut StateReport,
    ) -> Option<Vec<u8>> {
        let mut outcome = Outcome::default();
        let result = match &self.merge {
            None => {
                outcome.carried = true;
                Ok(live)
            }
            Some(merge) => {
                merge.undo_addresses(&mut live, base);
                let homes = (&self.old, self.new.as_ref().unwrap_or(&self.old));
                merge.run(&live, image.unwrap_or_default(), homes, &mut outcome)
            }
        };
        let fits = |image: &Vec<u8>| self.new.as_ref().is_none_or(|home| home.takes(image));
        let result = result.and_then(|i| if fits(&i) { Ok(i) } else { Err(Reason::TwoValued) });
        match result {
            Ok(image) => {
                outcome.tell(&self.name, &self.converted, report);
                Some(image).filter(|_| outcome.carried)
            }
            Err(reason) => {
                report.fresh.push(Fresh { name: self.name.clone(), reason, lost: true });
                None
            }
        }
    }
}

impl Merge {
    fn run(
        &self,
        live: &[u8],
        mut image: Vec<u8>,
        homes: (&Home, &Home),
        outcome: &mut Outcome,
    ) -> Result<Vec<u8>, Reason> {
        let Merge { step, was, now, .. } = self;
        Images { live, was, now, image: &mut image, homes }.take(step, 0, 0, outcome)?;
        Ok(image)
    }

    /// Puts back what the file has where the loader has put an address, if that is still there: then
    /// the variable has its initial value.
    fn undo_addresses(&self, live: &mut [u8], base: usize) {
        for &(at, address) in &self.addresses {
            let word = at..at + size_of::<usize>();
            let initial = (base as u64).wrapping_add(address).to_le_bytes();
            if let (Some(word), Some(was)) = (live.get_mut(word.clone()), self.was.get(word))
                && *word == initial
            {
                word.copy_from_slice(was);
            }
        }
    }
}

impl Outcome {
    fn tell(&mut self, name: &str, converted: &Option<(String, String)>, report: &mut StateReport) {
        if self.carried {
            let converted = converted.clone();
            report.carried.push(Carried { name: name.to_owned(), converted });
        }
        report.edited.append(&mut self.edited);
        report.fresh.append(&mut self.fresh);
        report.gone.append(&mut self.gone);
    }
}

/// What makes two variables the same: their source file as far as it counts, their scope and name,
/// and which of that name they are.
type Identity<'k> = (&'k str, &'k str, &'k str, usize);

/// The same variables in two generations, and the old ones that are no longer there.
fn pair<'v>(
    old: &'v [Variable],
    new: &'v [Variable],
) -> (Vec<(&'v Variable, &'v Variable)>, Vec<&'v Variable>) {
    // A build may take place in another folder, and a global variable may move to another file.
    let rules: [fn(&Key) -> Option<&str>; 3] =
        [|key| Some(&key.unit), |key| Some(key.file_name()), |key| key.external.then_some("")];
    let (mut old, mut new) = (old.iter().collect::<Vec<_>>(), new.iter().collect::<Vec<_>>());
    let mut pairs = Vec::new();
    for rule in rules {
        let (left, right) = (index(&old, rule), index(&new, rule));
        let same = left.iter().filter_map(|(identity, before)| {
            match (before.as_slice(), right.get(identity)?.as_slice()) {
                ([before], [now]) => Some((*before, *now)),
                _ => None,
            }
        });
        pairs.extend(same);
        let paired = pairs.iter().flat_map(|&(before, now)| [before, now]);
        let paired: HashSet<*const Variable> = paired.map(std::ptr::from_ref).collect();
        old.retain(|v| !paired.contains(&std::ptr::from_ref(*v)));
        new.retain(|v| !paired.contains(&std::ptr::from_ref(*v)));
    }
    pairs.sort_by_key(|(before, _)| &before.key);
    (pairs, old)
}

fn index<'v>(
    variables: &[&'v Variable],
    rule: fn(&Key) -> Option<&str>,
) -> HashMap<Identity<'v>, Vec<&'v Variable>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for &variable in variables {
        let key = &variable.key;
        if let Some(unit) = rule(key) {
            found.entry((unit, &*key.scope, &*key.name, key.nth.0)).or_default().push(variable);
        }
    }
    found
}
