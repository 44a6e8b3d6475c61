//! The chain of hashes: what a journal proves and what breaks it. Owns the reading of lines in order; writes nothing.

use std::{
    fmt,
    io::{self, BufRead},
    path::Path,
};

use super::{BEGINNING, Fault, Line};
use crate::{arm::Written, plan::digest};

/// The first line that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is broken: {why}")]
pub struct Broken {
    /// Number of the line in the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Where a reader of a journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The number of the last entry; 0 before the first.
    pub sequence: u64,
    /// Its hash.
    pub head: String,
    /// Lines of the file that were read, torn ones included.
    pub lines: usize,
    /// Numbers of lines that an interrupted write left behind.
    pub torn: Vec<usize>,
    /// The bytes of such lines since the last entry, line breaks included; the next entry names their hash.
    pending: Vec<u8>,
    /// The first of them.
    pending_from: Option<usize>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            sequence: 0,
            head: BEGINNING.to_owned(),
            lines: 0,
            torn: Vec::new(),
            pending: Vec::new(),
            pending_from: None,
        }
    }
}

impl Chain {
    /// Takes the next line in, with its line break if it has one; `None` for one that was cut off while it was written.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Option<Line>, Broken> {
        self.accept(bytes, open(bytes))
    }

    /// The same for a line that was opened already.
    fn accept(&mut self, bytes: &[u8], opened: Opened) -> Result<Option<Line>, Broken> {
        self.lines += 1;
        match opened {
            Ok((line, hash)) => {
                self.fits(&line)?;
                self.sequence = line.sequence;
                self.head = hash;
                self.pending.clear();
                self.pending_from = None;
                Ok(Some(line))
            }
            Err(Fault::Cut) => {
                self.torn.push(self.lines);
                self.pending_from.get_or_insert(self.lines);
                self.pending.extend_from_slice(bytes);
                Ok(None)
            }
            Err(Fault::Altered(why)) => Err(Broken {
                line: self.lines,
                why,
            }),
        }
    }

    fn fits(&self, line: &Line) -> Result<(), Broken> {
        let broken = |line: usize, why: &str| {
            let why = why.to_owned();
            Err(Broken { line, why })
        };
        let expected = self.sequence + 1;
        if line.torn != self.torn_hash() {
            return match self.pending_from {
                Some(first) => broken(
                    first,
                    "it is damaged, and the entry after it does not vouch for it",
                ),
                None => broken(self.lines, "a cut line that stood before it is missing"),
            };
        }
        if line.sequence != expected {
            let why = format!(
                "it is entry {}, not {expected}: entries are missing or out of order",
                line.sequence
            );
            return broken(self.lines, &why);
        }
        if line.previous != self.head {
            return broken(self.lines, "it does not follow from the entry before it");
        }
        Ok(())
    }

    /// The hash of what an interrupted write left behind, if it did.
    pub fn torn_hash(&self) -> Option<String> {
        (!self.pending.is_empty()).then(|| digest(&self.pending))
    }

    /// Whether the last line is one that was cut off, which no entry vouches for.
    pub fn unsealed(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Ends the cut line, so that the next entry starts on a line of its own.
    pub(super) fn end_line(&mut self) {
        if !self.pending.is_empty() && !self.pending.ends_with(b"\n") {
            self.pending.push(b'\n');
        }
    }

    /// Reads lines to the end, hands out the entries, and says how many bytes there were and whether the last one ended its line.
    pub fn read(
        &mut self,
        reader: &mut impl BufRead,
        mut entry: impl FnMut(Line, Written),
    ) -> io::Result<Result<(u64, bool), Broken>> {
        let mut total = 0;
        let mut ended = true;
        loop {
            let lines = some_lines(reader)?;
            let Some(last) = lines.last() else {
                return Ok(Ok((total, ended)));
            };
            ended = last.ends_with(b"\n");
            for (bytes, opened) in lines.iter().zip(open_all(&lines)) {
                total += bytes.len() as u64;
                match self.accept(bytes, opened) {
                    Ok(Some(line)) => {
                        let written = Written {
                            sequence: line.sequence,
                            hash: self.head.clone(),
                        };
                        entry(line, written);
                    }
                    Ok(None) => {}
                    Err(broken) => return Ok(Err(broken)),
                }
            }
        }
    }
}

/// A line with its hash, or what is wrong with it.
type Opened = Result<(Line, String), Fault>;

/// As many lines as are opened at once.
const MANY: usize = 4_096;
/// As many lines are worth a thread.
const SOME: usize = 256;

fn open(bytes: &[u8]) -> Opened {
    Line::open(bytes.strip_suffix(b"\n").unwrap_or(bytes))
}

/// The next lines, with their line breaks.
fn some_lines(reader: &mut impl BufRead) -> io::Result<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    while lines.len() < MANY {
        let mut bytes = Vec::new();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        lines.push(bytes);
    }
    Ok(lines)
}

/// Opens lines, each for itself, so that a long journal keeps every core busy: hashing and reading cost more than looking at the chain.
fn open_all(lines: &[Vec<u8>]) -> Vec<Opened> {
    let all = |lines: &[Vec<u8>]| -> Vec<Opened> { lines.iter().map(|line| open(line)).collect() };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = lines.len().div_ceil(cores.min(8)).max(SOME);
    if lines.len() <= share {
        return all(lines);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = lines
            .chunks(share)
            .map(|lines| (lines, scope.spawn(move || all(lines))))
            .collect();
        let opened = threads
            .into_iter()
            .map(|(lines, thread)| thread.join().unwrap_or_else(|_| all(lines)));
        opened.flatten().collect()
    })
}

/// What a whole journal proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The end of the chain.
    pub chain: Chain,
    /// Whether the hash that was asked for is that of one of its lines; `None` where none was asked for.
    pub holds: Option<bool>,
}

impl fmt::Display for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chain {
            sequence,
            head,
            torn,
            ..
        } = &self.chain;
        writeln!(
            out,
            "{sequence} entries, each as it was written and in order"
        )?;
        writeln!(out, "head {head}")?;
        for line in torn {
            writeln!(
                out,
                "line {line} was cut off while it was written; nothing was sent on its word"
            )?;
        }
        match self.holds {
            Some(true) => writeln!(out, "the hash that you kept is in the chain")?,
            Some(false) => writeln!(
                out,
                "the hash that you kept is NOT in the chain: entries were taken away, or all were written anew"
            )?,
            None => writeln!(
                out,
                "not provable from the file alone: that no entries were taken from its end, or that it was not written anew as a whole; keep the head elsewhere and give it back with --head"
            )?,
        }
        Ok(())
    }
}

/// Proves a journal, or names its first broken line.
pub fn verify(path: &Path, head: Option<&str>) -> io::Result<Result<Proof, Broken>> {
    let mut reader = io::BufReader::new(std::fs::File::open(path)?);
    let mut chain = Chain::default();
    let mut holds = head.map(|head| head == BEGINNING);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(Ok(Proof { chain, holds }));
        }
        if let Err(broken) = chain.take(&bytes) {
            return Ok(Err(broken));
        }
        holds = holds.map(|holds| holds || head == Some(chain.head.as_str()));
    }
}
