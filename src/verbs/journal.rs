//! `pilothouse journal`: the runs, the entries, and the proof of the chain. Writes nothing but the settling of an interrupted run.

use std::{io::Write, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use super::{Failure, records};
use crate::{
    cli::{Common, JournalVerb, exit},
    effect::Format,
    plan::{
        entry::{Entry, What},
        ledger::Ledger,
    },
    report::journal::{entries, runs},
    runtime::journal::{self, Book, Who},
    state::Look,
};

/// Does what is asked.
pub fn run(common: &Common, verb: JournalVerb) -> Result<u8, Failure> {
    let path = records(common, false)?.journal;
    let look = Look {
        ascii: common.ascii,
        privacy: common.privacy,
        ..Look::default()
    };
    match verb {
        JournalVerb::List { output } => {
            let ledger = ledger(&path)?;
            print(&runs(&ledger, output, look))
        }
        JournalVerb::Show { run } => {
            let mut lines = lines(&path)?;
            lines.retain(|(_, entry)| entry.run.as_deref() == Some(run.as_str()));
            if lines.is_empty() {
                return Err(nothing(&run, &path));
            }
            print(&entries(&lines, Format::Table, look))
        }
        JournalVerb::Verify { head } => verify(&path, head.as_deref()),
        JournalVerb::Export { output } => print(&entries(&lines(&path)?, output, look)),
        JournalVerb::Settle { run, note } => settle(&path, run, &note),
    }
}

fn print(text: &str) -> Result<u8, Failure> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(exit::OK)
}

fn nothing(run: &str, path: &Path) -> Failure {
    Failure::Said(format!("there is no run `{run}` in {}", path.display()))
}

fn ledger(path: &Path) -> Result<Ledger, Failure> {
    journal::read(path).map(Ledger::of).map_err(Failure::Said)
}

fn lines(path: &Path) -> Result<Vec<(Value, Entry)>, Failure> {
    journal::read_lines(path).map_err(Failure::Said)
}

fn verify(path: &Path, head: Option<&str>) -> Result<u8, Failure> {
    let said =
        |error: &dyn std::fmt::Display| Failure::Said(format!("{}: {error}", path.display()));
    let proof = journal::verify(path, head)
        .map_err(|error| said(&error))?
        .map_err(|broken| said(&broken))?;
    print(&format!("{}: {proof}", path.display()))?;
    Ok(if proof.holds == Some(false) {
        exit::FAILED
    } else {
        exit::OK
    })
}

fn settle(path: &Path, run: String, note: &str) -> Result<u8, Failure> {
    let note = note.trim().to_owned();
    if note.is_empty() {
        let text = "a note is wanted: what is true now, and why nothing more is to be done";
        return Err(Failure::Usage(text.to_owned()));
    }
    if !ledger(path)?.interrupted(None).any(|known| known.id == run) {
        return Err(Failure::Said(format!(
            "`{run}` has ended, or there is no such run"
        )));
    }
    let (mut book, _) = Book::open(path).map_err(Failure::Said)?;
    let entry = Entry {
        at: Timestamp::now(),
        run: Some(run),
        step: None,
        what: What::Settled { note },
    };
    book.append(entry, &Who::of_process())
        .map_err(Failure::Said)?;
    Ok(exit::OK)
}
