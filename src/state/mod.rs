//! Everything that the screen shows, and the only place where it changes. Pure: no clock, no IO, no terminal.

mod alert;
pub mod conduct;
mod confirm;
mod dialog;
mod leave;
mod navigate;
mod pace;
mod point;
mod rows;
pub mod schedule;
mod selection;
pub mod tour;
mod update;
mod what_now;
mod why;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use self::schedule::Schedule;
pub use self::{
    leave::in_flight,
    update::{update, update_all},
    why::obstacle,
};

use crate::{
    actions::Advice,
    command::Command,
    config::keymap::{Context, Keymap},
    facts::Facts,
    plan::GuardId,
    resources::{
        Estate, Fleet, Kind,
        cell::RowId,
        shown::{Order, Sort},
    },
};

/// Where the data comes from; shown in the top line so that one is never taken for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Real accounts.
    Live,
    /// The simulator.
    Sim {
        /// Name of the scenario.
        scenario: String,
        /// Seed.
        seed: u64,
    },
    /// A recording.
    Replay,
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// The region table and the other panes of the home screen.
    Home,
    /// One pane on the whole screen.
    Zoom(Kind),
    /// Everything about one row; its scroll position in lines.
    Detail(RowId, u16),
    /// A page about plans and runs; its scroll position, or the line of its cursor.
    Page(Page, u16),
}

/// A page about plans and runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The plan that is looked at.
    Plan,
    /// The run that was chosen.
    Run,
    /// The runs of the journal: interrupted, to be undone, left over.
    Runs,
    /// The journal.
    Journal,
}

impl Page {
    /// Its name in files that show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Run => "run",
            Self::Runs => "runs",
            Self::Journal => "journal",
        }
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plan => "Plan",
            Self::Run => "Run",
            Self::Runs => "Runs",
            Self::Journal => "Journal",
        }
    }
}

/// What lies over the screen, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    /// Keys and commands.
    Help {
        /// First line shown.
        scroll: u16,
    },
    /// The command line.
    Palette {
        /// What is typed.
        input: Input,
        /// Which completion is selected.
        choice: usize,
        /// Position in the history, from the newest; `None` while a new line is typed.
        recalled: Option<usize>,
    },
    /// The filter line of the focused pane; the filter before, for Esc.
    Filter {
        /// What is typed.
        input: Input,
        /// Which completion is selected.
        choice: usize,
        /// The filter before.
        before: String,
    },
    /// The question whether a plan shall be carried out.
    Confirm {
        /// How far the answer is.
        stage: conduct::Stage,
        /// What is typed at this stage.
        input: Input,
        /// What was typed at the stages before.
        typed: Vec<String>,
    },
    /// The words about the loss, once more, before a guard of a run is overridden where nothing undoes it.
    Override {
        /// The run.
        run: String,
        /// The guard.
        guard: GuardId,
        /// Why.
        reason: String,
        /// What is typed.
        input: Input,
    },
    /// Plans that would help now.
    WhatNow {
        /// Them, the most helpful first.
        advice: Vec<Advice>,
        /// The chosen one.
        cursor: usize,
    },
    /// The question how a run shall stop.
    Stop {
        /// The run.
        run: String,
    },
    /// A text with a title: why, legend, cost.
    Text {
        /// Title.
        title: String,
        /// Lines.
        lines: Vec<String>,
        /// First line shown.
        scroll: u16,
    },
}

/// A line being typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// The text.
    pub text: String,
    /// Byte offset of the cursor, on a character boundary.
    pub cursor: usize,
}

/// What a pane remembers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pane {
    /// Sort column; `None` is worst first.
    pub sort: Option<Sort>,
    /// Filter text.
    pub filter: String,
    /// The selected row, followed from poll to poll.
    pub selected: Option<RowId>,
    /// The rows in the order of the screen.
    pub order: Order,
    /// Index in `order` of the selected row.
    pub cursor: usize,
}

/// A display that was frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct Frozen {
    /// What was known then. Time goes on for it, so that its ages do not lie.
    pub fleet: Fleet,
    /// When that was.
    pub since: Timestamp,
}

/// One line at the bottom, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The text.
    pub text: String,
    /// Whether it reports a failure.
    pub failed: bool,
}

/// Of what charts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charts {
    /// Braille dots: two values in a cell.
    #[default]
    Braille,
    /// Block elements.
    Block,
    /// ASCII.
    Ascii,
}

/// Choices about how things are drawn that are not colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Of what charts are made; ASCII only, where `ascii` is set.
    pub charts: Charts,
    /// ASCII glyphs only.
    pub ascii: bool,
    /// Account ids and ARNs are masked.
    pub privacy: bool,
}

/// The state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The time.
    pub now: Timestamp,
    /// When the console started.
    pub started_at: Timestamp,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Where the data comes from.
    pub mode: Mode,
    /// Everything known.
    pub fleet: Fleet,
    /// Facts about the fleet on display; renewed with the orders of the panes.
    pub facts: Facts,
    /// What is on display while the display is frozen.
    pub frozen: Option<Box<Frozen>>,
    /// Key bindings.
    pub keymap: Keymap,
    /// Names of the themes that can be switched to.
    pub themes: Vec<String>,
    /// How things are drawn.
    pub look: Look,
    /// What fills the screen.
    pub screen: Screen,
    /// Screens to go back to, newest last.
    pub back: Vec<Screen>,
    /// Screens to go forward to, newest last.
    pub forward: Vec<Screen>,
    /// The pane that has the keys on the home screen.
    pub focus: Kind,
    /// What each pane remembers.
    pub panes: BTreeMap<Kind, Pane>,
    /// Dialogs, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// Commands typed so far, newest last.
    pub typed: Vec<String>,
    /// One line at the bottom.
    pub notice: Option<Notice>,
    /// When to ask what.
    pub schedule: Schedule,
    /// Plans and runs.
    pub conduct: conduct::Conduct,
    /// The last key, or the start.
    pub last_used: Timestamp,
    /// Whether it asks less often when nobody types: only a console does that somebody can wake.
    pub slows: bool,
    /// What somebody who looks elsewhere was told already.
    pub called: alert::Called,
    /// Where a newcomer is being shown around.
    pub tour: Option<tour::Tour>,
    /// Bytes per second of the way to the screen, while it is slow.
    pub slow_link: Option<u64>,
    /// Rows may have changed since the orders of the panes were made.
    pub unsettled: bool,
    /// How often the orders of the panes were made: what is drawn of rows holds until it is another.
    pub settled: u64,
    /// When it began to say that something is not fine, each time.
    pub alerts: Vec<Timestamp>,
    /// Whether it says so now.
    alarmed: bool,
}

impl State {
    /// A console on an estate of which nothing is known yet.
    pub fn new(
        estate: Arc<Estate>,
        now: Timestamp,
        mode: Mode,
        keymap: Keymap,
        look: Look,
        size: (u16, u16),
    ) -> Self {
        let fleet = Fleet::new(estate, now);
        let schedule = Schedule::new(&fleet);
        let facts = Facts::of(&fleet);
        let mut state = Self {
            now,
            started_at: now,
            size,
            mode,
            fleet,
            frozen: None,
            keymap,
            themes: Vec::new(),
            facts,
            look,
            screen: Screen::Home,
            back: Vec::new(),
            forward: Vec::new(),
            focus: Kind::Regions,
            panes: BTreeMap::new(),
            dialogs: Vec::new(),
            typed: Vec::new(),
            notice: None,
            schedule,
            conduct: conduct::Conduct::default(),
            last_used: now,
            slows: false,
            called: alert::Called::default(),
            tour: None,
            slow_link: None,
            unsettled: true,
            settled: 0,
            alerts: Vec::new(),
            alarmed: false,
        };
        state.settle();
        state
    }

    /// Says how to begin, until the next key.
    pub fn welcome(&mut self) {
        let key = |command: Command| {
            let keys = self.keymap.keys(Context::Global, command);
            keys.first()
                .map_or_else(|| format!(":{}", command.name()), ToString::to_string)
        };
        let tour = match self.mode {
            Mode::Sim { .. } => format!("{} shows you around", key(Command::Tour)),
            Mode::Live | Mode::Replay => "new? try `pilothouse demo --tour`".to_owned(),
        };
        let text = format!(
            "Welcome: {} keys, {} commands, {} why; {tour}",
            key(Command::Help),
            key(Command::Palette),
            key(Command::Why)
        );
        self.notice = Some(Notice {
            text,
            failed: false,
        });
    }

    /// The fleet on display.
    pub fn shown(&self) -> &Fleet {
        self.frozen
            .as_deref()
            .map_or(&self.fleet, |frozen| &frozen.fleet)
    }

    /// What a pane remembers.
    pub fn pane(&self, kind: Kind) -> Option<&Pane> {
        self.panes.get(&kind)
    }
}
