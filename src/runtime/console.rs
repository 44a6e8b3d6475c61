//! The loop of the interactive console: events in, state changes, effects out, a frame when something changed. Never waits for a provider, nor for a terminal.

mod away;
mod effects;
mod ending;
mod outside;
mod signals;
mod typing;

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use self::outside::{ConfigFile, FindTheme, Outside};
use self::{
    away::{Away, returned},
    signals::Signals,
    typing::Deaf,
};
use super::{
    carry::Carrier,
    clock::Clock,
    crash, desk,
    input::{self, Ears, Input, Watchdog},
    journal::Records,
    perf::Perf,
    recording::{self, Recorder, Recording},
    rhythm::Rhythm,
    terminal::Screen,
};
use crate::{config::theme::Theme, event::Event, provider::Provider, state::State, ui};

/// The signal that a process was stopped for follows within this time, when the console stopped itself.
const CONTINUED: Duration = Duration::from_secs(1);

/// Where answers and time come from.
pub enum Feed {
    /// A provider is asked, a clock ticks, and what is done is kept.
    Provider(Arc<dyn Provider>, Clock, Records),
    /// A recording says what happened, this many times as fast.
    Recording(Box<Recording>, f64),
}

/// What the loop needs besides the state.
pub struct Console {
    /// Where answers come from.
    pub feed: Feed,
    /// Where the events are written.
    pub recorder: Option<Recorder>,
    /// The theme at the start.
    pub theme: Theme,
    /// The user's own things.
    pub outside: Outside,
    /// Whether to print at the end how long everything took.
    pub trace_perf: bool,
}

struct Loop {
    state: State,
    theme: Theme,
    outside: Outside,
    screen: Screen,
    /// What panes have drawn.
    kept: ui::Kept,
    carrier: Option<Carrier>,
    clock: Option<Clock>,
    watchdog: Watchdog,
    ears: Ears,
    /// The program that has the terminal.
    away: Option<Away>,
    deaf: Option<Deaf>,
    /// What was typed and is not applied yet.
    waiting: VecDeque<Input>,
    /// What polls have brought and is not applied yet.
    arrived: Vec<Event>,
    recorder: Option<Recorder>,
    rhythm: Rhythm,
    perf: Option<Perf>,
    /// When the console last continued after it had stopped itself.
    continued: Option<Instant>,
    /// How many failures of parts of the console have been told.
    told: usize,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    /// The user leaves.
    Quit,
    /// The session is lost, and why.
    Lost(&'static str),
}

const GONE: &str = "the session was lost";
const ENDED: &str = "the console was asked to end";

/// Runs until the user leaves or the terminal is gone; the state in which that was.
pub async fn run(mut state: State, console: Console) -> io::Result<State> {
    // Before anything needs to be given back.
    let signals = Signals::new()?;
    let mut screen = Screen::enter(console.outside.manners)?;
    let size = screen.size();
    state.size = (size.width, size.height);
    state.slows = true;
    state.settle();
    screen.draw(size, |frame| ui::view(&state, &console.theme, frame))?;
    let (answers, answered) = unbounded_channel();
    let (typing, typed) = unbounded_channel();
    let (watchdog, ears) = input::start(screen.tty(), typing)?;
    let (carrier, clock) = match console.feed {
        Feed::Provider(provider, clock, records) => {
            state.conduct.journal_problem = Some(desk::BEING_READ.to_owned());
            let carrier = Carrier::new(provider, clock, records, answers);
            (Some(carrier), Some(clock))
        }
        Feed::Recording(recording, speed) => {
            tokio::spawn(recording::feed(*recording, speed, answers));
            (None, None)
        }
    };
    let this = Loop {
        state,
        theme: console.theme,
        outside: console.outside,
        screen,
        kept: ui::Kept::default(),
        carrier,
        clock,
        watchdog,
        ears,
        away: None,
        deaf: None,
        waiting: VecDeque::new(),
        arrived: Vec::new(),
        recorder: console.recorder,
        rhythm: Rhythm::new(Instant::now()),
        perf: console.trace_perf.then(Perf::new),
        continued: None,
        told: 0,
    };
    this.run(signals, typed, answered).await
}

impl Loop {
    async fn run(
        mut self,
        mut signals: Signals,
        mut typed: UnboundedReceiver<Input>,
        mut answered: UnboundedReceiver<Event>,
    ) -> io::Result<State> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let look = self.next_look();
            let at = look.unwrap_or_else(Instant::now);
            let way = tokio::select! {
                biased;
                _ = signals.hung_up.recv() => Way::Lost(GONE),
                _ = signals.terminated.recv() => Way::Lost(ENDED),
                // The keys belong to the program that has the terminal, and these are two of them.
                _ = signals.quit.recv() => if self.away.is_some() { Way::On } else { Way::Lost(ENDED) },
                _ = signals.interrupted.recv() => if self.away.is_some() { Way::On } else { Way::Quit },
                status = returned(self.away.as_mut()) => self.back(status),
                _ = signals.continued.recv() => self.continued(),
                input = typed.recv() => match input {
                    Some(first) => self.typed(first, &mut typed),
                    None => Way::Lost(GONE),
                },
                _ = signals.resized.recv() => {
                    // A window that is dragged sends hundreds: the next frame takes the size that it has by then.
                    self.rhythm.resize(Instant::now());
                    Way::On
                },
                _ = ticks.tick() => self.tick(),
                () = tokio::time::sleep_until(at.into()), if look.is_some() => self.paint(),
                Some(first) = answered.recv() => self.arrive(first, &mut answered),
                () = std::future::ready(()), if !self.waiting.is_empty() => self.type_on(),
            };
            match way {
                Way::On => {}
                Way::Quit => return self.leave("left by the operator").await,
                Way::Lost(why) => return self.finish(why, &mut answered, signals).await,
            }
        }
    }

    fn tick(&mut self) -> Way {
        let failures = crash::kept();
        if failures > self.told {
            self.told = failures;
            self.note(Err(
                "a part of the console failed, which is a bug; the report follows when you leave"
                    .to_owned(),
            ));
        }
        self.tell_pace();
        // A terminal that takes no frame must not keep what is known from what is decided.
        let way = self.take_in();
        if way != Way::On {
            return way;
        }
        let Some(clock) = self.clock else {
            self.rhythm_follows();
            return Way::On;
        };
        let way = self.apply(Event::Tick { now: clock.now() });
        self.rhythm_follows();
        way
    }

    /// Most seconds change nothing that shows: an idle screen is silent.
    fn rhythm_follows(&mut self) {
        if self.state.unsettled {
            // Now, and not when a key waits for its echo.
            self.state.settle();
            self.rhythm.change();
        }
        self.rhythm.tick(Instant::now());
    }

    /// Says once that the line is slow, how slow, and when it no longer is.
    fn tell_pace(&mut self) {
        let slow = self.screen.pace().filter(super::link::Pace::slow);
        let rate = slow.and_then(|pace| pace.rate).map(rounded);
        if rate != self.state.slow_link {
            self.apply(Event::Link {
                bytes_per_second: rate,
            });
            self.rhythm.change();
        }
    }

    /// The process was stopped and continues. Where it stopped itself, that is known already.
    fn continued(&mut self) -> Way {
        let ours = self.continued.take();
        // The program that has the terminal was stopped with us, and has it still.
        if self.away.is_some() || ours.is_some_and(|at| at.elapsed() < CONTINUED) {
            return Way::On;
        }
        if self.screen.retake().is_err() {
            return Way::Lost(GONE);
        }
        self.came_back()
    }

    /// What is on the screen is old: values get their age, and everything is drawn anew.
    fn came_back(&mut self) -> Way {
        self.rhythm.key(Instant::now());
        if let Some(clock) = self.clock {
            self.apply(Event::Tick { now: clock.now() });
        }
        self.apply(Event::Continued)
    }

    /// When something is to be drawn, or to be sent to a terminal that was full.
    fn next_look(&mut self) -> Option<Instant> {
        if self.away.is_some() {
            return None;
        }
        let now = Instant::now();
        let Some(due) = self.rhythm.due(now, self.screen.rest()) else {
            return self.screen.retry(now);
        };
        let typed = self.rhythm.typed().is_some();
        Some(
            self.screen
                .wait(now, typed)
                .map_or(due, |wait| wait.max(due)),
        )
    }

    /// Draws, if that is due now and the terminal has taken what came before.
    fn paint(&mut self) -> Way {
        if self.screen.flush().is_err() {
            return Way::Lost(GONE);
        }
        match self.next_look() {
            Some(at) if at <= Instant::now() && self.screen.retry(at).is_none() => self.draw(),
            Some(_) | None => Way::On,
        }
    }

    fn draw(&mut self) -> Way {
        // The echo of a key comes first, and data with the next frame.
        if self.rhythm.typed().is_none() {
            let way = self.take_in();
            if way != Way::On {
                return way;
            }
        }
        let begun = Instant::now();
        let size = self.screen.size();
        let (columns, rows) = (size.width, size.height);
        if self.state.size != (columns, rows) {
            // A new size asks for nothing to be done.
            self.apply(Event::Resize { columns, rows });
        }
        self.state.settle();
        let (state, theme, kept) = (&self.state, &self.theme, &mut self.kept);
        let mut links = Vec::new();
        let drawn = self.screen.draw(size, |frame| {
            ui::view_again(state, theme, frame, kept);
            links = ui::links(state, frame.buffer_mut());
        });
        let Ok(bytes) = drawn else {
            return Way::Lost(GONE);
        };
        let title = ui::window_title(state);
        if self.screen.link(links).is_err() || self.screen.title(&title).is_err() {
            return Way::Lost(GONE);
        }
        let now = Instant::now();
        if let Some(perf) = &mut self.perf {
            let key = self
                .rhythm
                .typed()
                .map(|at| now.saturating_duration_since(at));
            perf.frame(now.saturating_duration_since(begun), bytes, key);
        }
        self.rhythm.draw(now);
        if !self.arrived.is_empty() {
            self.rhythm.change();
        }
        if bytes == 0 {
            self.nothing_to_show();
        }
        Way::On
    }
}

/// Two digits: what changes all the time is no news.
fn rounded(rate: f64) -> u64 {
    let rate = rate.max(1.0);
    let unit = 10_f64.powf(rate.log10().floor() - 1.0).max(1.0);
    ((rate / unit).round() * unit) as u64
}
