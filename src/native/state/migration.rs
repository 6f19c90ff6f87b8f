//! From the variables of one generation to those of the next.

use super::align::{How, Step, align};
use super::home::Home;
use super::merge::{Images, Outcome};
use super::report::{Carried, Fresh, Reason, StateReport};
use super::statics::{Key, Statics, Variable};
use super::together::{LostPointers, Scope, Scopes};
use crate::native::settings::StateMode;
use std::collections::{HashMap, HashSet};

/// What to copy from one generation of a library to the next.
#[derive(Debug, Default)]
pub(in crate::native) struct Migration {
    transfers: Vec<Transfer>,
    /// What is known beforehand.
    settled: StateReport,
    /// Whether a lost pointer takes others along.
    together: bool,
}

/// What becomes of one variable.
#[derive(Debug)]
struct Transfer {
    name: String,
    /// The types, if they differ.
    converted: Option<(String, String)>,
    old: Home,
    /// `None` if the new generation has no such variable in memory.
    new: Option<Home>,
    /// Where the new generation declares it.
    scope: Option<Scope>,
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
    /// The words of the old variable that the loader has put an address into, and which one, counted
    /// from the old base; `None` where it is outside of the library.
    addresses: Vec<(usize, Option<u64>)>,
}

impl Migration {
    /// Matches the variables of two generations.
    pub fn plan(old: &Statics, new: &Statics, mode: StateMode) -> Migration {
        let together = mode == StateMode::Consistent;
        let mut migration = Migration { together, ..Migration::default() };
        if old.unread || new.unread {
            migration.settled.unread = Some(match new.unread {
                true => "the new version has no debug information; compile it with -g",
                false => "the old version had no debug information",
            });
            return migration;
        }
        let (pairs, left) = pair(&old.variables, &new.variables);
        let mut scopes = Scopes::default();
        for (before, now) in pairs {
            migration.add((old, before), (new, now), scopes.of(now));
        }
        for gone in left {
            let how = How::Gone(gone.ty.size * 8);
            migration.transfers.extend(Transfer::stay(old, gone, how));
        }
        migration
    }

    fn add(
        &mut self,
        (old, before): (&Statics, &Variable),
        (new, now): (&Statics, &Variable),
        scope: Scope,
    ) {
        let several = (before.key.nth.1 != now.key.nth.1).then_some(Reason::SeveralOfTheName);
        let barred = several.or(before.barred.clone()).or(now.barred.clone());
        match (barred, &before.home, &now.home) {
            (None, Some(from), Some(to)) => {
                let transfer = Transfer::merge((old, before, from), (new, now, to));
                self.transfers.push(Transfer { scope: Some(scope), ..transfer });
            }
            (Some(reason), Some(_), to) => {
                let how = How::Leave(reason, before.ty.size * 8);
                let stays = Transfer::stay(old, before, how).into_iter();
                let (scope, new) = (Some(scope), to.clone());
                self.transfers.extend(stays.map(|it| Transfer { scope, new: new.clone(), ..it }));
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
        let read = |base: usize| {
            move |address: u64, into: &mut [u8]| {
                let from = std::ptr::with_exposed_provenance::<u8>(base + address as usize);
                // SAFETY: `Statics::read` admits only variables that lie in writable segments whole,
                // the caller vouches that these are mapped at the base, and nobody is writing.
                unsafe { std::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) }
            }
        };
        let run = |transfer: &Transfer| {
            let live = transfer.old.gather(read(old_base));
            let image = transfer.new.as_ref().map(|new| new.gather(read(new_base)));
            transfer.run(live, image.unwrap_or_default(), old_base)
        };
        let mut results: Vec<_> = self.transfers.iter().map(run).collect();
        if self.together {
            self.hold_back(&mut results, |home| home.gather(read(new_base)));
        }
        let mut report = self.settled.clone();
        for (transfer, (image, outcome)) in self.transfers.iter().zip(&mut results) {
            outcome.tell(&transfer.name, &transfer.converted, &mut report);
            if let (Some(home), Some(image)) = (&transfer.new, image) {
                home.scatter(image, |address, bytes| {
                    let to =
                        std::ptr::with_exposed_provenance_mut::<u8>(new_base + address as usize);
                    // SAFETY: as above; the segment is writable, and stays so once the loader is done.
                    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
                });
            }
        }
        report
    }

    /// Takes back what would be carried over in sight of a pointer that is lost. `initial` reads a
    /// variable of the new generation, which nobody has changed yet.
    fn hold_back(&self, results: &mut [Run], initial: impl Fn(&Home) -> Vec<u8>) {
        let mut lost = LostPointers::default();
        let all = || self.transfers.iter().zip(&*results);
        let pointers = all().filter(|(_, (_, outcome))| outcome.loses_pointer());
        for (transfer, _) in pointers {
            transfer.scope.into_iter().for_each(|scope| lost.add(scope, &transfer.name));
        }
        for (transfer, (image, outcome)) in self.transfers.iter().zip(results) {
            let pointer = transfer.scope.and_then(|scope| lost.in_sight(scope));
            if let (Some(pointer), Some(home), Some(value)) = (pointer, &transfer.new, &image) {
                let (name, beside) = (transfer.name.clone(), pointer.to_owned());
                let lost = *value != initial(home);
                outcome.carried = false;
                outcome.fresh.push(Fresh {
                    name,
                    reason: Reason::Beside { pointer: beside },
                    lost,
                });
                *image = None;
            }
        }
    }
}

/// What to write into a variable, if anything, and what there is to tell of it.
type Run = (Option<Vec<u8>>, Outcome);

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
            scope: None,
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
            scope: None,
            merge: Some(Merge { step, was, now: Vec::new(), addresses }),
        })
    }

    /// Makes the new value of the old one, `live`, and of the new variable as it is, `image`.
    fn run(&self, mut live: Vec<u8>, image: Vec<u8>, base: usize) -> Run {
        let mut outcome = Outcome::default();
        let result = match &self.merge {
            None => {
                outcome.carried = true;
                Ok(live)
            }
            Some(merge) => {
                merge.undo_addresses(&mut live, base, &image);
                let homes = (&self.old, self.new.as_ref().unwrap_or(&self.old));
                merge.run(&live, image, homes, &mut outcome)
            }
        };
        let fits = |image: &Vec<u8>| self.new.as_ref().is_none_or(|home| home.takes(image));
        let result = result.and_then(|i| if fits(&i) { Ok(i) } else { Err(Reason::TwoValued) });
        match result {
            Ok(image) => (Some(image).filter(|_| outcome.carried), outcome),
            Err(reason) => {
                let fresh = vec![Fresh { name: self.name.clone(), reason, lost: true }];
                (None, Outcome { fresh, ..Outcome::default() })
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
    /// the variable has its initial value. What is outside of the library is so for both generations,
    /// so the new one's variable shows the address.
    fn undo_addresses(&self, live: &mut [u8], base: usize, new: &[u8]) {
        for &(at, address) in &self.addresses {
            let word = at..at + size_of::<usize>();
            let inside = address.map(|it| (base as u64).wrapping_add(it).to_le_bytes());
            let initial = inside.as_ref().map_or(new.get(word.clone()), |bytes| Some(&bytes[..]));
            if let (Some(live), Some(was)) = (live.get_mut(word.clone()), self.was.get(word))
                && Some(&*live) == initial
            {
                live.copy_from_slice(was);
            }
        }
    }
}

impl Outcome {
    /// Whether a value is lost that is an address, or may be.
    fn loses_pointer(&self) -> bool {
        let is_address = |reason: &_| matches!(reason, Reason::Pointer { .. } | Reason::Address);
        self.fresh.iter().any(|fresh| fresh.lost && is_address(&fresh.reason))
    }

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
