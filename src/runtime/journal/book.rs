//! The open file of the journal: appending under a lock, so that consoles on one host take turns, and on disk before anybody is told. Blocks; never called on the thread of the screen.

use std::{
    fs::{File, OpenOptions, Permissions, TryLockError},
    io::{self, BufReader, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use super::{Chain, Line, Who, make_folder, no_follow};
use crate::{arm::Written, plan::entry::Entry};

/// How long another console may hold the file; it needs milliseconds.
const TURN: Duration = Duration::from_secs(5);
/// The pause between two looks whether it is free.
const LOOK: Duration = Duration::from_millis(5);

/// A journal that is open for writing.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    file: File,
    chain: Chain,
    /// How far it was read.
    end: u64,
    /// Whether the last line has its line break.
    ended: bool,
}

/// An entry that is on disk, with those that other consoles wrote before it.
#[derive(Debug)]
pub struct Appended {
    /// The proof.
    pub written: Written,
    /// What others wrote since this console last looked.
    pub others: Vec<(Entry, Written)>,
}

impl Book {
    /// Opens or begins a journal and reads it. Never through a link, never anything but a regular file.
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>), String> {
        let folder = path.parent().unwrap_or(Path::new(""));
        make_folder(folder)?;
        let said = |error: io::Error| says(path, &error);
        let new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(path)
            .map_err(said)?;
        let found = file.metadata().map_err(said)?;
        if !found.is_file() {
            return Err(format!("{}: it is not a regular file", path.display()));
        }
        if found.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))
                .map_err(said)?;
        }
        if new {
            // The name must outlast a power failure as well as the lines do.
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(said)?;
        }
        let mut book = Self {
            path: path.to_owned(),
            file,
            chain: Chain::default(),
            end: 0,
            ended: true,
        };
        book.lock()?;
        let entries = book.catch_up();
        book.unlock();
        let entries = entries?.into_iter().map(|(entry, _)| entry).collect();
        Ok((book, entries))
    }

    /// Writes an entry behind whatever is there now and returns when it is on disk.
    pub fn append(&mut self, entry: Entry, who: &Who) -> Result<Appended, String> {
        self.lock()?;
        let appended = self.append_locked(entry, who);
        self.unlock();
        appended
    }

    fn append_locked(&mut self, entry: Entry, who: &Who) -> Result<Appended, String> {
        self.same_file()?;
        let others = self.catch_up()?;
        let mut chain = self.chain.clone();
        chain.end_line();
        let line = Line {
            sequence: chain.sequence + 1,
            previous: chain.head.clone(),
            torn: chain.torn_hash(),
            who: who.clone(),
            entry,
        };
        let (hash, sealed) = line
            .seal()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let open = if self.ended { "" } else { "\n" };
        let text = format!("{open}{sealed}\n");
        let before = self.end;
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line of ours must not stand there; if this fails too, the next writer finds it torn and says so.
            let _ = self.file.set_len(before);
            return Err(says(&self.path, &error));
        }
        chain
            .take(sealed.as_bytes())
            .map_err(|broken| format!("{}: {broken}", self.path.display()))?;
        self.chain = chain;
        self.end += text.len() as u64;
        self.ended = true;
        let sequence = self.chain.sequence;
        Ok(Appended {
            written: Written { sequence, hash },
            others,
        })
    }

    /// What others wrote since the last look or write of ours.
    pub fn look(&mut self) -> Result<Vec<(Entry, Written)>, String> {
        let length = self.file.metadata().map(|of| of.len());
        if length.is_ok_and(|length| length == self.end) {
            return Ok(Vec::new());
        }
        self.lock()?;
        let others = self.catch_up();
        self.unlock();
        others
    }

    /// Reads what is new since the last look.
    fn catch_up(&mut self) -> Result<Vec<(Entry, Written)>, String> {
        let said = |error: io::Error| says(&self.path, &error);
        let length = self.file.metadata().map_err(said)?.len();
        if length < self.end {
            return Err(format!(
                "{}: it became shorter; entries were taken away",
                self.path.display()
            ));
        }
        if length == self.end {
            return Ok(Vec::new());
        }
        if !self.ended {
            return self.again();
        }
        (&self.file).seek(SeekFrom::Start(self.end)).map_err(said)?;
        let mut entries = Vec::new();
        let mut reader = BufReader::new(&self.file);
        let read = self.chain.read(&mut reader, |line, written| {
            entries.push((line.entry, written));
        });
        let (count, ended) = read
            .map_err(said)?
            .map_err(|broken| format!("{}: {broken}", self.path.display()))?;
        self.end += count;
        self.ended = ended;
        Ok(entries)
    }

    /// Somebody ended the line that was cut off when this console last looked: the whole is read again, and what was known is left out.
    fn again(&mut self) -> Result<Vec<(Entry, Written)>, String> {
        let known = self.chain.sequence;
        self.chain = Chain::default();
        self.end = 0;
        self.ended = true;
        let mut entries = self.catch_up()?;
        entries.retain(|(_, written)| written.sequence > known);
        Ok(entries)
    }

    /// The name must still be that of the file that is open: a journal that was moved away would be written in vain.
    fn same_file(&self) -> Result<(), String> {
        let said = |error: io::Error| says(&self.path, &error);
        let named = std::fs::symlink_metadata(&self.path).map_err(said)?;
        let open = self.file.metadata().map_err(said)?;
        if (named.dev(), named.ino()) == (open.dev(), open.ino()) {
            Ok(())
        } else {
            Err(format!(
                "{}: another file has taken its place",
                self.path.display()
            ))
        }
    }

    fn lock(&self) -> Result<(), String> {
        let mut waited = Duration::ZERO;
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if waited < TURN => {
                    std::thread::sleep(LOOK);
                    waited += LOOK;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(format!(
                        "{}: another process has held it for {} s",
                        self.path.display(),
                        TURN.as_secs()
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(says(&self.path, &error)),
            }
        }
    }

    fn unlock(&self) {
        // Closing the file lets it go too.
        let _ = self.file.unlock();
    }
}

/// The entries of a journal that is only read; an empty list when there is none.
pub fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    each(path, |line, _| entries.push(line.entry))?;
    Ok(entries)
}

/// The same with the lines as they are in the file.
pub fn read_lines(path: &Path) -> Result<Vec<(Value, Entry)>, String> {
    let mut lines = Vec::new();
    each(path, |line, written| {
        let mut value = serde_json::to_value(&line).unwrap_or_default();
        value["hash"] = Value::String(written.hash);
        lines.push((value, line.entry));
    })?;
    Ok(lines)
}

fn each(path: &Path, line: impl FnMut(Line, Written)) -> Result<(), String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(says(path, &error)),
    };
    Chain::default()
        .read(&mut BufReader::new(file), line)
        .map_err(|error| says(path, &error))?
        .map_err(|broken| format!("{}: {broken}", path.display()))?;
    Ok(())
}

fn says(path: &Path, error: &io::Error) -> String {
    let link = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    if link {
        format!(
            "{}: it is a symbolic link, which could lead anywhere",
            path.display()
        )
    } else {
        format!("{}: {error}", path.display())
    }
}
