//! The journal on disk: `journal.jsonl`, one entry a line, each line chained to the one before by its hash. Owns the form of a line and where the file is;
//! never holds a secret, never rewrites a line that is complete.
//!
//! A line is one JSON object: `sequence`, `previous` (hash of the line before), `who`, the fields of the [`Entry`], and `hash` at its end:
//! SHA-256 over the bytes of the line as they would be without `hash`. So the proof needs no second way of writing JSON.

mod book;
mod chain;
mod who;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::{
    book::{Book, read, read_lines},
    chain::{Broken, Chain, Proof, verify},
    who::Who,
};
use crate::plan::{digest, digest_of, entry::Entry};

/// Name of the file in the folder of the state.
const FILE: &str = "journal.jsonl";
/// Names the journal file, if the flag does not.
const VARIABLE: &str = "PILOTHOUSE_JOURNAL";
/// What the first line names as the hash of the line before it.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line without its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub sequence: u64,
    /// Hash of the line before.
    pub previous: String,
    /// Hash of what an interrupted write left between that line and this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<String>,
    /// Who wrote it.
    pub who: Who,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What is wrong with the bytes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// It has no hash at its end: a write that was interrupted.
    Cut,
    /// It has one, and it does not fit, or it is no entry.
    Altered(String),
}

impl Line {
    /// Its hash, and its text with the hash and without a line break.
    fn seal(&self) -> Result<(String, String), serde_json::Error> {
        let body = serde_json::to_string(self)?;
        let hash = digest(body.as_bytes());
        let open = body.strip_suffix('}').unwrap_or(&body);
        Ok((hash.clone(), format!("{open},\"hash\":\"{hash}\"}}")))
    }

    /// Reads a line without its line break, and proves its hash.
    fn open(bytes: &[u8]) -> Result<(Self, String), Fault> {
        const MARK: &[u8] = b",\"hash\":\"";
        let tail = MARK.len() + 64 + 2;
        let cut = bytes.len().checked_sub(tail).ok_or(Fault::Cut)?;
        let (open, seal) = bytes.split_at(cut);
        let hash = seal
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_suffix(b"\"}"))
            .filter(|hash| hash.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hash| std::str::from_utf8(hash).ok())
            .ok_or(Fault::Cut)?;
        if digest_of(&[open, b"}"]) != hash {
            return Err(Fault::Altered(
                "its hash does not fit its content".to_owned(),
            ));
        }
        // With its hash, which is a field that nobody asks for, it is whole.
        let line = serde_json::from_slice(bytes)
            .map_err(|error| Fault::Altered(format!("it is no journal entry: {error}")))?;
        Ok((line, hash.to_owned()))
    }
}

/// Where a console keeps what outlives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// The journal.
    pub journal: PathBuf,
    /// The folder of the locks.
    pub locks: PathBuf,
    /// Whether every session sees a new world, so that runs that ended in an earlier one say nothing about this one: the simulator.
    pub fresh_world: bool,
}

impl Records {
    /// In the folder of the user's state, or where the flag or the environment say. Consoles with different journals still share their locks.
    pub fn of_process(journal: Option<&Path>, simulated: bool) -> Result<Self, String> {
        let variable = std::env::var_os(VARIABLE)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from);
        let named = journal.map(Path::to_owned).or(variable);
        let state = state_folder().map(|folder| {
            if simulated {
                folder.join("demo")
            } else {
                folder
            }
        });
        let beside = named
            .as_ref()
            .map(|path| path.parent().map(Path::to_owned).unwrap_or_default());
        let Some(folder) = state.or(beside) else {
            return Err(
                "there is no home folder for the journal: name a file with --journal".to_owned(),
            );
        };
        Ok(Self {
            journal: named.unwrap_or_else(|| folder.join(FILE)),
            locks: folder.join("locks"),
            fresh_world: simulated,
        })
    }

    /// Everything in one folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            journal: folder.join(FILE),
            locks: folder.join("locks"),
            fresh_world: false,
        }
    }
}

pub(super) fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy().ok()?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Some(folder.join("pilothouse"))
}

/// Makes a folder that only its owner can look into. One that exists stays as it is, but a link in its place is refused.
pub(super) fn make_folder(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let said = |cause: &dyn std::fmt::Display| format!("{}: {cause}", folder.display());
    if std::fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink()) {
        return Err(said(&"it is a symbolic link, which could lead anywhere"));
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| said(&error))
}

/// The flag that refuses a link in the last place of a path.
pub(super) fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

#[cfg(test)]
mod tests;
