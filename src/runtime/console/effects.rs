//! Events applied, and what follows from them that concerns the screen, the keys or a file. Decides nothing that `state` can decide.

use std::time::Instant;

use tokio::sync::mpsc::UnboundedReceiver;

use super::{GONE, Loop, Way};
use crate::{
    effect::Effect,
    event::Event,
    runtime::{export, perf},
    state::{Notice, update_all},
    ui,
};

/// So many answers are taken in at once, at most: a flood of them must not hold up keys and signals.
const TOGETHER: usize = 64;

impl Loop {
    /// Applies one event and carries out what follows.
    pub(super) fn apply(&mut self, event: Event) -> Way {
        self.apply_all(vec![event])
    }

    /// What polls bring is kept until the screen shows data again: with the next tick, and soon while somebody is at the keys. A key acts on what is on the screen, and its
    /// echo waits for nothing that it did not ask.
    pub(super) fn arrive(&mut self, first: Event, answered: &mut UnboundedReceiver<Event>) -> Way {
        self.rhythm.change();
        let waiting = std::iter::from_fn(|| answered.try_recv().ok()).take(TOGETHER);
        let events: Vec<Event> = std::iter::once(first).chain(waiting).collect();
        let polled = events.iter().all(Event::is_polled);
        self.arrived.extend(events);
        // At first what is asked next follows from what is known.
        if polled && (self.rhythm.in_use(Instant::now()) || self.state.schedule.settled()) {
            return Way::On;
        }
        // What a run waits for is judged with everything that came before it.
        self.take_in()
    }

    /// Applies what the polls have brought.
    pub(super) fn take_in(&mut self) -> Way {
        if self.arrived.is_empty() {
            return Way::On;
        }
        let arrived = std::mem::take(&mut self.arrived);
        self.apply_all(arrived)
    }

    fn apply_all(&mut self, events: Vec<Event>) -> Way {
        for event in &events {
            self.record(event);
        }
        let begun = Instant::now();
        let effects = update_all(&mut self.state, events);
        if let Some(perf) = &mut self.perf {
            perf.update(begun.elapsed());
        }
        for effect in effects {
            let ours = match &self.carrier {
                Some(carrier) => carrier.carry(effect, &self.state),
                None => Some(effect),
            };
            let way = ours.map_or(Way::On, |effect| self.perform(effect));
            if way != Way::On {
                return way;
            }
        }
        Way::On
    }

    fn perform(&mut self, effect: Effect) -> Way {
        match effect {
            // A replay asks nobody and changes nothing.
            Effect::Observe(_)
            | Effect::Lock { .. }
            | Effect::Unlock { .. }
            | Effect::Journal(_)
            | Effect::Apply { .. } => {}
            Effect::DropKeys => self.grow_deaf(),
            Effect::Quit => return Way::Quit,
            Effect::Suspend => {
                if self.screen.suspend().is_err() {
                    return Way::Lost(GONE);
                }
                self.continued = Some(Instant::now());
                return self.came_back();
            }
            Effect::Redraw => {
                if self.screen.clear().is_err() {
                    return Way::Lost(GONE);
                }
                self.rhythm.change();
            }
            Effect::Theme(name) => {
                let found = (self.outside.find_theme)(&name).map(|theme| self.theme = theme);
                self.note(found.map(|()| format!("theme {name}")));
            }
            Effect::Copy(text) => {
                let copied = self.screen.copy(&text).map(|()| format!("copied {text}"));
                self.note(copied);
            }
            Effect::Export(kind, format) => {
                let written = export::write(&self.state, kind, format)
                    .map(|path| format!("wrote {}", path.display()));
                self.note(written);
            }
            Effect::Picture(form) => {
                let written = export::picture(&self.state, &self.theme, form);
                self.note(written.map(|path| format!("wrote {}", path.display())));
            }
            Effect::Pager => return self.page(),
            Effect::EditConfig => return self.edit(),
            Effect::Remember(line) => {
                if let Some(memory) = &self.outside.memory {
                    memory.remember(&line);
                }
            }
            Effect::Alert(text) => {
                let text = ui::text::safe(&text, self.state.look);
                let text = format!("pilothouse: {text}");
                // Not over the program that has the terminal.
                if self.away.is_none() && self.screen.alert(&text).is_err() {
                    return Way::Lost(GONE);
                }
            }
            Effect::Link => {
                let sent = self.screen.sent;
                let pace = self.screen.pace().map_or_else(
                    || "the terminal does not say when it has shown a frame".to_owned(),
                    perf::said,
                );
                let text = format!(
                    "link: {pace}; {} bytes in {} frames sent",
                    sent.bytes, sent.frames
                );
                self.note(Ok(text));
            }
        }
        Way::On
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

    /// Tells what became of something at the bottom of the screen.
    pub(super) fn note(&mut self, outcome: Result<String, String>) {
        self.rhythm.change();
        let failed = outcome.is_err();
        let text = outcome.unwrap_or_else(|error| error);
        self.apply(Event::Noted { text, failed });
    }
}
