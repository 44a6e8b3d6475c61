//! The last lines of containers that ended badly. Owns how much is read and how often; a read goes on by itself and must never hold up a watch or a poll.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::AsyncReadExt;
use kube::{api::LogParams, core::Request};
use tokio::time::{Instant, timeout};

use super::{access::Access, fault::Fault};
use crate::resources::ErrorClass;

const OPERATION: &str = "kubernetes:GetPodLog";
/// Lines that are read.
const LINES: i64 = 20;
/// Bytes that are read, whatever the lines are.
const BYTES: u64 = 16 * 1024;
/// Characters of a line that are kept.
const WIDTH: usize = 400;
/// Containers of a cluster whose lines are kept: a cluster that is all on fire is not asked for thousands.
pub const MOST: usize = 16;
/// Reads that are under way at once; the API server hands each on to a kubelet.
const AT_ONCE: usize = 4;
/// The deadline of a read: the kubelet behind it may be gone.
const DEADLINE: Duration = Duration::from_secs(8);
/// After how long a read that failed is made again.
const AGAIN: Duration = Duration::from_secs(60);

/// One run of one container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunOf {
    /// Namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether the run before the present one is meant: the container waits, or runs again.
    pub previous: bool,
    /// How often it was started again: the next crash is another run.
    pub restarts: u32,
}

/// What a run wrote last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tail {
    /// The lines, without control characters; the last one is the newest.
    pub lines: Vec<String>,
    /// Whether there was more than is read of these lines.
    pub cut: bool,
    /// Why there are none.
    pub fault: Option<String>,
}

#[derive(Debug)]
enum Read {
    Waiting,
    Reading,
    Done(Tail),
    Failed(Tail, Instant),
}

/// The last lines of a cluster's containers.
#[derive(Debug, Default)]
pub struct Logs(Mutex<BTreeMap<RunOf, Read>>);

impl Logs {
    fn reads(&self) -> MutexGuard<'_, BTreeMap<RunOf, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a run; `None` while it is being read.
    pub fn tail(&self, run: &RunOf) -> Option<Tail> {
        match self.reads().get(run)? {
            Read::Done(tail) | Read::Failed(tail, _) => Some(tail.clone()),
            Read::Waiting | Read::Reading => None,
        }
    }

    /// Begins to read what is wanted and not known, and forgets what is no longer wanted. What a run has written is read once.
    pub fn want(self: &Arc<Self>, access: &Arc<Access>, wanted: &[RunOf]) {
        let mut reads = self.reads();
        reads.retain(|run, _| wanted.contains(run));
        for run in wanted.iter().take(MOST) {
            let read = reads.entry(run.clone()).or_insert(Read::Waiting);
            if matches!(read, Read::Failed(_, at) if at.elapsed() > AGAIN) {
                *read = Read::Waiting;
            }
        }
        let busy = reads
            .values()
            .filter(|read| matches!(read, Read::Reading))
            .count();
        drop(reads);
        for _ in busy..AT_ONCE {
            let Some(run) = self.next() else { return };
            tokio::spawn(Arc::clone(self).work(Arc::clone(access), run));
        }
    }

    /// Whether everything wanted is known, or could not be.
    pub fn settled(&self) -> bool {
        self.reads()
            .values()
            .all(|read| matches!(read, Read::Done(_) | Read::Failed(..)))
    }

    fn next(&self) -> Option<RunOf> {
        let mut reads = self.reads();
        let (run, read) = reads
            .iter_mut()
            .find(|(_, read)| matches!(read, Read::Waiting))?;
        *read = Read::Reading;
        Some(run.clone())
    }

    /// Reads one run after the other until nothing waits.
    async fn work(self: Arc<Self>, access: Arc<Access>, first: RunOf) {
        let mut next = Some(first);
        while let Some(run) = next {
            let read = match timeout(DEADLINE, ask(&access, &run)).await {
                Ok(Ok(tail)) => Read::Done(tail),
                Ok(Err(fault)) => failed(words(&fault)),
                Err(_) => failed(format!("no answer in {} s", DEADLINE.as_secs())),
            };
            // One that is no longer wanted is not put back.
            if let Some(known) = self.reads().get_mut(&run) {
                *known = read;
            }
            access.told();
            next = self.next();
        }
    }
}

fn failed(fault: String) -> Read {
    let tail = Tail {
        fault: Some(fault),
        ..Tail::default()
    };
    Read::Failed(tail, Instant::now())
}

async fn ask(access: &Access, run: &RunOf) -> Result<Tail, Fault> {
    let client = access.client().await?;
    let params = LogParams {
        container: Some(run.container.clone()),
        previous: run.previous,
        tail_lines: Some(LINES),
        limit_bytes: i64::try_from(BYTES).ok(),
        ..LogParams::default()
    };
    let path = format!("/api/v1/namespaces/{}/pods", run.namespace);
    let request = Request::new(path).logs(&run.pod, &params);
    let request =
        request.map_err(|error| Fault::new(ErrorClass::Terminal, OPERATION, &error.to_string()))?;
    access.count();
    let answer = client.request_stream(request).await;
    let answer = answer.map_err(|error| Fault::of(OPERATION, &error))?;
    let mut bytes = Vec::new();
    // The server may send more than it was asked for.
    let read = Box::pin(answer.take(BYTES)).read_to_end(&mut bytes).await;
    read.map_err(|error| Fault::new(ErrorClass::Unreachable, OPERATION, &error.to_string()))?;
    Ok(tail(&bytes))
}

/// The lines of what was read. A character that was cut in two at the end is no harm.
fn tail(bytes: &[u8]) -> Tail {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(plain).filter(|line| !line.is_empty());
    let mut lines: Vec<String> = lines.collect();
    let most = usize::try_from(LINES).unwrap_or(usize::MAX);
    lines.drain(..lines.len().saturating_sub(most));
    Tail {
        lines,
        cut: bytes.len() as u64 >= BYTES,
        fault: None,
    }
}

/// Why there are no lines, for somebody who reads them at night.
fn words(fault: &Fault) -> String {
    let said = &fault.error.message;
    match fault.code {
        Some(403) => "may not be read: `get` on `pods/log` is not permitted".to_owned(),
        Some(404) => "the pod is gone".to_owned(),
        Some(400) => format!("the API server has none: {said}"),
        Some(code) => format!("HTTP {code}: {said}"),
        None => said.clone(),
    }
}

/// A line without colours, cursor movements and other control characters.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line.chars().peekable();
    let mut kept = 0;
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut rest),
            '\u{9b}' => skip_parameters(&mut rest),
            '\t' => plain.push(' '),
            c if c.is_control() => {}
            c => plain.push(c),
        }
        kept += 1;
        // A line of sixteen kilobytes tells no more at its end.
        if kept > WIDTH * 4 || plain.chars().nth(WIDTH).is_some() {
            break;
        }
    }
    let mut short: String = plain.trim_end().chars().take(WIDTH).collect();
    if rest.peek().is_some() || plain.chars().nth(WIDTH).is_some() {
        short.push('…');
    }
    short
}

/// What follows an escape character: `[…m`, `]…BEL`, or one character.
fn skip_sequence(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        Some('[') => skip_parameters(rest),
        Some(']' | 'P' | '^' | '_') => {
            while let Some(c) = rest.next() {
                if c == '\u{7}' || (c == '\u{1b}' && rest.next_if_eq(&'\\').is_some()) {
                    return;
                }
            }
        }
        Some(_) | None => {}
    }
}

fn skip_parameters(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    rest.by_ref().find(|c| ('@'..='~').contains(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_plain_and_few() {
        let cases = [
            ("\u{1b}[31mERROR\u{1b}[0m no route", "ERROR no route"),
            ("\u{1b}]0;title\u{7}ok\r", "ok"),
            ("\u{1b}]8;;x\u{1b}\\link", "link"),
            ("a\tb\u{8}\u{0}c", "a bc"),
            ("\u{1b}[2J\u{1b}[H", ""),
            ("\u{1b}", ""),
        ];
        for (line, expected) in cases {
            assert_eq!(plain(line), expected, "{line:?}");
        }
        let long = plain(&"x".repeat(5_000));
        assert_eq!(
            (long.chars().count(), long.ends_with('…')),
            (WIDTH + 1, true)
        );
        let many: Vec<String> = (0..40).map(|line| format!("line {line}\n")).collect();
        let tail = tail(many.concat().as_bytes());
        assert_eq!(
            (tail.lines.len(), tail.lines[19].as_str(), tail.cut),
            (20, "line 39", false)
        );
    }

    #[test]
    fn what_was_cut_inside_a_character_is_still_read() {
        let mut bytes = "ü".repeat(BYTES as usize).into_bytes();
        bytes.truncate(BYTES as usize - 1);
        bytes.insert(0, b' ');
        let tail = tail(&bytes);
        assert!(tail.cut && tail.lines.len() == 1);
    }

    #[test]
    fn a_refusal_is_told_in_words() {
        let fault = |code: u16, message: &str| Fault {
            code: Some(code),
            wait: None,
            ..Fault::new(ErrorClass::Denied, OPERATION, message)
        };
        assert!(words(&fault(403, "pods \"x\" is forbidden")).contains("pods/log"));
        assert_eq!(words(&fault(404, "not found")), "the pod is gone");
        assert!(words(&fault(400, "waiting to start")).ends_with("waiting to start"));
    }
}
