//! The loop of the interactive console: events in, state changes, effects out, a frame when something changed. Never waits for a provider.

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
    clock::Clock,
    export,
    input::{self, Input, is_interrupt},
    pollers::Pollers,
    recording::{self, Recorder, Recording},
    terminal::Screen,
};
use crate::{
    command::Command,
    config::{keymap::Context, theme::Theme},
    effect::Effect,
    event::Event,
    provider::Provider,
    state::{Notice, State, update},
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

/// Finds a theme by its name, reduced to what the terminal can show.
pub type FindTheme = Box<dyn Fn(&str) -> Result<Theme, String> + Send>;

/// Where answers and time come from.
pub enum Feed {
    /// A provider is asked, and a clock ticks.
    Provider(Arc<dyn Provider>, Clock),
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
}

struct Loop {
    state: State,
    theme: Theme,
    find_theme: FindTheme,
    screen: Screen,
    pollers: Option<Pollers>,
    recorder: Option<Recorder>,
    dirty: bool,
    drawn: Instant,
    /// When a frame was last drawn for a key; `None` before the first.
    echoed: Option<Instant>,
    /// Whether keys wait for their frame.
    typed: bool,
    last_used: Option<Instant>,
}

/// Runs until the user leaves or the terminal is gone.
pub async fn run(mut state: State, console: Console) -> io::Result<()> {
    let mut screen = Screen::enter()?;
    state.size = screen.size()?;
    state.slows = true;
    state.settle();
    screen.draw(|frame| ui::view(&state, &console.theme, frame))?;
    let (answers, answered) = unbounded_channel();
    let (typing, typed) = unbounded_channel();
    input::start(typing)?;
    let (pollers, clock) = match console.feed {
        Feed::Provider(provider, clock) => {
            (Some(Pollers::new(provider, clock, answers)), Some(clock))
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
        screen,
        pollers,
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
            let go_on = tokio::select! {
                biased;
                _ = hung_up.recv() => false,
                _ = terminated.recv() => false,
                _ = interrupted.recv() => false,
                input = typed.recv() => match input {
                    Some(first) => self.typed(first, &mut typed)?,
                    None => false,
                },
                _ = resized.recv() => {
                    // A window that is dragged sends hundreds: the next frame takes the size that it has by then.
                    self.dirty = true;
                    self.last_used = Some(Instant::now());
                    true
                },
                _ = ticks.tick() => {
                    let go_on = match clock {
                        Some(clock) => self.apply(Event::Tick { now: clock.now() })?,
                        None => true,
                    };
                    // Most seconds change nothing that shows: an idle screen is silent.
                    self.dirty |= self.state.unsettled;
                    go_on
                },
                () = tokio::time::sleep_until(next_frame.into()), if self.dirty => self.draw().map(|()| true)?,
                Some(event) = answered.recv() => {
                    self.dirty = true;
                    self.apply(event)?
                },
            };
            if !go_on {
                return Ok(());
            }
        }
    }

    fn next_frame(&self) -> Instant {
        if self.typed {
            return self.echoed.map_or(self.drawn, |at| at + KEY_FRAME);
        }
        let active = self.last_used.is_some_and(|at| at.elapsed() < ACTIVE);
        self.drawn + if active { ACTIVE_FRAME } else { IDLE_FRAME }
    }

    /// Applies a key and every other that has been typed meanwhile, then draws at once unless a key was drawn just before.
    fn typed(&mut self, first: Input, typed: &mut UnboundedReceiver<Input>) -> io::Result<bool> {
        let mut inputs = vec![first];
        inputs.extend(std::iter::from_fn(|| typed.try_recv().ok()));
        // Who wants to leave does not wait for what was typed before.
        if inputs.iter().any(|input| self.leaves(input)) {
            return Ok(false);
        }
        for input in inputs {
            if let Input::Event(event) = input
                && !self.apply(event)?
            {
                return Ok(false);
            }
        }
        self.last_used = Some(Instant::now());
        (self.typed, self.dirty) = (true, true);
        if self.next_frame() <= Instant::now() {
            self.draw()?;
        }
        Ok(true)
    }

    /// Whether an input ends the session wherever it arrives: the terminal is gone, or Ctrl-C where nobody has bound it to something else.
    fn leaves(&self, input: &Input) -> bool {
        let quits = |context| {
            let bound = match input {
                Input::Event(Event::Key { key }) => self.state.keymap.find(context, *key),
                Input::Event(_) | Input::HangUp => None,
            };
            bound.is_some_and(|invocation| invocation.command == Command::Quit)
        };
        matches!(input, Input::HangUp)
            || (is_interrupt(input)
                && [Context::Global, Context::Detail, Context::Dialog]
                    .into_iter()
                    .all(quits))
    }

    /// Applies one event and carries out what follows; `false` to leave.
    fn apply(&mut self, event: Event) -> io::Result<bool> {
        self.record(&event);
        for effect in update(&mut self.state, event) {
            match effect {
                Effect::Observe(query) => {
                    if let Some(pollers) = &self.pollers {
                        pollers.ask(query);
                    }
                }
                Effect::Lock { .. }
                | Effect::Unlock
                | Effect::Journal(_)
                | Effect::Apply { .. }
                | Effect::DropKeys => {}
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
            }
        }
        Ok(true)
    }

    /// A recording that cannot be written is said once; the console goes on without it.
    fn record(&mut self, event: &Event) {
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.event(event)
        {
            self.recorder = None;
            self.state.notice = Some(Notice {
                text: format!("the recording ended: {error}"),
                failed: true,
            });
        }
    }

    fn note(&mut self, outcome: Result<String, String>) -> io::Result<bool> {
        self.dirty = true;
        let failed = outcome.is_err();
        let text = outcome.unwrap_or_else(|error| error);
        self.apply(Event::Noted { text, failed })
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
