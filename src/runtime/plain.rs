//! Append-only lines for screen readers, logs and pipes: one line per change of state. Never moves the cursor, never colours.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::unbounded_channel,
};

use super::{
    carry::Carrier, clock::Clock, desk, journal::Records, lines::RunLines, recording::Recorder,
};
use crate::{
    event::Event,
    provider::Provider,
    report,
    resources::{
        Kind, Severity,
        cell::{RowId, ShownRow},
        shown,
    },
    state::{Look, State, update},
    ui::text,
};

/// How often the lines of all regions are written when nothing changes.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Streams until interrupted, or until standard output is closed; the state in which that was.
pub async fn run(
    mut state: State,
    provider: Arc<dyn Provider>,
    clock: Clock,
    records: Records,
    mut recorder: Option<Recorder>,
) -> io::Result<State> {
    let (answers, mut answered) = unbounded_channel();
    state.conduct.journal_problem = Some(desk::BEING_READ.to_owned());
    let carrier = Carrier::new(provider, clock, records, answers);
    let mut run_lines = RunLines::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut seen = Seen::default();
    let mut out = io::stdout();
    loop {
        let event = tokio::select! {
            _ = hung_up.recv() => return Ok(state),
            _ = terminated.recv() => return Ok(state),
            _ = interrupted.recv() => return Ok(state),
            _ = ticks.tick() => Event::Tick { now: clock.now() },
            Some(event) = answered.recv() => event,
        };
        if let Some(recorder) = &mut recorder {
            recorder.event(&event)?;
        }
        let ticked = matches!(event, Event::Tick { .. });
        for effect in update(&mut state, event) {
            // What concerns a screen has no place here.
            let _ = carrier.carry(effect, &state);
        }
        let mut lines = run_lines.new_ones(&state);
        if ticked {
            lines.extend(seen.lines(&state));
        }
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        if !lines.is_empty() {
            out.flush()?;
        }
    }
}

/// What was written last, per row.
#[derive(Debug, Default)]
struct Seen {
    rows: BTreeMap<RowId, Severity>,
    heartbeat: Option<Timestamp>,
}

impl Seen {
    /// The lines for what changed since the last call.
    fn lines(&mut self, state: &State) -> Vec<String> {
        let fleet = &state.fleet;
        let stamp = state.now.strftime("%Y-%m-%dT%H:%M:%SZ");
        let mut lines = Vec::new();
        if self
            .heartbeat
            .is_none_or(|at| crate::resources::age(at, state.now) >= HEARTBEAT)
            && state.schedule.settled()
        {
            self.heartbeat = Some(state.now);
            lines.extend(
                report::region_lines(state)
                    .into_iter()
                    .map(|line| format!("{stamp} {line}")),
            );
        }
        for &kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Metrics) {
            for row in shown::all(fleet, kind)
                .iter()
                .filter_map(|row| shown::show(fleet, kind, row))
            {
                let now = row.judgement.severity;
                let before = self.rows.insert(row.id.clone(), now);
                let worth = before.map_or(now > Severity::Unknown, |before| before != now);
                if worth {
                    lines.push(format!("{stamp} {}", change(&row, before, state.look)));
                }
            }
        }
        lines
    }
}

fn change(row: &ShownRow, before: Option<Severity>, look: Look) -> String {
    let from = before
        .map(|before| format!("{} -> ", before.word()))
        .unwrap_or_default();
    let reason = if row.judgement.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", text::safe(&row.judgement.reason, look))
    };
    format!(
        "{} {} {} {from}{}{reason}",
        row.id.kind.name(),
        text::safe(&row.id.place.to_string(), look),
        text::safe(&row.id.key, look),
        row.judgement.severity.word()
    )
}
