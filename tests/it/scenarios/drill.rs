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
    config::{key::Key, keymap_file, library::Library, theme::Theme, theme_file},
    effect::Effect,
    event::Event,
    resources::{
        ErrorClass, Freshness, Kind, Place, RegionLabel, Severity, Source,
        cell::{self, RowId},
        levers, shown,
    },
    sim::{Clock, Scenario, SimProvider},
    state::{Look, Mode, State, update},
    ui,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Cell};

/// When every drill starts: the start of `pilothouse demo`.
const START: i64 = 1_767_581_580_000;

/// The regions of every built-in drill, as the estate lists them.
pub const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/// Virtual time in milliseconds, set by hand.
struct Watch(AtomicI64);

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
                    self.asked += 1;
                    let event = Event::Observed {
                        query,
                        at: Timestamp::from_millisecond(arrival).unwrap(),
                        took: reply.latency,
                        result: reply.result,
                    };
                    self.on_the_way.insert((arrival, self.asked), event);
                }
                // These drills only watch.
                Effect::Lock { .. }
                | Effect::Unlock
                | Effect::Journal(_)
                | Effect::Apply { .. }
                | Effect::DropKeys
                | Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Theme(_)
                | Effect::Copy(_)
                // Nobody is there to carry them out; `replay` looks at them.
                | Effect::Export(..) => {}
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
            | Event::Resize { .. }
            | Event::Continued
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
