//! A run as append-only lines: one per turn of events. Owns what was said last; never repeats itself.

use crate::{
    plan::{
        Step,
        run::{Phase, Progress, Run},
    },
    state::State,
    ui::text,
};

/// What was said about the run in hand.
#[derive(Debug, Default)]
pub struct RunLines {
    run: String,
    at: usize,
    said: String,
}

impl RunLines {
    /// The lines for what happened since the last call.
    pub fn new_ones(&mut self, state: &State) -> Vec<String> {
        let Some(run) = state.conduct.runs.last() else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if self.run != run.id {
            self.run.clone_from(&run.id);
            self.at = 0;
            self.said.clear();
            lines.push(run.plan.title.clone());
        }
        // Steps may begin and end between two calls.
        while self.at < run.at {
            lines.extend(outcome(run, self.at));
            self.at += 1;
            self.said.clear();
        }
        let now = phase(run);
        if now != self.said {
            lines.extend((!now.is_empty()).then(|| now.clone()));
            self.said = now;
        }
        let stamp = state.now.strftime("%Y-%m-%dT%H:%M:%SZ");
        let line =
            |line: String| format!("{stamp} run {} {}", run.id, text::safe(&line, state.look));
        lines.into_iter().map(line).collect()
    }
}

fn numbered(run: &Run, at: usize) -> String {
    let title = run.steps.get(at).map_or("", |step: &Step| &step.title);
    format!("step {}/{} {title}", at + 1, run.steps.len())
}

/// How a step ended.
fn outcome(run: &Run, at: usize) -> Option<String> {
    let progress: &Progress = run.progress.get(at)?;
    let word = match progress.outcome {
        Some(outcome) => outcome.word(),
        None if progress.sent.is_none() && progress.ended.is_some() => "over",
        None => "left",
    };
    Some(format!(
        "{}: {word}: {}",
        numbered(run, at),
        progress.evidence
    ))
}

/// What it does now. What is seen while it waits changes all the time and is no news.
fn phase(run: &Run) -> String {
    let step = || numbered(run, run.at);
    match &run.phase {
        Phase::Locking | Phase::Opening | Phase::Journaling { .. } => String::new(),
        Phase::Checking { .. } => format!("{}: reading what it expects", step()),
        Phase::Applying { .. } => format!("{}: sent", step()),
        Phase::Verifying { in_doubt, .. } if *in_doubt => {
            format!("{}: no answer; reading what became of it", step())
        }
        Phase::Verifying { .. } => format!("{}: accepted; reading what became of it", step()),
        Phase::Waiting { .. } => format!("{}: waiting", step()),
        Phase::Pausing { why, .. } => format!("{}: again in a moment: {why}", step()),
        Phase::Held => format!("{}: held", step()),
        Phase::Halted { why } => format!("{}: halted: {why}", step()),
        Phase::Ended { ending, text } => format!("{}: {text}", ending.word()),
    }
}
