//! What the journal says about runs: which ended, which were interrupted and where, what can be undone, what is left over. A fold over entries; reads no file.

use jiff::Timestamp;

use super::{
    Mark, Plan,
    entry::{Ending, Entry, Outcome, What},
};
use crate::resources::{
    Change, RegionLabel,
    change::{Alter, Fate, Receipt},
};

/// A change that a run sent, or was about to.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The step, from 0.
    pub step: usize,
    /// In words.
    pub title: String,
    /// The change.
    pub change: Change,
    /// When the intention was written.
    pub at: Timestamp,
    /// The receipt, if it was accepted.
    pub receipt: Option<Receipt>,
    /// Whether it was refused, or never sent: nothing happened.
    pub rejected: bool,
    /// What became of it; `None` is in doubt.
    pub outcome: Option<Outcome>,
}

impl Sent {
    /// Whether it may have changed the world.
    pub fn may_have_happened(&self) -> bool {
        !self.rejected && self.outcome != Some(Outcome::NotTaken)
    }
}

/// A run as the journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// The plan.
    pub plan: Plan,
    /// Hash of the plan.
    pub hash: String,
    /// When it was confirmed.
    pub confirmed_at: Timestamp,
    /// The changes, in order.
    pub sent: Vec<Sent>,
    /// When the last entry was written.
    pub last_at: Timestamp,
    /// How it ended; `None` while it runs, or when it was interrupted.
    pub ended: Option<Ending>,
    /// The run that undid it.
    pub undone_by: Option<String>,
}

impl RunRecord {
    /// The change of which nobody knows what became.
    pub fn doubt(&self) -> Option<&Sent> {
        self.sent
            .last()
            .filter(|sent| !sent.rejected && sent.outcome.is_none())
    }

    /// Changes that may have happened and were not taken back by the run itself, newest first.
    pub fn standing_changes(&self) -> Vec<&Change> {
        let mut standing: Vec<&Change> = Vec::new();
        for sent in self.sent.iter().filter(|sent| sent.may_have_happened()) {
            // A step back is the inverse of what it undoes.
            let undoes = standing.iter().rposition(|before| {
                before.target() == sent.change.target()
                    && before
                        .inverse()
                        .is_ok_and(|inverse| inverse.edits() == sent.change.edits())
            });
            match undoes {
                Some(index) => {
                    standing.remove(index);
                }
                None => standing.push(&sent.change),
            }
        }
        standing.reverse();
        standing
    }

    /// Whether an undo plan can be made of it.
    pub fn undoable(&self) -> bool {
        self.undone_by.is_none()
            && self
                .standing_changes()
                .iter()
                .any(|change| change.inverse().is_ok())
    }
}

/// A region that we drained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// The region.
    pub region: RegionLabel,
    /// The run.
    pub run: String,
    /// Since when.
    pub since: Timestamp,
    /// When it should end.
    pub until: Option<Timestamp>,
}

/// Something that an earlier plan left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What.
    pub what: String,
    /// The run.
    pub run: String,
    /// Since when.
    pub since: Timestamp,
    /// When it should end.
    pub until: Option<Timestamp>,
}

/// Everything that the journal says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// The runs, oldest first.
    pub runs: Vec<RunRecord>,
    /// How many of the entries are of earlier sessions.
    earlier: usize,
}

impl Ledger {
    /// What a journal says that earlier sessions wrote.
    pub fn of(entries: Vec<Entry>) -> Self {
        let mut ledger = Self {
            earlier: entries.len(),
            ..Self::default()
        };
        for entry in entries {
            ledger.add(entry);
        }
        ledger
    }

    /// The entries of this session.
    pub fn own(&self) -> &[Entry] {
        self.entries.get(self.earlier..).unwrap_or_default()
    }

    /// One run.
    pub fn run(&self, id: &str) -> Option<&RunRecord> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// Takes an entry in.
    pub fn add(&mut self, entry: Entry) {
        self.note(&entry);
        self.entries.push(entry);
    }

    fn note(&mut self, entry: &Entry) {
        let Some(id) = &entry.run else {
            return;
        };
        if let What::Confirmed { plan, hash, .. } = &entry.what {
            self.runs.push(RunRecord {
                id: id.clone(),
                plan: (**plan).clone(),
                hash: hash.clone(),
                confirmed_at: entry.at,
                sent: Vec::new(),
                last_at: entry.at,
                ended: None,
                undone_by: None,
            });
            return;
        }
        let Some(run) = self.runs.iter_mut().rev().find(|run| run.id == *id) else {
            return;
        };
        run.last_at = entry.at;
        match &entry.what {
            What::Sending { title, change } => run.sent.push(Sent {
                step: entry.step.unwrap_or_default(),
                title: title.clone(),
                change: change.clone(),
                at: entry.at,
                receipt: None,
                rejected: false,
                outcome: None,
            }),
            What::Accepted { receipt } => {
                if let Some(sent) = run.sent.last_mut() {
                    sent.receipt = Some(receipt.clone());
                }
            }
            What::Rejected { error } => {
                if let Some(sent) = run.sent.last_mut() {
                    sent.rejected = error.fate != Fate::InDoubt;
                }
            }
            What::Concluded { outcome, .. } => {
                if let Some(sent) = run
                    .sent
                    .last_mut()
                    .filter(|sent| Some(sent.step) == entry.step)
                {
                    sent.outcome = Some(*outcome);
                }
            }
            What::Ended { ending, .. } => {
                run.ended = Some(*ending);
                let undone = run.plan.intent.options.run.clone();
                self.undo(undone, id, *ending);
            }
            What::Settled { .. } => run.ended = Some(Ending::Aborted),
            What::Armed { .. }
            | What::Disarmed
            | What::Refused { .. }
            | What::Confirmed { .. }
            | What::Waited { .. }
            | What::Held { .. }
            | What::Overridden { .. }
            | What::Resumed
            | What::GoingBack { .. } => {}
        }
    }

    fn undo(&mut self, undone: Option<String>, by: &str, ending: Ending) {
        if ending != Ending::Done {
            return;
        }
        if let Some(run) = undone.and_then(|id| self.runs.iter_mut().find(|run| run.id == id)) {
            run.undone_by = Some(by.to_owned());
            // An interrupted run that was undone needs nobody any more.
            run.ended.get_or_insert(Ending::RolledBack);
        }
    }

    /// Runs that neither ended nor are `active`: a console was killed, or another one has them.
    pub fn interrupted<'a>(
        &'a self,
        active: impl IntoIterator<Item = &'a str>,
    ) -> impl Iterator<Item = &'a RunRecord> {
        let active: Vec<&str> = active.into_iter().collect();
        self.runs
            .iter()
            .filter(move |run| run.ended.is_none() && !active.contains(&run.id.as_str()))
    }

    /// Runs that can be undone, newest first.
    pub fn undoable(&self) -> impl Iterator<Item = &RunRecord> {
        self.runs.iter().rev().filter(|run| run.undoable())
    }

    fn effective(&self) -> impl Iterator<Item = &RunRecord> {
        self.runs
            .iter()
            .filter(|run| run.ended == Some(Ending::Done) && run.undone_by.is_none())
    }

    /// Regions that we drained and nobody restored, oldest first.
    pub fn drained(&self) -> Vec<Drain> {
        let mut drains: Vec<Drain> = Vec::new();
        for run in self.effective() {
            for mark in &run.plan.marks {
                match mark {
                    Mark::Drained { region } => {
                        drains.retain(|drain| drain.region != *region);
                        drains.push(Drain {
                            region: region.clone(),
                            run: run.id.clone(),
                            since: run.last_at,
                            until: run.plan.until,
                        });
                    }
                    Mark::Restored { region } => drains.retain(|drain| drain.region != *region),
                    Mark::Orphan { .. } => {}
                }
            }
        }
        drains
    }

    /// What earlier plans left behind, oldest first.
    pub fn leftovers(&self) -> Vec<Leftover> {
        let runs = self.effective();
        runs.flat_map(|run| {
            run.plan.marks.iter().filter_map(|mark| match mark {
                Mark::Orphan { what } => Some(Leftover {
                    what: what.clone(),
                    run: run.id.clone(),
                    since: run.last_at,
                    until: run.plan.until,
                }),
                Mark::Drained { .. } | Mark::Restored { .. } => None,
            })
        })
        .collect()
    }
}
