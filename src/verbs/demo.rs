//! `pilothouse demo`: the console on the embedded simulator. Needs no account and makes no call.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{Failure, Session, layers, records};
use crate::{
    cli::{Common, World, exit},
    config::{self, Config, library},
    runtime::clock::Clock,
    sim::{
        SimProvider,
        scenario::{self, Scenario},
    },
    state::Mode,
};

/// When every scenario starts: fixed, so that the same seed gives the same frames. A Monday, at the hour for which the console is made.
const START: Timestamp = Timestamp::constant(1_767_581_580, 0);

/// The scenario of a demo that names none.
const DEFAULT: &str = "region-down";

/// The scenario of the tour.
const TOUR: &str = "tour";

/// How long its world has been going on when the tour begins.
const TOUR_BEGINS: Duration = Duration::from_secs(65);

/// Prints the scenarios.
pub fn list() -> Result<u8, Failure> {
    for (name, _) in scenario::builtin() {
        let scenario = named(name)?;
        writeln!(std::io::stdout(), "{name:<22}{}", scenario.title)?;
    }
    Ok(exit::OK)
}

/// How a scenario is played.
#[derive(Debug, Clone, Copy)]
pub struct Drill {
    /// How much faster than real time.
    pub speed: f64,
    /// Whether a newcomer is shown around.
    pub tour: bool,
    /// Whether to say at the end how it went.
    pub score: bool,
}

/// Opens the console on a scenario.
pub async fn run(
    common: &Common,
    world: &World,
    drill: Drill,
    record: Option<PathBuf>,
) -> Result<u8, Failure> {
    let Drill { speed, tour, score } = drill;
    let toured = World {
        scenario: Some(TOUR.to_owned()),
        seed: None,
    };
    // A scenario that is asked for by name is toured, too.
    let world = match &world.scenario {
        None if tour => &toured,
        Some(_) | None => world,
    };
    // Shortly before something shows.
    let at = if tour { TOUR_BEGINS } else { Duration::ZERO };
    let (session, lived) = session(common, world, speed, at)?;
    let session = Session {
        tour,
        record,
        ..session
    };
    let state = session.run(common).await?;
    if score {
        let kpis = lived.kpis(state.conduct.ledger.own(), &state.alerts);
        writeln!(std::io::stdout(), "{}", kpis.lines().join("\n"))?;
    }
    Ok(exit::OK)
}

/// A session on a scenario, some time after its start, and its world.
pub fn session(
    common: &Common,
    world: &World,
    speed: f64,
    at: Duration,
) -> Result<(Session, Arc<SimProvider>), Failure> {
    let scenario = named(world.scenario.as_deref().unwrap_or(DEFAULT))?;
    let seed = world.seed.unwrap_or(scenario.seed);
    let clock = Clock::simulated(START + at, speed);
    let provider = SimProvider::starting(&scenario, seed, START, Arc::new(clock));
    let provider = Arc::new(provider);
    let config = Config {
        estate: provider.estate(),
        ..config::load_console(&layers(common))?
    };
    let mode = Mode::Sim {
        scenario: scenario.name.clone(),
        seed,
    };
    let session = Session {
        config,
        mode,
        provider: provider.clone(),
        clock,
        records: records(common, true)?,
        record: None,
        tour: false,
    };
    Ok((session, provider))
}

/// A scenario that is built in, or a file.
fn named(name: &str) -> Result<Scenario, Failure> {
    if let Some(scenario) = Scenario::named(name) {
        return scenario.map_err(wrong);
    }
    let read = || {
        let bytes = library::read_bounded(Path::new(name))?;
        String::from_utf8(bytes).map_err(std::io::Error::other)
    };
    let text = read().map_err(|error: std::io::Error| {
        let names: Vec<&str> = scenario::builtin().iter().map(|(name, _)| *name).collect();
        Failure::Said(format!("there is no scenario `{name}`, and no file of that name could be read ({error}); there are {}", names.join(", ")))
    })?;
    Scenario::parse(&text, name).map_err(wrong)
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn wrong(problems: Vec<scenario::Problem>) -> Failure {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::Scenario(lines)
}
