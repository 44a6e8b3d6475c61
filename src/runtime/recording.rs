//! A session as a file: the event stream, one JSON object a line, and its replay. Same events, same frames. Holds what the screen could show, never a credential.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    event::Event,
    resources::{Estate, age},
};

/// Version of the format; a file of another version is refused.
const VERSION: u32 = 1;

/// The longest line that is read: the largest answers have some megabytes, and a file that is no recording may have no line end at all.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The first line: what the state was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Version of the format.
    pub recording: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// What was watched.
    pub estate: Estate,
}

/// Writes a recording.
pub struct Recorder {
    out: BufWriter<File>,
}

impl Recorder {
    /// Starts a new file; an existing one is never overwritten.
    pub fn create(path: &Path, started_at: Timestamp, estate: &Estate) -> io::Result<Self> {
        // Account ids and names of resources are nobody else's business.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let mut recorder = Self {
            out: BufWriter::new(file),
        };
        recorder.line(&Head {
            recording: VERSION,
            started_at,
            estate: estate.clone(),
        })?;
        Ok(recorder)
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        self.line(event)?;
        // A session that is cut off must still be there up to its last second.
        if matches!(event, Event::Tick { .. }) {
            self.out.flush()
        } else {
            Ok(())
        }
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }
}

/// Reads a recording.
pub struct Recording {
    /// What the state was made from.
    pub head: Head,
    lines: BufReader<File>,
    line: usize,
}

/// Feeds a recording to a channel, a second of it per second divided by the speed. A broken line ends it with a notice.
pub async fn feed(recording: Recording, speed: f64, sender: UnboundedSender<Event>) {
    let mut before: Option<Timestamp> = None;
    for event in recording {
        let event = event.unwrap_or_else(|error| Event::Noted {
            text: error.to_string(),
            failed: true,
        });
        if let Event::Tick { now } = &event {
            let pause = before.map_or(Duration::ZERO, |before| age(before, *now));
            before = Some(*now);
            tokio::time::sleep(pause.div_f64(speed)).await;
        }
        if sender.send(event).is_err() {
            return;
        }
    }
    let _ = sender.send(Event::Noted {
        text: "end of the recording".to_owned(),
        failed: false,
    });
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("could not read the recording: {0}")]
    Io(#[from] io::Error),
    /// The file is empty.
    #[error("the recording is empty")]
    Empty,
    /// A line is not what it should be.
    #[error("line {line} of the recording: {error}")]
    Line {
        /// Its number.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// Written by another version.
    #[error("the recording has version {0}, this console reads version {VERSION}")]
    Version(u32),
}

/// The next line, without its end; `None` at the end of the file.
fn line(lines: &mut impl BufRead, longest: u64) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut bounded = lines.by_ref().take(longest + 1);
    bounded.read_until(b'\n', &mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::other(format!(
            "a line is longer than {longest} bytes"
        )));
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    String::from_utf8(bytes).map(Some).map_err(io::Error::other)
}

impl Recording {
    /// Opens a file and reads its first line.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let mut lines = BufReader::new(File::open(path)?);
        let first = line(&mut lines, LONGEST)?.ok_or(RecordingError::Empty)?;
        let head: Head = serde_json::from_str(&first)
            .map_err(|error| RecordingError::Line { line: 1, error })?;
        if head.recording == VERSION {
            Ok(Self {
                head,
                lines,
                line: 1,
            })
        } else {
            Err(RecordingError::Version(head.recording))
        }
    }
}

impl Iterator for Recording {
    type Item = Result<Event, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line += 1;
        let parse = |text: String| {
            serde_json::from_str(&text).map_err(|error| RecordingError::Line {
                line: self.line,
                error,
            })
        };
        let text = line(&mut self.lines, LONGEST).transpose()?;
        Some(text.map_err(RecordingError::Io).and_then(parse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::key::Key;

    #[test]
    fn a_recording_gives_back_its_events() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        let start = Timestamp::from_second(1_000_000).unwrap();
        let events = [
            Event::Tick { now: start },
            Event::Key {
                key: "ctrl-c".parse::<Key>().unwrap(),
            },
            Event::Tick { now: start },
        ];
        let mut recorder = Recorder::create(&path, start, &Estate::default()).unwrap();
        for event in &events {
            recorder.event(event).unwrap();
        }
        let recording = Recording::open(&path).unwrap();
        assert_eq!(recording.head.started_at, start);
        assert_eq!(recording.map(Result::unwrap).collect::<Vec<_>>(), events);
        assert!(
            Recorder::create(&path, start, &Estate::default()).is_err(),
            "never overwritten"
        );
    }

    #[test]
    fn a_line_that_never_ends_is_refused() {
        let mut endless = BufReader::new(io::repeat(b'x'));
        let error = line(&mut endless, 100).unwrap_err();
        assert_eq!(error.to_string(), "a line is longer than 100 bytes");
        let mut short = "a\nb".as_bytes();
        let mut next = || line(&mut short, 2).unwrap();
        let lines = [next(), next(), next()];
        assert_eq!(lines, [Some("a".to_owned()), Some("b".to_owned()), None]);
    }

    #[test]
    fn a_broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        let start = Timestamp::from_second(1_000_000).unwrap();
        let mut recorder = Recorder::create(&path, start, &Estate::default()).unwrap();
        recorder
            .line(&serde_json::json!({ "event": "tack" }))
            .unwrap();
        drop(recorder);
        let error = Recording::open(&path).unwrap().next().unwrap().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("line 2 of the recording: unknown variant `tack`"),
            "{error}"
        );
    }
}
