//! Journal and locks of a session, one after the other and off the thread of the screen. Owns their order: an entry is on disk before the next is begun, and the locks of a run go after its last entry.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rustix::process::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
};

use super::{
    journal::{self, Book, Records, Who},
    locks::{Locks, Note},
};
use crate::{
    arm::Written,
    event::Event,
    plan::{entry::Entry, ledger::Ledger},
};

/// The journal of this process, for the last words of a crash.
static IN_USE: OnceLock<std::path::PathBuf> = OnceLock::new();

/// What was promised while the journal is being read.
pub const BEING_READ: &str = "it is being read";

/// What a crash says about the journal, if one is in use.
pub fn last_words() -> Option<String> {
    let path = IN_USE.get()?;
    Some(format!(
        "The journal is {}. What was in hand is there: `pilothouse journal list`, or start again and open :runs.",
        path.display()
    ))
}

/// How often it is looked whether another session wrote: a run of a colleague, or of a script, is news here too.
const LOOK: Duration = Duration::from_secs(5);

/// What the desk is asked.
enum Ask {
    Write(Box<Entry>, Option<String>),
    Lock {
        run: String,
        targets: Vec<String>,
        why: String,
        caller: Option<String>,
        now: Timestamp,
    },
    Unlock(String),
    /// What others have written.
    Look,
    /// Tells when everything before it is done.
    Settle(oneshot::Sender<()>),
}

/// Takes entries and locks in order.
#[derive(Clone)]
pub struct Desk {
    asks: UnboundedSender<Ask>,
}

/// What is open.
struct Open {
    book: Result<Book, String>,
    locks: Locks,
    who: Who,
}

impl Desk {
    /// Opens the journal in the background; its entries arrive as the first event.
    pub fn open(records: Records, events: UnboundedSender<Event>) -> Self {
        let (asks, asked) = unbounded_channel();
        // A file that must not grow any more is a write that fails, not the end of the process. Once listened to, it never kills again.
        let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
        let _ = IN_USE.set(records.journal.clone());
        tokio::spawn(serve(records, asked, events));
        Self { asks }
    }

    /// Writes an entry; its fate arrives as an event.
    pub fn write(&self, entry: Entry, caller: Option<String>) {
        self.ask(Ask::Write(Box::new(entry), caller));
    }

    /// Takes the locks of a run; whether they are ours arrives as an event.
    pub fn lock(
        &self,
        run: String,
        targets: Vec<String>,
        why: String,
        caller: Option<String>,
        now: Timestamp,
    ) {
        self.ask(Ask::Lock {
            run,
            targets,
            why,
            caller,
            now,
        });
    }

    /// Lets the locks of a run go, after what was asked before.
    pub fn unlock(&self, run: String) {
        self.ask(Ask::Unlock(run));
    }

    /// Returns when everything that was asked is done.
    pub async fn settle(&self) {
        let (done, wait) = oneshot::channel();
        self.ask(Ask::Settle(done));
        // An error says that the desk is gone: nothing is left to wait for.
        let _ = wait.await;
    }

    fn ask(&self, ask: Ask) {
        // The desk ends with the runtime only.
        let _ = self.asks.send(ask);
    }
}

async fn serve(
    records: Records,
    mut asked: UnboundedReceiver<Ask>,
    events: UnboundedSender<Event>,
) {
    let fresh_world = records.fresh_world;
    let (open, entries) = match tokio::task::spawn_blocking(move || begin(&records)).await {
        Ok(begun) => begun,
        Err(error) => {
            let problem = Some(error.to_string());
            let entries = Vec::new();
            let _ = events.send(Event::JournalOpened { entries, problem });
            return;
        }
    };
    let problem = open.book.as_ref().err().cloned();
    let entries = if fresh_world {
        interrupted(entries)
    } else {
        entries
    };
    let _ = events.send(Event::JournalOpened { entries, problem });
    let open = Arc::new(Mutex::new(open));
    loop {
        let ask = match tokio::time::timeout(LOOK, asked.recv()).await {
            Ok(Some(ask)) => ask,
            Ok(None) => return,
            // Runs of other worlds are none of a simulated one.
            Err(_) if fresh_world => continue,
            Err(_) => Ask::Look,
        };
        let open = Arc::clone(&open);
        let answered = tokio::task::spawn_blocking(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            open.answer(ask)
        });
        for event in answered.await.unwrap_or_default() {
            // Nobody listens any more when the console is leaving; the entry is on disk all the same.
            let _ = events.send(event);
        }
    }
}

/// Opens the journal. One that cannot be written may still be read.
fn begin(records: &Records) -> (Open, Vec<Entry>) {
    let (book, entries) = match Book::open(&records.journal) {
        Ok((book, entries)) => (Ok(book), entries),
        Err(problem) => (
            Err(problem),
            journal::read(&records.journal).unwrap_or_default(),
        ),
    };
    let open = Open {
        book,
        locks: Locks::new(&records.locks),
        who: Who::of_process(),
    };
    (open, entries)
}

/// The entries of runs that were interrupted: a new simulated world knows nothing of those that ended.
fn interrupted(entries: Vec<Entry>) -> Vec<Entry> {
    let ledger = Ledger::of(entries);
    let runs: Vec<String> = ledger.interrupted(None).map(|run| run.id.clone()).collect();
    let mut entries = ledger.entries;
    entries.retain(|entry| entry.run.as_ref().is_some_and(|run| runs.contains(run)));
    entries
}

fn journaled(entry: Entry, result: Result<Written, String>) -> Event {
    Event::Journaled {
        entry: Box::new(entry),
        result,
    }
}

impl Open {
    fn answer(&mut self, ask: Ask) -> Vec<Event> {
        match ask {
            Ask::Write(entry, caller) => self.write(*entry, caller),
            Ask::Lock {
                run,
                targets,
                why,
                caller,
                now,
            } => {
                self.who.caller = caller;
                let note = |target: &str| Note {
                    who: self.who.clone(),
                    target: target.to_owned(),
                    why: why.clone(),
                    since: now,
                    run: run.clone(),
                };
                let result = self.locks.take(&run, &targets, note, now);
                vec![Event::Locked { run, result }]
            }
            Ask::Unlock(run) => {
                self.locks.release(&run);
                Vec::new()
            }
            Ask::Look => self.look(),
            Ask::Settle(done) => {
                let _ = done.send(());
                Vec::new()
            }
        }
    }

    /// What is wrong with the journal is said by the next write, which it stops.
    fn look(&mut self) -> Vec<Event> {
        let others = self.book.as_mut().ok().and_then(|book| book.look().ok());
        let others = others.into_iter().flatten();
        others
            .map(|(entry, written)| journaled(entry, Ok(written)))
            .collect()
    }

    fn write(&mut self, entry: Entry, caller: Option<String>) -> Vec<Event> {
        self.who.caller = caller;
        let book = match &mut self.book {
            Ok(book) => book,
            Err(problem) => return vec![journaled(entry, Err(problem.clone()))],
        };
        match book.append(entry.clone(), &self.who) {
            Ok(appended) => {
                let others = appended.others.into_iter();
                let mut events: Vec<Event> = others
                    .map(|(entry, written)| journaled(entry, Ok(written)))
                    .collect();
                events.push(journaled(entry, Ok(appended.written)));
                events
            }
            Err(problem) => vec![journaled(entry, Err(problem))],
        }
    }
}
