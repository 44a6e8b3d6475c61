//! The subcommands: each turns its flags into a state and a provider, runs, and returns an exit code. Owns no behaviour of the console.

mod apply;
mod changes;
mod check;
mod demo;
mod doctor;
mod init;
mod journal;
mod keys;
mod open;
mod plan;
mod policy;
mod replay;
mod status;

pub use self::keys::table as key_table;

use std::{fmt::Write as _, path::PathBuf, sync::Arc};

use crate::{
    cli::{Cli, Common, Verb, exit},
    config::{
        self, Config,
        depth::{ColorChoice, Depth},
        layers::{Flags, Layers},
        library::{Library, Shelf},
        problem::Problem,
        theme::Theme,
        theme_file,
    },
    provider::{Provider, credential_process, credentials, read_only::ReadOnly},
    runtime::{
        clock::Clock,
        console::{self, Console, Feed, Outside},
        journal::Records,
        memory::Memory,
        plain,
        recording::{Recorder, RecordingError},
        terminal::Manners,
    },
    state::{Charts, Look, Mode, State, tour::Tour},
};

/// Why a subcommand could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration, or a file that it names, has problems: all of them.
    #[error("{}", listed(.0))]
    Config(Vec<Problem>),
    /// The terminal, a file or a signal failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A scenario file has problems: all of them, each with its position.
    #[error("{}\n{} in the scenario", .0.join("\n"), counted(.0.len()))]
    Scenario(Vec<String>),
    /// Arguments that do not go together.
    #[error("{0}")]
    Usage(String),
    /// Nothing was sent, and why.
    #[error("refused: {}", .0.join("\n  "))]
    Refused(Vec<String>),
    /// Anything else, as a sentence that says what to do.
    #[error("{0}")]
    Said(String),
}

impl Failure {
    /// The exit code that says so.
    pub fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Scenario(_) | Self::Usage(_) => exit::USAGE,
            Self::Refused(_) => exit::REFUSED,
            Self::Io(_) | Self::Recording(_) | Self::Said(_) => exit::FAILED,
        }
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Config(problems)
    }
}

fn listed(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{problem}");
        for line in problem.excerpt().lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text + &counted(problems.len())
}

fn counted(problems: usize) -> String {
    format!("{problems} problem{}", if problems == 1 { "" } else { "s" })
}

/// Does what the command line says and returns the exit code.
pub async fn run(cli: Cli) -> Result<u8, Failure> {
    match dispatch(cli).await {
        // Whoever read has seen enough (`| head -1`): that is no failure.
        Err(Failure::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(exit::OK),
        outcome => outcome,
    }
}

async fn dispatch(cli: Cli) -> Result<u8, Failure> {
    let common = &cli.common;
    if cli.record.is_some() && !matches!(cli.command, None | Some(Verb::Demo { list: false, .. })) {
        let text = "`--record` keeps a session of the console: use it with `pilothouse` or `pilothouse demo`";
        return Err(Failure::Usage(text.to_owned()));
    }
    match cli.command {
        None => open::run(common, cli.record).await,
        Some(Verb::Demo { list: true, .. }) => demo::list(),
        Some(Verb::Demo {
            world,
            speed,
            list: false,
            tour,
            score,
        }) => {
            let drill = demo::Drill { speed, tour, score };
            demo::run(common, &world, drill, cli.record).await
        }
        Some(Verb::Replay { file, speed }) => replay::run(common, &file, speed).await,
        Some(Verb::Status {
            output,
            pane,
            filter,
            fail_on,
            timeout,
            world,
            at,
        }) => {
            let wanted = status::Wanted {
                output,
                panes: pane,
                filter,
                fail_on,
                timeout,
            };
            status::run(common, &wanted, &world, at).await
        }
        Some(Verb::Init { output, force }) => init::run(common, &output, force).await,
        Some(Verb::Check) => check::run(common),
        Some(Verb::Doctor { output }) => doctor::run(common, output).await,
        Some(Verb::Keys) => keys::run(common),
        Some(Verb::Plan {
            asked,
            output,
            out,
            on,
        }) => plan::run(common, asked, output, out.as_deref(), &on).await,
        Some(Verb::Apply { plan, approval, on }) => apply::run(common, &plan, approval, &on).await,
        Some(Verb::Undo { run, approval }) => apply::undo(common, &run, approval).await,
        Some(Verb::Journal { verb }) => journal::run(common, verb),
        Some(Verb::IamPolicy { actions }) => policy::run(&actions),
        Some(Verb::CredentialProcess { command, within }) => {
            let within = within.unwrap_or(credentials::CHAIN_DEADLINE);
            Ok(credential_process::run(&command, within).await?)
        }
    }
}

fn layers(common: &Common) -> Layers {
    Layers::of_process(Flags {
        config: common.config.clone(),
        profile: common.profile.clone(),
        regions: common.regions.clone(),
        theme: common.theme.clone(),
        keymap: common.keymap.clone(),
        glyphs: common.ascii.then_some(config::console::Glyphs::Ascii),
        color: (common.color != ColorChoice::Auto).then_some(common.color),
        mouse: common.mouse.then_some(true),
        start: None,
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn look(common: &Common, config: &Config) -> Look {
    let ascii = config.settings.glyphs.ascii(&variable);
    let charts = match variable("TERM").as_deref() {
        _ if ascii => Charts::Ascii,
        // Terminals of this name often lack a font with braille.
        Some("screen" | "rxvt" | "vt220") => Charts::Block,
        Some(_) | None => Charts::Braille,
    };
    Look {
        charts,
        ascii,
        privacy: common.privacy,
    }
}

/// A theme of the library as this terminal can show it.
fn find_theme(library: &Library, depth: Depth, name: &str) -> Result<Theme, String> {
    let theme = theme_file::load(library, name).map_err(|problems| listed(&problems))?;
    Ok(theme.reduce(depth))
}

/// What a console on a provider needs.
struct Session {
    config: Config,
    mode: Mode,
    provider: Arc<dyn Provider>,
    clock: Clock,
    records: Records,
    record: Option<PathBuf>,
    /// Whether a newcomer is shown around.
    tour: bool,
}

impl Session {
    fn state(&self, common: &Common) -> State {
        let estate = Arc::new(self.config.estate.clone());
        let look = look(common, &self.config);
        let mut state = State::new(
            estate,
            self.clock.now(),
            self.mode.clone(),
            self.config.keymap.clone(),
            look,
            (80, 24),
        );
        state.conduct.read_only = common.read_only;
        state.themes = layers(common).library().names(Shelf::Themes);
        state.tour = self.tour.then(Tour::default);
        if let Some(kind) = self.config.settings.start {
            state.screen = crate::state::Screen::Zoom(kind);
        }
        state
    }

    /// Opens the console, or streams lines where there is no terminal to draw on; the state at its end.
    async fn run(self, common: &Common) -> Result<State, Failure> {
        let state = self.state(common);
        let provider = pinned(common, self.provider);
        let recorder = match &self.record {
            Some(path) => Some(recorder(path, &state)?),
            None => None,
        };
        if common.plain || !on_terminal() {
            return Ok(plain::run(state, provider, self.clock, self.records, recorder).await?);
        }
        let feed = Feed::Provider(provider, self.clock, self.records);
        show(common, &self.config, state, feed, recorder).await
    }
}

/// A provider that takes no change, where that was asked for.
fn pinned(common: &Common, provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
    if common.read_only {
        Arc::new(ReadOnly(provider))
    } else {
        provider
    }
}

/// Where this process keeps its journal and locks.
fn records(common: &Common, simulated: bool) -> Result<Records, Failure> {
    Records::of_process(common.journal.as_deref(), simulated).map_err(Failure::Said)
}

fn on_terminal() -> bool {
    use std::io::{IsTerminal, stdin, stdout};
    // A dumb terminal cannot move its cursor.
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    stdin().is_terminal() && stdout().is_terminal() && !dumb
}

fn recorder(path: &std::path::Path, state: &State) -> Result<Recorder, Failure> {
    let created = Recorder::create(path, state.started_at, &state.fleet.estate);
    created.map_err(|error| {
        Failure::Said(format!(
            "could not start the recording {}: {error}",
            path.display()
        ))
    })
}

async fn show(
    common: &Common,
    config: &Config,
    mut state: State,
    feed: Feed,
    recorder: Option<Recorder>,
) -> Result<State, Failure> {
    let library = layers(common).library();
    let depth = Depth::detect(config.settings.color, &variable);
    let theme = config.theme.reduce(depth);
    let find_theme = Box::new(move |name: &str| find_theme(&library, depth, name));
    let memory = Memory::of_process();
    if let Some(memory) = &memory {
        recall(memory, &mut state);
    }
    let settings = &config.settings;
    let manners = Manners {
        mouse: settings.mouse,
        title: settings.title,
        alerts: settings.alerts,
        links: settings.links,
    };
    let outside = Outside {
        find_theme,
        config: changes::watched(layers(common), config),
        memory,
        manners: manners.on(&variable("TERM").unwrap_or_default()),
    };
    let console = Console {
        feed,
        recorder,
        theme,
        outside,
        trace_perf: common.trace_perf,
    };
    Ok(console::run(state, console).await?)
}

/// Brings back what was typed in earlier sessions; and whoever is here for the first time is told how to begin, once.
fn recall(memory: &Memory, state: &mut State) {
    let kept = memory.recall();
    state.typed = kept.typed;
    if !kept.welcomed && state.tour.is_none() {
        state.welcome();
        memory.welcomed();
    }
}
