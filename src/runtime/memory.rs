//! What the console remembers of its user from one session to the next: that they were welcomed, and the commands they typed. Owns the file; whatever
//! is wrong with it is no reason to fail, for nothing depends on it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::journal::{make_folder, no_follow, state_folder};

/// Name of the file in the folder of the state.
const FILE: &str = "console.json";
/// Lines that are kept.
const MOST: usize = 200;
/// A larger file is not ours.
const LARGEST: u64 = 1024 * 1024;

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The user was told how to begin.
    #[serde(default)]
    pub welcomed: bool,
    /// Commands typed in earlier sessions, newest last.
    #[serde(default)]
    pub typed: Vec<String>,
}

/// The file.
#[derive(Debug, Clone)]
pub struct Memory(PathBuf);

impl Memory {
    /// In the folder of the user's state; `None` where there is no such folder.
    pub fn of_process() -> Option<Self> {
        state_folder().map(|folder| Self(folder.join(FILE)))
    }

    /// What is remembered; nothing, where the file is missing or is none of ours.
    pub fn recall(&self) -> Kept {
        let read = || {
            let size = fs::metadata(&self.0).ok()?.len();
            let text = (size <= LARGEST)
                .then(|| fs::read(&self.0).ok())
                .flatten()?;
            serde_json::from_slice(&text).ok()
        };
        read().unwrap_or_default()
    }

    /// Remembers that the user was welcomed.
    pub fn welcomed(&self) {
        self.change(|kept| kept.welcomed = true);
    }

    /// Remembers a typed command. What another console has remembered meanwhile stays.
    pub fn remember(&self, line: &str) {
        self.change(|kept| {
            kept.typed.retain(|known| known != line);
            kept.typed.push(line.to_owned());
            let surplus = kept.typed.len().saturating_sub(MOST);
            kept.typed.drain(..surplus);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        let mut kept = self.recall();
        change(&mut kept);
        let _ = self.write(&kept);
    }

    /// Beside the file first, then in its place: a reader never sees half of it.
    fn write(&self, kept: &Kept) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        make_folder(folder).map_err(io::Error::other)?;
        let beside = self.0.with_extension(format!("{}", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&beside)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        fs::rename(&beside, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_there_in_the_next_session_and_each_line_once() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory(folder.path().join("state").join(FILE));
        assert_eq!(memory.recall(), Kept::default());
        memory.welcomed();
        for line in ["pane caches", "sort role", "pane caches"] {
            memory.remember(line);
        }
        let kept = memory.recall();
        assert!(kept.welcomed);
        assert_eq!(kept.typed, ["sort role", "pane caches"]);
        for number in 0..MOST + 5 {
            memory.remember(&format!("sort {number}"));
        }
        assert_eq!(memory.recall().typed.len(), MOST);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(&memory.0).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_no_reason_to_fail() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory(folder.path().join(FILE));
        fs::write(&memory.0, b"\xff{").unwrap();
        assert_eq!(memory.recall(), Kept::default());
    }
}
