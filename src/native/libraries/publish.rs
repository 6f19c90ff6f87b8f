//! How the libraries of a running program change: at a safepoint, together, and back again.
//!
//! What a program stands still for is here, so little is done: candidates take the place of
//! libraries, and slots are pointed at other functions. What there is to tell of it and to clean up is
//! left to the reloading thread, which is not woken for it: that alone would take longer.

use super::{Libraries, Library};
use crate::diagnostics::Diagnostic;
use crate::isa::CType;
use crate::native::BindError;
use crate::native::early::is_crash;
use crate::native::events::{Event, EventKind};
use crate::native::generation::Generation;
use crate::native::live::{Live, Update};
use crate::native::prepare::{Candidate, known_bad};
use crate::native::resolve::Place;
use crate::native::retire::{Aftermath, Retiree};
use crate::native::settings::StateMode;
use crate::native::signature::Unchecked;
use crate::native::state::{Migration, Prepared, StateReport, Upgrade};
use blake3::Hash;
use std::collections::BTreeMap;
use std::mem;
use std::slice;
use std::time::{Duration, Instant};

impl Libraries {
    /// Publishes all that waits, and tells whether anything did. To be called at a safepoint: no call
    /// of a native function may be under way.
    pub fn publish_prepared(&mut self) -> bool {
        let (start, mut aftermath) = (Instant::now(), Aftermath::default());
        let mut newest = BTreeMap::new();
        while let Some(update) = self.live.as_ref().and_then(Live::next_update) {
            for (index, candidate) in update {
                let passed_over = newest.insert(index, candidate);
                aftermath.retirees.extend(passed_over.map(|candidate| self.discard(candidate)));
            }
        }
        // The program may have reloaded by itself what waited, or crashed in it.
        let (stale, update): (Vec<_>, Vec<_>) =
            newest.into_iter().partition(|(index, candidate)| self.is_stale(*index, candidate));
        for (index, candidate) in stale {
            if self.is_bad(&candidate) {
                let (import, diagnostic) = (candidate.group[0], known_bad(&candidate.name));
                let (error, content) =
                    (BindError { import, diagnostic }, candidate.generation.hash);
                aftermath.events.push(self.rejected(index, content, &error));
            }
            aftermath.retirees.push(self.discard(candidate));
        }
        let any = !update.is_empty();
        if any {
            // What is refused is told as an event, and the old goes on.
            let _ = self.publish(update, &mut aftermath);
        }
        if let Some(live) = self.live.as_ref().filter(|_| !aftermath.is_empty()) {
            aftermath.ledger = Some(self.ledger());
            aftermath.set_pause(start.elapsed());
            live.leave(aftermath);
        }
        any
    }

    /// Goes back to the generation before the one that serves an import, and remembers the content
    /// of this one as bad. `false` when there is none to go back to. After a crash nothing is
    /// unmapped any more: who knows what points where.
    pub fn roll_back(&mut self, import: usize, reason: &str) -> bool {
        self.unload = false;
        let Some(index) = self.slots.get(import).and_then(|slot| slot.bound).map(|b| b.library)
        else {
            return false;
        };
        let library = &mut self.libraries[index];
        let Some(previous) = library.previous.take() else { return false };
        let crashed = mem::replace(library, *previous);
        let kind = EventKind::RolledBack { to: library.number, reason: reason.to_owned() };
        self.bad.extend(crashed.generation.hash);
        self.point(index);
        let Library { name, number, generation, .. } = &crashed;
        self.tell(Event::new(name, *number, generation.hash, kind));
        true
    }

    /// The same for one library, which the program itself has prepared.
    pub(super) fn publish_own(
        &mut self,
        index: usize,
        candidate: Candidate,
    ) -> Result<(), BindError> {
        let (start, mut aftermath) = (Instant::now(), Aftermath::default());
        let published = self.publish(vec![(index, candidate)], &mut aftermath);
        aftermath.set_pause(start.elapsed());
        self.clean_up(aftermath);
        published
    }

    /// Puts candidates in the place of their libraries, all of them at once, or none when one of
    /// them refuses the state that it should take over.
    fn publish(&mut self, update: Update, aftermath: &mut Aftermath) -> Result<(), BindError> {
        let mut handovers = Vec::with_capacity(update.len());
        for (index, candidate) in &update {
            match self.handover(*index, candidate) {
                Ok(handover) => handovers.push(handover),
                Err(diagnostic) => {
                    let error = BindError { import: candidate.group[0], diagnostic };
                    self.refuse(*index, candidate.generation.hash, &error, update, aftermath);
                    return Err(error);
                }
            }
        }
        for ((index, mut candidate), handover) in update.into_iter().zip(handovers) {
            let built = candidate.built;
            let state = handover.complete(&self.libraries[index].generation, &candidate);
            aftermath.spent.extend(candidate.migration.take().map(|(_, migration)| migration));
            let slots = self.slots_of(&candidate.group);
            let mut old = mem::replace(&mut self.libraries[index], Library::new(candidate));
            // One generation to go back to is enough.
            aftermath.retirees.extend(old.previous.take().map(|oldest| self.retire(*oldest)));
            self.libraries[index].previous = Some(Box::new(old));
            self.point(index);
            let pause = Duration::ZERO;
            let events = &mut aftermath.events;
            events.push(self.event(index, EventKind::Published { pause, built, slots, state }));
            events.push(self.retirement(index));
            events.extend(self.unchecked_news(index).map(|news| self.event(index, news)));
        }
        Ok(())
    }

    /// Lets go of an update because one of its candidates refuses, or has crashed.
    fn refuse(
        &mut self,
        index: usize,
        content: Option<Hash>,
        error: &BindError,
        update: Update,
        aftermath: &mut Aftermath,
    ) {
        if is_crash(slice::from_ref(error)) {
            self.unload = false;
            self.bad.extend(content);
        }
        self.refused.extend(update.iter().filter_map(|(_, candidate)| candidate.generation.hash));
        let retirees = update.into_iter().map(|(_, candidate)| self.discard(candidate));
        aftermath.retirees.extend(retirees);
        aftermath.events.push(self.rejected(index, content, error));
    }

    /// Lets the reloading thread know of what is loaded now.
    pub(super) fn tell_live(&self) {
        self.clean_up(Aftermath::default());
    }

    /// Tells what has happened, behind all that happened before.
    pub(super) fn tell(&self, event: Event) {
        self.clean_up(Aftermath { events: vec![event], ..Aftermath::default() });
    }

    /// Has the reloading thread tell and tidy up, if there is one: it knows what is loaded before it
    /// tells anything, since who hears of it may answer with another change at once.
    fn clean_up(&self, mut aftermath: Aftermath) {
        match &self.live {
            Some(live) => {
                aftermath.ledger = Some(self.ledger());
                live.leave(aftermath);
                live.wake();
            }
            None => aftermath.clean_up(&self.events),
        }
    }

    /// How a candidate takes over from the library in use. A library with an upgrade of its own may
    /// refuse.
    fn handover(&self, index: usize, candidate: &Candidate) -> Result<Handover, Diagnostic> {
        let (old, new) = (&self.libraries[index].generation, &candidate.generation);
        if self.state == StateMode::Fresh {
            return Ok(Handover::Fresh);
        }
        let early = self.early(index);
        let upgrade = Upgrade::find(
            early,
            |symbol, kind| old.own(symbol, kind),
            || old.version(early),
            |symbol, kind| new.own(symbol, kind),
        )?;
        if let Some(upgrade) = upgrade {
            // SAFETY: both generations are loaded, and at a safepoint none of their code runs.
            return unsafe { upgrade.prepare() }.map(Handover::Upgrade);
        }
        let planned = candidate.migration.as_ref().filter(|(hash, _)| old.hash == Some(*hash));
        Ok(match (planned, &old.image, &new.image) {
            (Some(_), ..) => Handover::Planned,
            // It was meant to follow another one, which was passed over.
            (None, Some(old), Some(new)) => {
                Handover::Migration(Migration::plan(old.statics(), new.statics(), self.state))
            }
            _ => Handover::Fresh,
        })
    }

    /// Says that the generation before the one in use is in use no longer.
    fn retirement(&self, index: usize) -> Event {
        let old = self.libraries[index].previous.as_ref();
        let old = old.expect("what was published has replaced something");
        let kept = self.unload.then(|| {
            self.must_stay(old).unwrap_or_else(|| "it is the one to go back to".to_owned())
        });
        let kind = EventKind::Retired { unloaded: false, kept };
        Event::new(&old.name, old.number, old.generation.hash, kind)
    }

    /// A generation that nothing can go back to. It is to be unmapped if that is wished and safe.
    fn retire(&self, library: Library) -> Retiree {
        let may_go = self.unload && self.must_stay(&library).is_none();
        let Library { name, number, generation, targets, .. } = library;
        let target = targets.first().map(|(_, target)| *target).filter(|_| may_go);
        Retiree { name, number, generation, target }
    }

    /// A candidate that will never be published, and that nothing has called.
    fn discard(&self, candidate: Candidate) -> Retiree {
        let Candidate { name, number, generation, targets, .. } = candidate;
        let target = targets.first().copied().filter(|_| self.unload);
        Retiree { name, number, generation, target }
    }

    /// Why a generation must stay mapped: for what its file shows, or because a program that was
    /// given a host pointer may pass it back at any time.
    fn must_stay(&self, library: &Library) -> Option<String> {
        let gives_pointers =
            |&&(import, _): &&(usize, usize)| self.imports[import].signature.result == CType::Ptr;
        let pointer = || {
            let (import, _) = library.targets.iter().find(gives_pointers)?;
            Some(format!("`{}` returns host pointers", self.imports[*import].symbol))
        };
        library.generation.must_stay.clone().or_else(pointer)
    }

    fn is_stale(&self, index: usize, candidate: &Candidate) -> bool {
        candidate.generation.hash == self.libraries[index].generation.hash || self.is_bad(candidate)
    }

    fn is_bad(&self, candidate: &Candidate) -> bool {
        candidate.generation.hash.is_some_and(|hash| self.bad.contains(&hash))
    }

    /// Points the slots of a library at their functions. This is all that a reload changes for the
    /// program, and it cannot fail.
    pub(super) fn point(&mut self, index: usize) {
        for &(import, target) in &self.libraries[index].targets {
            self.slots[import].bound = Some(super::Bound { target, library: index });
            self.targets[import] = target;
        }
    }

    /// Says which functions of a library are called by the word of their `.lib` alone, unless that
    /// was said of the generation before.
    pub(super) fn tell_unchecked(&mut self, index: usize) {
        if let Some(news) = self.unchecked_news(index) {
            self.emit(index, news);
        }
    }

    /// The functions that are called by the word of their `.lib` alone, if they are others than were
    /// told. The system's libraries, which nobody can help, are not told.
    fn unchecked_news(&mut self, index: usize) -> Option<EventKind> {
        let Library { name, real, generation, targets, previous, .. } = &self.libraries[index];
        let symbols = targets.iter().map(|&(import, _)| &self.imports[import].symbol);
        let mut functions: Vec<_> =
            symbols.filter(|symbol| generation.signatures.get(symbol).is_none()).cloned().collect();
        if functions.is_empty() || matches!(real, Place::System(_)) {
            return None;
        }
        if generation.signatures.is_empty() {
            functions.clear();
        }
        let unchecked = Some(Unchecked { library: name.clone(), functions });
        let told = self.libraries[index].unchecked.as_ref();
        let told = told.or(previous.as_ref().and_then(|previous| previous.unchecked.as_ref()));
        let news = told != unchecked.as_ref();
        self.libraries[index].unchecked.clone_from(&unchecked);
        unchecked.filter(|_| news).map(EventKind::Unchecked)
    }
}

/// How a generation gets the state of the one before.
enum Handover {
    /// Not at all.
    Fresh,
    /// By the candidate's own plan.
    Planned,
    /// By a plan that was made late.
    Migration(Migration),
    /// It has made its state itself.
    Upgrade(Prepared),
}

impl Handover {
    /// Hands the state over, which nothing can prevent any more.
    fn complete(self, old: &Generation, candidate: &Candidate) -> Option<StateReport> {
        let late;
        let migration = match self {
            Handover::Fresh => return None,
            Handover::Upgrade(prepared) => {
                // SAFETY: the new generation is loaded, and nothing has called it yet.
                unsafe { prepared.commit() };
                return None;
            }
            Handover::Planned => candidate.migration.as_ref().map(|(_, planned)| planned)?,
            Handover::Migration(migration) => {
                late = migration;
                &late
            }
        };
        let (old, new) = (old.base()?, candidate.generation.base()?);
        // SAFETY: the bases are those of the two generations, whose images the plan was read from;
        // both are mapped, and at a safepoint none of their code runs.
        Some(unsafe { migration.apply(old, new) })
    }
}
