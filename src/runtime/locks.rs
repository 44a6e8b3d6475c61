//! Advisory locks: one file per target, so that two consoles on one host never change the same thing at once. Owns the files; they are free as soon as their process is gone.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::journal::{self, Who};
use crate::plan::digest;

/// What a lock file says, for whoever finds it taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who.
    pub who: Who,
    /// What is locked.
    pub target: String,
    /// Why: the title of the plan.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// The run.
    pub run: String,
}

impl Note {
    fn text(&self, now: Timestamp) -> String {
        let minutes = crate::resources::age(self.since, now).as_secs() / 60;
        let name = self.who.caller.as_deref().unwrap_or(&self.who.user);
        format!(
            "{} is held by {name} since {} ({minutes} m): {}",
            self.target,
            self.since.strftime("%H:%MZ"),
            self.why
        )
    }
}

/// The locks of the runs of this console, held until their run lets them go.
#[derive(Debug)]
pub struct Locks {
    folder: PathBuf,
    held: BTreeMap<String, Vec<File>>,
}

impl Locks {
    /// No locks yet.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            held: BTreeMap::new(),
        }
    }

    /// Takes all of these locks for a run or none, in one order for everybody, so that two runs never wait for each other.
    /// A lock that another run of this very console holds is taken as much as any.
    pub fn take(
        &mut self,
        run: &str,
        targets: &[String],
        note: impl Fn(&str) -> Note,
        now: Timestamp,
    ) -> Result<(), String> {
        journal::make_folder(&self.folder)?;
        let mut targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        targets.sort_unstable();
        targets.dedup();
        let mut taken = Vec::with_capacity(targets.len());
        for target in targets {
            taken.push(self.one(target, &note(target), now)?);
        }
        self.held.entry(run.to_owned()).or_default().extend(taken);
        Ok(())
    }

    /// Lets those of a run go. The files stay: a file that is taken away can be locked by two.
    pub fn release(&mut self, run: &str) {
        self.held.remove(run);
    }

    fn one(&self, target: &str, note: &Note, now: Timestamp) -> Result<File, String> {
        let path = self.folder.join(name(target));
        let said = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(journal::no_follow())
            .open(&path)
            .map_err(said)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(holder(&mut file, target, now)),
            Err(TryLockError::Error(error)) => return Err(said(error)),
        }
        let text = serde_json::to_string(note).map_err(|error| said(error.into()))?;
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)).map(|_| ()))
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(said)?;
        Ok(file)
    }
}

/// Who holds a lock that is taken. Its holder may be writing the note this very moment.
fn holder(file: &mut File, target: &str, now: Timestamp) -> String {
    let mut text = String::new();
    let note = file
        .read_to_string(&mut text)
        .ok()
        .and_then(|_| serde_json::from_str::<Note>(&text).ok());
    note.map_or_else(
        || format!("{target} is held by another console"),
        |note| note.text(now),
    )
}

/// A file name that is safe, readable, and different for different targets.
fn name(target: &str) -> String {
    let mut name = String::new();
    for c in target.chars() {
        if name.len() >= 48 {
            break;
        }
        let plain = c.is_ascii_alphanumeric() || c == '.';
        // Writing to a string cannot fail.
        let _ = name.write_char(if plain { c } else { '-' });
    }
    let hash = digest(target.as_bytes());
    format!("{}-{}.lock", name.trim_start_matches('.'), &hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_767_581_580).unwrap()
    }

    fn note(target: &str) -> Note {
        Note {
            who: Who {
                user: "ana (1000)".to_owned(),
                ..Who::default()
            },
            target: target.to_owned(),
            why: "Drain eu-west-1".to_owned(),
            since: now(),
            run: "1a2b".to_owned(),
        }
    }

    fn targets(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_taken_lock_names_its_holder_and_leaves_nothing_half_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (mut first, mut second, mut third) = (
            Locks::new(folder.path()),
            Locks::new(folder.path()),
            Locks::new(folder.path()),
        );
        first.take("1", &targets(&["b"]), note, now()).unwrap();
        let later = now() + jiff::SignedDuration::from_secs(250);
        let refused = second.take("2", &targets(&["c", "b", "a"]), note, later);
        assert_eq!(
            refused.unwrap_err(),
            "b is held by ana (1000) since 02:53Z (4 m): Drain eu-west-1"
        );
        third.take("3", &targets(&["a", "c"]), note, now()).unwrap();
        first.release("1");
        second.take("2", &targets(&["b"]), note, now()).unwrap();
    }

    #[test]
    fn runs_of_one_console_hold_their_own_locks() {
        let folder = tempfile::tempdir().unwrap();
        let mut locks = Locks::new(folder.path());
        locks.take("1", &targets(&["a", "b"]), note, now()).unwrap();
        locks.take("2", &targets(&["c"]), note, now()).unwrap();
        let refused = locks.take("3", &targets(&["b", "d"]), note, now());
        assert!(refused.unwrap_err().starts_with("b is held by ana"));
        locks.release("2");
        assert!(locks.take("3", &targets(&["a"]), note, now()).is_err());
        locks.release("1");
        locks.take("3", &targets(&["a", "d"]), note, now()).unwrap();
    }

    #[test]
    fn what_a_killed_console_left_is_free_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name("zone/shop"));
        std::fs::write(&path, "x".repeat(4_000)).unwrap();
        let mut locks = Locks::new(folder.path());
        locks
            .take("1", &targets(&["zone/shop"]), note, now())
            .unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            serde_json::from_str::<Note>(&text).unwrap(),
            note("zone/shop")
        );
    }

    #[test]
    fn hostile_targets_stay_inside_the_folder_and_apart() {
        let names = ["../../etc/passwd", "..-..-etc-passwd", "a/b", "a-b", ""].map(name);
        let apart: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(apart.len(), names.len());
        for name in names {
            assert!(!name.contains('/') && !name.starts_with('.'), "{name}");
        }
        assert!(name(&"é".repeat(500)).len() < 80);
    }

    #[test]
    fn a_link_in_place_of_a_lock_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "kept").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join(name("a"))).unwrap();
        assert!(
            Locks::new(folder.path())
                .take("1", &targets(&["a"]), note, now())
                .is_err()
        );
        assert_eq!(std::fs::read_to_string(victim).unwrap(), "kept");
    }
}
