//! A drill without a terminal: the whole console on the simulator, in virtual time. Owns the order of events; asks no wall clock and judges nothing.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use pilothouse::{
    arm::Written,
    config::{
        key::{Key, KeyCode},
        keymap_file,
        library::Library,
        theme::Theme,
        theme_file,
    },
    effect::Effect,
    event::Event,
    plan::entry::{Entry, What},
    resources::{
        Change, ErrorClass, Freshness, Kind, Place, RegionLabel, Severity, Source,
        cell::{self, RowId},
        change::{ApplyError, Receipt},
        levers, shown,
    },
    sim::{Clock, Scenario, SimProvider, World, score::Kpis},
    state::{Dialog, Look, Mode, State, conduct, update},
    ui,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Cell};

/// When every drill starts: the start of `pilothouse demo`.
pub const START: i64 = 1_767_581_580_000;

/// The regions of every built-in drill, as the estate lists them.
pub const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/// Virtual time in milliseconds, set by hand.
pub struct Watch(pub AtomicI64);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn speed(&self) -> f64 {
        1.0
    }
}

/// A console on a scenario.
pub struct Drill {
    /// What the console knows and shows.
    pub state: State,
    /// Every event so far, in order.
    pub events: Vec<Event>,
    theme: Theme,
    scenario: Scenario,
    world: SimProvider,
    watch: Arc<Watch>,
    /// Answers on their way, by their time of arrival and the order in which they were asked for.
    on_the_way: BTreeMap<(i64, u64), Event>,
    asked: u64,
    /// What is on disk, oldest first.
    pub journal: Vec<Entry>,
    /// Why entries cannot be written, while that is so.
    pub disk_full: Option<String>,
    /// Who holds the locks, if somebody else does.
    pub locked_by: Option<String>,
    /// The locks that are ours.
    pub locks: BTreeMap<String, Vec<String>>,
    /// Every change that was sent: when, and what the API will answer.
    pub sent: Vec<Sent>,
    /// How often typed-ahead keys were forgotten.
    pub dropped: usize,
    /// What somebody who looks elsewhere was told, and when.
    pub alerts: Vec<(i64, String)>,
}

/// A change that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What.
    pub change: Change,
    /// What the API answers.
    pub result: Result<Receipt, ApplyError>,
}

/// A console that knows nothing yet on the estate of a drill.
pub fn console(world: &SimProvider, scenario: &Scenario) -> State {
    let library = Library::default();
    let mode = Mode::Sim {
        scenario: scenario.name.clone(),
        seed: scenario.seed,
    };
    let keymap = keymap_file::load(&library, "default").unwrap();
    let now = Timestamp::from_millisecond(START).unwrap();
    let estate = Arc::new(world.estate());
    State::new(estate, now, mode, keymap, Look::default(), (80, 24))
}

/// The dark theme in full colour.
pub fn theme() -> Theme {
    theme_file::load(&Library::default(), "dark").unwrap()
}

impl Drill {
    /// A built-in scenario at its first second, by name.
    pub fn named(name: &str) -> Self {
        Self::joining(name, 0)
    }

    /// A built-in scenario that a console joins some seconds after its start.
    pub fn joining(name: &str, second: i64) -> Self {
        let scenario = Scenario::named(name).unwrap().unwrap();
        let watch = Arc::new(Watch(AtomicI64::new(START + second * 1_000)));
        let clock: Arc<dyn Clock> = Arc::<Watch>::clone(&watch);
        let start = Timestamp::from_millisecond(START).unwrap();
        let world = SimProvider::starting(&scenario, scenario.seed, start, clock);
        let mut drill = Self {
            state: console(&world, &scenario),
            events: Vec::new(),
            theme: theme(),
            scenario,
            world,
            watch,
            on_the_way: BTreeMap::new(),
            asked: 0,
            journal: Vec::new(),
            disk_full: None,
            locked_by: None,
            locks: BTreeMap::new(),
            sent: Vec::new(),
            dropped: 0,
            alerts: Vec::new(),
        };
        drill.tick();
        drill
    }

    /// Seconds since the start of the scenario.
    pub fn second(&self) -> i64 {
        (self.watch.0.load(Ordering::Relaxed) - START) / 1_000
    }

    fn apply(&mut self, event: Event) {
        self.events.push(event.clone());
        for effect in update(&mut self.state, event) {
            match effect {
                Effect::Observe(query) => {
                    let reply = self.world.reply(&query);
                    let late = i64::try_from(reply.latency.as_millis()).unwrap();
                    let arrival = self.watch.0.load(Ordering::Relaxed) + late;
                    let event = Event::Observed {
                        query,
                        at: Timestamp::from_millisecond(arrival).unwrap(),
                        took: reply.latency,
                        result: reply.result,
                    };
                    self.arrive(late, event);
                }
                Effect::Lock { run, targets, .. } => {
                    let result = self.locked_by.clone().map_or(Ok(()), Err);
                    if result.is_ok() {
                        self.locks.insert(run.clone(), targets);
                    }
                    self.arrive(1, Event::Locked { run, result });
                }
                Effect::Unlock { run } => drop(self.locks.remove(&run)),
                Effect::Journal(entry) => {
                    let result = self.write(&entry);
                    let entry = Box::new(entry);
                    self.arrive(2, Event::Journaled { entry, result });
                }
                Effect::Apply {
                    run, step, change, ..
                } => {
                    let reply = self.world.receive(&change);
                    self.sent.push(Sent {
                        change: *change,
                        result: reply.result.clone(),
                    });
                    let result = reply.result;
                    let late = i64::try_from(reply.latency.as_millis()).unwrap();
                    self.arrive(late, Event::Applied { run, step, result });
                }
                Effect::DropKeys => self.dropped += 1,
                Effect::Alert(text) => self.alerts.push((self.second(), text)),
                Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Link
                | Effect::Theme(_)
                | Effect::Copy(_)
                // Nobody is there to carry them out; `replay` looks at them.
                | Effect::Export(..)
                | Effect::Picture(_)
                | Effect::Pager
                | Effect::EditConfig
                | Effect::Remember(_) => {}
            }
        }
    }

    fn arrive(&mut self, late: i64, event: Event) {
        let arrival = self.watch.0.load(Ordering::Relaxed) + late;
        self.asked += 1;
        self.on_the_way.insert((arrival, self.asked), event);
    }

    fn write(&mut self, entry: &Entry) -> Result<Written, String> {
        match &self.disk_full {
            Some(problem) => Err(problem.clone()),
            None => {
                self.journal.push(entry.clone());
                Ok(Written {
                    sequence: self.journal.len() as u64,
                    hash: String::new(),
                })
            }
        }
    }

    fn tick(&mut self) {
        let now = self.watch.now();
        self.apply(Event::Tick { now });
        self.state.settle();
    }

    /// Lets virtual seconds pass, one tick each, and looks at the console after each of them.
    pub fn watch(&mut self, seconds: i64, mut look: impl FnMut(&Self)) {
        for _ in 0..seconds {
            let end = self.watch.0.load(Ordering::Relaxed) + 1_000;
            while let Some(next) = self
                .on_the_way
                .first_entry()
                .filter(|next| next.key().0 <= end)
            {
                self.watch.0.store(next.key().0, Ordering::Relaxed);
                let event = next.remove();
                self.apply(event);
            }
            self.watch.0.store(end, Ordering::Relaxed);
            self.tick();
            look(self);
        }
    }

    /// Lets virtual seconds pass.
    pub fn advance(&mut self, seconds: i64) {
        self.watch(seconds, |_| {});
    }

    /// Lets time pass until a second after the start of the scenario.
    pub fn until(&mut self, second: i64) {
        self.advance(second - self.second());
    }

    /// Lets time pass until something is so; the second at which it became so, or `None` when it did not by the last second.
    pub fn first(&mut self, last: i64, is_so: impl Fn(&Self) -> bool) -> Option<i64> {
        while self.second() < last {
            self.advance(1);
            if is_so(self) {
                return Some(self.second());
            }
        }
        None
    }

    /// Presses keys, named as in a keymap file and separated by spaces.
    pub fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.key(key.parse().unwrap());
        }
    }

    /// Presses one key.
    pub fn key(&mut self, key: Key) {
        self.apply(Event::Key { key });
        self.state.settle();
    }

    /// A console that may act, some seconds after the start of a built-in scenario: its journal has been read and everything has been seen.
    pub fn acting(name: &str, second: i64) -> Self {
        let mut drill = Self::named(name);
        drill.apply(Event::JournalOpened {
            entries: Vec::new(),
            problem: None,
        });
        drill.until(second);
        drill
    }

    /// The same console once its journal, which is empty, has been read.
    pub fn opened(mut self) -> Self {
        self.apply(Event::JournalOpened {
            entries: Vec::new(),
            problem: None,
        });
        self
    }

    /// Types a text, key by key.
    pub fn write_keys(&mut self, text: &str) {
        for c in text.chars() {
            self.key(Key::plain(KeyCode::Char(c)));
        }
    }

    /// Types a command into the palette.
    pub fn command(&mut self, text: &str) {
        self.press(":");
        self.write_keys(text);
        self.press("enter");
    }

    /// Pastes a text.
    pub fn paste(&mut self, text: &str) {
        self.apply(Event::Paste {
            text: text.to_owned(),
        });
    }

    /// Asks for the confirmation of the plan on the screen and answers all of it: phrase, words about the loss, reason, `y`.
    pub fn confirm(&mut self) {
        let draft = self.state.conduct.draft.clone().expect("a plan");
        self.press("c");
        if !self.asks() {
            return;
        }
        self.write_keys(&draft.plan.phrase);
        if !draft.plan.loss_phrase.is_empty() {
            self.write_keys(&draft.plan.loss_phrase);
            self.write_keys("nothing else is left");
            self.press("enter");
        }
        self.press("y");
    }

    /// Whether a confirmation is asked for.
    pub fn asks(&self) -> bool {
        matches!(self.state.dialogs.last(), Some(Dialog::Confirm { .. }))
    }

    /// Plans an action and lets what the plan builds on be read again.
    pub fn plan(&mut self, typed: &str) {
        self.command(typed);
        self.advance(5);
    }

    /// Plans an action and confirms it, overriding by name exactly these guards; whatever else blocks, blocks.
    pub fn act(&mut self, typed: &str, overrides: &[&str]) {
        self.plan(typed);
        for guard in overrides {
            self.command(&format!("override {guard} seen and accepted in this drill"));
        }
        self.confirm();
        self.advance(1);
    }

    /// The names of the guards that block the plan, and other reasons by their text.
    pub fn blocked_by(&self) -> Vec<String> {
        let name = |text: String| match text.split_once(' ') {
            Some((guard, _)) if guard.starts_with("G-") => guard.to_owned(),
            _ => text,
        };
        self.obstacles().into_iter().map(name).collect()
    }

    /// Why there is no plan, as the dialog says it.
    pub fn refusal(&self) -> String {
        match self.state.dialogs.last() {
            Some(Dialog::Text { lines, .. }) => lines.join("\n"),
            other => format!("{other:?}"),
        }
    }

    /// Requests of all users that are answered well, as a share of those that are made.
    pub fn success(&self) -> f64 {
        self.truth(World::success)
    }

    /// How it went until now, as numbers (domain D.8).
    pub fn kpis(&self) -> Kpis {
        self.world.kpis(&self.journal, &self.state.alerts)
    }

    /// Lets the run in hand end, hold or halt; how, and after how many seconds.
    pub fn run_out(&mut self, at_most: i64) -> (String, i64) {
        let began = self.second();
        let stands = |drill: &Self| {
            drill.state.conduct.shown().is_some_and(|run| {
                use pilothouse::plan::run::Phase;
                matches!(
                    run.phase,
                    Phase::Ended { .. } | Phase::Halted { .. } | Phase::Held
                )
            })
        };
        let _ = self.first(began + at_most, stands);
        let took = self.second() - began;
        // The last entries reach the disk.
        self.advance(1);
        (self.phase(), took)
    }

    /// Where the run is, in one line.
    pub fn phase(&self) -> String {
        use pilothouse::plan::run::Phase;
        let Some(run) = self.state.conduct.shown() else {
            return "no run".to_owned();
        };
        match &run.phase {
            Phase::Ended { ending, text } => format!("{}: {text}", ending.word()),
            Phase::Halted { why } => format!("halted at step {}: {why}", run.at + 1),
            other => format!("step {} of {}: {other:?}", run.at + 1, run.steps.len()),
        }
    }

    /// Why the plan cannot be confirmed.
    pub fn obstacles(&self) -> Vec<String> {
        conduct::obstacles(&self.state)
    }

    /// The line at the bottom.
    pub fn notice(&self) -> String {
        let notice = self.state.notice.as_ref();
        notice.map_or(String::new(), |notice| notice.text.clone())
    }

    /// Why a plan was refused, from the journal, the newest first.
    pub fn refusals(&self) -> Vec<String> {
        let entries = self.journal.iter().rev();
        entries
            .filter_map(|entry| match &entry.what {
                What::Refused { reasons, .. } => Some(reasons.join("; ")),
                _ => None,
            })
            .collect()
    }

    /// What is true, whatever the console knows.
    pub fn truth<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        self.world.inspect(look)
    }

    /// The world, to change it as somebody else would.
    pub fn world(&self) -> &SimProvider {
        &self.world
    }

    /// The screen as text, at a size.
    pub fn screen(&self, width: u16, height: u16) -> String {
        text(&cells(&self.state, &self.theme, (width, height)), width)
    }

    /// The screen at 80×24 with every colour and attribute.
    pub fn frame(&self) -> Vec<Cell> {
        cells(&self.state, &self.theme, (80, 24))
    }

    /// The line of a region on the home screen at 80×24.
    pub fn region_line(&self, label: &str) -> String {
        let screen = self.screen(80, 24);
        let mut lines = screen.lines();
        // The row is told from the status line by its label standing right after the mark and the word.
        let found = lines.find(|line| line.split_whitespace().take(4).any(|word| word == label));
        found.unwrap_or_default().to_owned()
    }

    /// The labels of the regions in the order of the home screen at 80×24.
    pub fn regions_on_screen(&self) -> Vec<String> {
        let screen = self.screen(80, 24);
        let rows = screen.lines().filter_map(|line| {
            let words = line.split_whitespace();
            words.take(4).find(|word| REGIONS.contains(word))
        });
        rows.map(str::to_owned).collect()
    }

    /// How often a source has answered or failed at a place.
    pub fn asked(&self, source: Source, place: &Place) -> usize {
        let of = |event: &&Event| matches!(event, Event::Observed { query, .. } if query.source == source && query.place == *place);
        self.events.iter().filter(of).count()
    }

    /// Every read that failed, and how.
    pub fn failures(&self) -> Vec<(Source, ErrorClass)> {
        let failed = |event: &Event| match event {
            Event::Observed {
                query,
                result: Err(error),
                ..
            } => Some((query.source, error.class)),
            Event::Observed { .. }
            | Event::Tick { .. }
            | Event::Key { .. }
            | Event::Paste { .. }
            | Event::Mouse { .. }
            | Event::Told { .. }
            | Event::Resize { .. }
            | Event::Continued
            | Event::Link { .. }
            | Event::JournalOpened { .. }
            | Event::Journaled { .. }
            | Event::Locked { .. }
            | Event::Applied { .. }
            | Event::Lost { .. }
            | Event::Noted { .. } => None,
        };
        self.events.iter().filter_map(failed).collect()
    }

    /// The console as it was before its first event.
    pub fn fresh(&self) -> State {
        console(&self.world, &self.scenario)
    }

    /// How bad a region is.
    pub fn severity(&self, label: &str) -> Severity {
        self.state.fleet.rollup(&region(label)).severity
    }

    /// Why, in one line.
    pub fn reason(&self, label: &str) -> String {
        self.state.fleet.rollup(&region(label)).judgement().reason
    }

    /// A group of levers in a word, as the lever row shows it.
    pub fn lever(&self, group: &str) -> String {
        let groups = levers::summary(&levers::levers(&self.state.fleet));
        let found = groups.iter().find(|known| known.name == group);
        found.map(levers::LeverGroup::text).unwrap_or_default()
    }

    /// The texts of all contradictions.
    pub fn contradictions(&self) -> Vec<String> {
        let found = self.state.facts.contradictions.iter();
        found.map(|(_, text)| text.clone()).collect()
    }

    /// Every row of every pane with how bad it is, and how fresh it and each of its cells are.
    pub fn rows(&self) -> BTreeMap<RowId, (Severity, Vec<Freshness>)> {
        let fleet = &self.state.fleet;
        let shown = |kind: Kind| {
            let rows = shown::all(fleet, kind);
            rows.into_iter()
                .filter_map(move |row| shown::show(fleet, kind, &row))
        };
        let rows = Kind::ALL.iter().flat_map(|kind| shown(*kind));
        rows.map(|row| {
            let cells = row
                .cells
                .iter()
                .filter_map(|cell: &cell::Cell| cell.freshness);
            let freshness = std::iter::once(row.freshness).chain(cells).collect();
            (row.id, (row.judgement.severity, freshness))
        })
        .collect()
    }
}

/// A region by its label.
pub fn region(label: &str) -> RegionLabel {
    RegionLabel::new(label).unwrap()
}

/// A region as a place.
pub fn place(label: &str) -> Place {
    Place::Region(region(label))
}

/// What the console draws.
pub fn cells(state: &State, theme: &Theme, size: (u16, u16)) -> Vec<Cell> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal
        .draw(|frame| ui::view(state, theme, frame))
        .unwrap();
    terminal.backend().buffer().content().to_vec()
}

fn text(cells: &[Cell], width: u16) -> String {
    let lines = cells.chunks(usize::from(width)).map(|line| {
        let line: String = line.iter().map(Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}
