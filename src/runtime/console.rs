//! The loop of the interactive console: events in, state changes, effects out, a frame when something changed. Never waits for a provider.

mod notes;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use ratatui::layout::Size;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use super::{
    carry::Carrier,
    clock::Clock,
    desk, export,
    input::{self, Input, Watchdog, is_interrupt},
    journal::Records,
    memory::Memory,
    recording::{self, Recorder, Recording},
    terminal::Screen,
};
use crate::{
    command::Command,
    config::{keymap::Context, theme::Theme},
    effect::Effect,
    event::Event,
    provider::Provider,
    state::{State, in_flight, update},
    ui,
};

/// How long after a key the console counts as used.
const ACTIVE: Duration = Duration::from_secs(5);
/// The shortest time between two frames that keys ask for: each is drawn at once, but a flood of them is applied between two frames.
const KEY_FRAME: Duration = Duration::from_millis(20);
/// The shortest time between two frames while it is used, or resized.
const ACTIVE_FRAME: Duration = Duration::from_millis(100);
/// The shortest time between two frames while nobody types.
const IDLE_FRAME: Duration = Duration::from_secs(1);

/// How long a change in flight may take to its outcome when the session is lost.
const LAST_CHANGE: Duration = Duration::from_secs(30);
/// How long the last entries may take to the disk.
const LAST_ENTRIES: Duration = Duration::from_secs(1);

/// Finds a theme by its name, reduced to what the terminal can show.
pub type FindTheme = Box<dyn Fn(&str) -> Result<Theme, String> + Send>;

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
    /// For `:theme`.
    pub find_theme: FindTheme,
    /// Where it is kept what was typed.
    pub memory: Option<Memory>,
}

struct Loop {
    state: State,
    theme: Theme,
    find_theme: FindTheme,
    memory: Option<Memory>,
    screen: Screen,
    carrier: Option<Carrier>,
    watchdog: Watchdog,
    /// Keys that arrived before this are forgotten.
    deaf_until: Option<Instant>,
    recorder: Option<Recorder>,
    dirty: bool,
    drawn: Instant,
    /// When a frame was last drawn for a key; `None` before the first.
    echoed: Option<Instant>,
    /// Whether keys wait for their frame.
    typed: bool,
    last_used: Option<Instant>,
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

impl Way {
    fn on(go_on: bool) -> Self {
        if go_on { Self::On } else { Self::Quit }
    }
}

const GONE: &str = "the session was lost";
const ENDED: &str = "the console was asked to end";

/// Runs until the user leaves or the terminal is gone.
pub async fn run(mut state: State, console: Console) -> io::Result<()> {
    let mut screen = Screen::enter()?;
    state.size = screen.size()?;
    state.slows = true;
    state.settle();
    screen.draw(|frame| ui::view(&state, &console.theme, frame))?;
    let (answers, answered) = unbounded_channel();
    let (typing, typed) = unbounded_channel();
    let watchdog = input::start(typing)?;
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
        find_theme: console.find_theme,
        memory: console.memory,
        screen,
        carrier,
        watchdog,
        deaf_until: None,
        recorder: console.recorder,
        dirty: false,
        drawn: Instant::now(),
        echoed: None,
        typed: false,
        last_used: None,
    };
    this.run(clock, typed, answered).await
}

impl Loop {
    async fn run(
        mut self,
        clock: Option<Clock>,
        mut typed: UnboundedReceiver<Input>,
        mut answered: UnboundedReceiver<Event>,
    ) -> io::Result<()> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut resized = signal(SignalKind::window_change())?;
        let mut hung_up = signal(SignalKind::hangup())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        loop {
            let next_frame = self.next_frame();
            let way = tokio::select! {
                biased;
                _ = hung_up.recv() => Way::Lost(GONE),
                _ = terminated.recv() => Way::Lost(ENDED),
                _ = interrupted.recv() => Way::Quit,
                input = typed.recv() => match input {
                    Some(first) => self.typed(first, &mut typed)?,
                    None => Way::Lost(GONE),
                },
                _ = resized.recv() => {
                    // A window that is dragged sends hundreds: the next frame takes the size that it has by then.
                    self.dirty = true;
                    self.last_used = Some(Instant::now());
                    Way::On
                },
                _ = ticks.tick() => {
                    let go_on = match clock {
                        Some(clock) => self.apply(Event::Tick { now: clock.now() })?,
                        None => true,
                    };
                    // Most seconds change nothing that shows: an idle screen is silent.
                    self.dirty |= self.state.unsettled;
                    Way::on(go_on)
                },
                () = tokio::time::sleep_until(next_frame.into()), if self.dirty => self.draw().map(|()| Way::On)?,
                Some(event) = answered.recv() => {
                    self.dirty = true;
                    Way::on(self.apply(event)?)
                },
            };
            match way {
                Way::On => {}
                Way::Quit => return self.leave("left by the operator").await,
                Way::Lost(why) => {
                    let again = async {
                        tokio::select! { _ = terminated.recv() => {}, _ = interrupted.recv() => {} }
                    };
                    return self.finish(why, clock, &mut answered, again).await;
                }
            }
        }
    }

    /// Leaves at once. A run in hand is interrupted, and the journal says so.
    async fn leave(mut self, why: &str) -> io::Result<()> {
        // The terminal may be gone; what is written is written without it.
        let _ = self.apply(Event::Lost {
            why: why.to_owned(),
        });
        if let Some(carrier) = &self.carrier {
            carrier.settle(LAST_ENTRIES).await;
        }
        Ok(())
    }

    /// Brings a change in flight to its outcome, without a screen, and leaves. `again` is a second wish to leave.
    async fn finish(
        mut self,
        why: &str,
        clock: Option<Clock>,
        answered: &mut UnboundedReceiver<Event>,
        again: impl Future<Output = ()>,
    ) -> io::Result<()> {
        if in_flight(&self.state) {
            self.watchdog.wait(LAST_CHANGE + LAST_ENTRIES * 5);
        }
        let _ = self.apply(Event::Lost {
            why: why.to_owned(),
        });
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        let mut over = std::pin::pin!(tokio::time::sleep(LAST_CHANGE));
        let mut again = std::pin::pin!(again);
        while in_flight(&self.state) {
            let event = tokio::select! {
                () = &mut over => break,
                () = &mut again => break,
                _ = ticks.tick() => clock.map(|clock| Event::Tick { now: clock.now() }),
                event = answered.recv() => event,
            };
            if let Some(event) = event {
                let _ = self.apply(event);
            }
        }
        if let Some(carrier) = &self.carrier {
            carrier.settle(LAST_ENTRIES).await;
        }
        Ok(())
    }

    fn next_frame(&self) -> Instant {
        if self.typed {
            return self.echoed.map_or(self.drawn, |at| at + KEY_FRAME);
        }
        let active = self.last_used.is_some_and(|at| at.elapsed() < ACTIVE);
        self.drawn + if active { ACTIVE_FRAME } else { IDLE_FRAME }
    }

    /// Applies a key and every other that has been typed meanwhile, then draws at once unless a key was drawn just before.
    fn typed(&mut self, first: Input, typed: &mut UnboundedReceiver<Input>) -> io::Result<Way> {
        let mut inputs = vec![first];
        inputs.extend(std::iter::from_fn(|| typed.try_recv().ok()));
        // Who wants to leave does not wait for what was typed before.
        if inputs.iter().any(|input| matches!(input, Input::HangUp)) {
            return Ok(Way::Lost(GONE));
        }
        if inputs.iter().any(|input| self.leaves(input)) {
            return Ok(Way::Quit);
        }
        for input in inputs {
            if let Input::Event(event, at) = input
                && self.heard(&event, at)
                && !self.apply(*event)?
            {
                return Ok(Way::Quit);
            }
        }
        self.last_used = Some(Instant::now());
        (self.typed, self.dirty) = (true, true);
        if self.next_frame() <= Instant::now() {
            self.draw()?;
        }
        Ok(Way::On)
    }

    /// Keys that were typed before a question stood on the screen do not answer it.
    fn heard(&self, event: &Event, at: Instant) -> bool {
        let typed = matches!(event, Event::Key { .. } | Event::Paste { .. });
        !typed || self.deaf_until.is_none_or(|until| at > until)
    }

    /// Whether an input ends the session wherever it arrives: Ctrl-C, where nobody has bound it to something else.
    fn leaves(&self, input: &Input) -> bool {
        let quits = |context| {
            let Input::Event(event, _) = input else {
                return false;
            };
            let Event::Key { key } = **event else {
                return false;
            };
            let bound = self.state.keymap.find(context, key);
            bound.is_some_and(|invocation| invocation.command == Command::Quit)
        };
        is_interrupt(input)
            && [Context::Global, Context::Detail, Context::Dialog]
                .into_iter()
                .all(quits)
    }

    /// Applies one event and carries out what follows; `false` to leave.
    fn apply(&mut self, event: Event) -> io::Result<bool> {
        self.record(&event);
        for effect in update(&mut self.state, event) {
            let ours = match &self.carrier {
                Some(carrier) => carrier.carry(effect, &self.state),
                None => Some(effect),
            };
            let Some(effect) = ours else { continue };
            match effect {
                // A replay asks nobody and changes nothing.
                Effect::Observe(_)
                | Effect::Lock { .. }
                | Effect::Unlock { .. }
                | Effect::Journal(_)
                | Effect::Apply { .. }
                | Effect::Pager
                | Effect::EditConfig => {}
                Effect::DropKeys => {
                    input::forget();
                    self.deaf_until = Some(Instant::now());
                }
                Effect::Quit => return Ok(false),
                Effect::Suspend => {
                    self.screen.suspend()?;
                    self.dirty = true;
                    self.apply(Event::Continued)?;
                }
                Effect::Redraw => {
                    self.screen.clear()?;
                    self.dirty = true;
                }
                Effect::Theme(name) => {
                    let found = (self.find_theme)(&name).map(|theme| self.theme = theme);
                    self.note(found.map(|()| format!("theme {name}")))?;
                }
                Effect::Copy(text) => {
                    let copied = self.screen.copy(&text).map(|()| format!("copied {text}"));
                    self.note(copied)?;
                }
                Effect::Export(kind, format) => {
                    let written = export::write(&self.state, kind, format)
                        .map(|path| format!("wrote {}", path.display()));
                    self.note(written)?;
                }
                Effect::Picture(form) => {
                    let written = export::picture(&self.state, &self.theme, form);
                    self.note(written.map(|path| format!("wrote {}", path.display())))?;
                }
                Effect::Remember(line) => {
                    if let Some(memory) = &self.memory {
                        memory.remember(&line);
                    }
                }
                Effect::Alert(_) => self.screen.ring()?,
            }
        }
        Ok(true)
    }

    fn draw(&mut self) -> io::Result<()> {
        let (columns, rows) = self.screen.size()?;
        if self.state.size != (columns, rows) {
            // A new size asks for nothing to be done.
            self.apply(Event::Resize { columns, rows })?;
        }
        self.state.settle();
        let (state, theme) = (&self.state, &self.theme);
        self.screen.draw(|frame| {
            // Resized once more since: the signal of that brings the next frame.
            if frame.area().as_size() == Size::new(columns, rows) {
                ui::view(state, theme, frame);
            }
        })?;
        self.drawn = Instant::now();
        if std::mem::take(&mut self.typed) {
            self.echoed = Some(self.drawn);
        }
        self.dirty = false;
        Ok(())
    }
}
