//! What is typed: every key that is waiting is applied before the next frame, leaving comes first, and what was typed before a question could be read does not answer it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{GONE, Loop, Way};
use crate::{
    command::Command,
    config::keymap::Context,
    event::Event,
    runtime::input::{Input, is_interrupt},
};

/// How long keys are applied before signals and answers are heard again: a flood of them must not hold up leaving.
const TURN: Duration = Duration::from_millis(10);

/// Until when keys are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deaf {
    /// Those that arrived before this.
    Until(Instant),
    /// Those that arrive before the terminal says that it has shown so many frames: over a slow line keys come that were typed long before.
    Shown(usize),
}

impl Loop {
    /// Applies a key and every other that has been typed meanwhile, then draws at once unless a key was drawn just before.
    pub(super) fn typed(&mut self, first: Input, typed: &mut UnboundedReceiver<Input>) -> Way {
        let mut inputs = VecDeque::from([first]);
        inputs.extend(std::iter::from_fn(|| typed.try_recv().ok()));
        // Who wants to leave does not wait for what was typed before.
        if inputs.iter().any(|input| matches!(input, Input::HangUp)) {
            return Way::Lost(GONE);
        }
        if inputs.iter().any(|input| self.leaves(input)) {
            return Way::Quit;
        }
        self.waiting.append(&mut inputs);
        self.type_on()
    }

    /// Applies what was typed, for one turn.
    pub(super) fn type_on(&mut self) -> Way {
        let over = Instant::now() + TURN;
        while let Some(input) = self.waiting.pop_front() {
            match input {
                Input::Shown(at) => self.screen.shown(at),
                Input::Event(event, at) => {
                    #[cfg(debug_assertions)]
                    super::super::crash::fault(&event);
                    self.rhythm.key(at);
                    if self.heard(&event, at) {
                        let way = self.apply(*event);
                        if way != Way::On {
                            return way;
                        }
                    }
                }
                Input::HangUp => {}
            }
            if Instant::now() >= over {
                break;
            }
        }
        if self.rhythm.typed().is_some() {
            self.paint()
        } else {
            Way::On
        }
    }

    /// Keys that were typed before a question stood on the screen do not answer it.
    fn heard(&mut self, event: &Event, at: Instant) -> bool {
        let heard = match self.deaf {
            None => true,
            Some(Deaf::Until(until)) => at > until,
            Some(Deaf::Shown(frames)) => self.screen.has_shown(frames),
        };
        if heard {
            self.deaf = None;
        }
        heard || !matches!(event, Event::Key { .. } | Event::Paste { .. })
    }

    /// From now on keys are forgotten until what follows is on the screen.
    pub(super) fn grow_deaf(&mut self) {
        self.deaf = Some(match self.screen.forget_typed() {
            Some(frames) => Deaf::Shown(frames),
            None => Deaf::Until(Instant::now()),
        });
    }

    /// The screen was right as it was: nothing will be shown that keys must wait for.
    pub(super) fn nothing_to_show(&mut self) {
        if matches!(self.deaf, Some(Deaf::Shown(frames)) if frames > self.screen.sent.frames) {
            self.deaf = None;
        }
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
}
