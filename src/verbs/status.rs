//! `pilothouse status`: what the screen would show, once, for people, scripts and cron.

use std::{io::Write, time::Duration};

use super::{Failure, Session, demo, layers, records};
use crate::{
    cli::{Common, World, exit},
    config,
    effect::Format,
    provider::live::LiveProvider,
    report,
    resources::{Kind, Severity},
    runtime::{clock::Clock, once},
    state::Mode,
};

/// What to print.
pub struct Wanted {
    /// Format.
    pub output: Format,
    /// Panes; empty means the home screen's, or all in JSON.
    pub panes: Vec<Kind>,
    /// Filter.
    pub filter: String,
    /// Severity from which the exit code says so.
    pub fail_on: Option<Severity>,
    /// The longest wait.
    pub timeout: Duration,
}

/// Asks everything once and prints it.
pub async fn run(
    common: &Common,
    wanted: &Wanted,
    world: &World,
    at: Duration,
) -> Result<u8, Failure> {
    let session = if world.scenario.is_some() {
        demo::session(common, world, 1.0, at)?.0
    } else {
        live(common)?
    };
    let mut state = session.state(common);
    let panes = panes(wanted);
    for &kind in &panes {
        state
            .panes
            .entry(kind)
            .or_default()
            .filter
            .clone_from(&wanted.filter);
    }
    once::observe(&mut state, session.provider, session.clock, wanted.timeout).await;
    let text = report::panes(&state, &panes, wanted.output);
    match std::io::stdout().write_all(text.as_bytes()) {
        // `status | head -1`: the exit code still tells what was seen.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        other => other?,
    }
    let worst = report::worst_of(&state, &panes);
    Ok(if wanted.fail_on.is_some_and(|limit| worst >= limit) {
        exit::SEVERITY
    } else {
        exit::OK
    })
}

pub(super) fn live(common: &Common) -> Result<Session, Failure> {
    let config = config::load(&layers(common))?;
    let provider = std::sync::Arc::new(LiveProvider::new(std::sync::Arc::new(
        config.estate.clone(),
    )));
    Ok(Session {
        config,
        mode: Mode::Live,
        provider,
        clock: Clock::wall(),
        records: records(common, false)?,
        record: None,
        tour: false,
    })
}

/// All panes are cheap for a machine to skip and dear for a human to read.
fn panes(wanted: &Wanted) -> Vec<Kind> {
    match (wanted.panes.as_slice(), wanted.output) {
        ([], Format::Json) => Kind::ALL.to_vec(),
        ([], Format::Table | Format::Markdown) => {
            vec![Kind::Regions, Kind::Databases, Kind::Caches, Kind::Traffic]
        }
        ([], Format::Csv) => vec![Kind::Regions],
        (panes, _) => panes.to_vec(),
    }
}
