//! When the next frame is due: at once for a key, seldom while nobody types, never while nothing has changed. Owns the shortest times between two frames; draws nothing.

use std::time::{Duration, Instant};

/// How long after a key the console counts as used.
const ACTIVE: Duration = Duration::from_secs(5);
/// The shortest time between two frames that keys ask for: each is drawn at once, but a flood of them is applied between two frames.
const KEY_FRAME: Duration = Duration::from_millis(20);
/// The shortest time between two frames while it is used, or resized.
const ACTIVE_FRAME: Duration = Duration::from_millis(100);
/// The shortest time between two frames while nobody types and no tick asks for one.
const IDLE_FRAME: Duration = Duration::from_millis(1_200);

/// What there is to draw, and since when.
#[derive(Debug)]
pub struct Rhythm {
    changed: bool,
    /// When the first key came in that waits for its frame.
    typed: Option<Instant>,
    drawn: Instant,
    /// When data was last drawn: the echoes of many keys do not put it off.
    told: Instant,
    /// When a frame was last drawn for a key.
    echoed: Option<Instant>,
    used: Option<Instant>,
}

impl Rhythm {
    /// The first frame has been drawn.
    pub fn new(now: Instant) -> Self {
        Self {
            changed: false,
            typed: None,
            drawn: now,
            told: now,
            echoed: None,
            used: None,
        }
    }

    /// Something on the screen may have changed.
    pub fn change(&mut self) {
        self.changed = true;
    }

    /// A second has passed: while nobody types, all that changed in it is drawn now, and computed once for that.
    pub fn tick(&mut self, now: Instant) {
        if !self.in_use(now) {
            self.told = now
                .checked_sub(IDLE_FRAME)
                .map_or(self.told, |at| self.told.min(at));
        }
    }

    /// Somebody resizes the window.
    pub fn resize(&mut self, now: Instant) {
        self.changed = true;
        self.used = Some(now);
    }

    /// A key that came in at this time waits for its frame.
    pub fn key(&mut self, at: Instant) {
        self.changed = true;
        self.typed.get_or_insert(at);
        self.used = Some(at);
    }

    /// Whether somebody is at the keys.
    pub fn in_use(&self, now: Instant) -> bool {
        self.used
            .is_some_and(|at| now.saturating_duration_since(at) < ACTIVE)
    }

    /// When the oldest key came in that waits for its frame.
    pub fn typed(&self) -> Option<Instant> {
        self.typed
    }

    /// When the next frame is due, if there is anything to draw. Data rests for a time after each frame.
    pub fn due(&self, now: Instant, rest: Duration) -> Option<Instant> {
        if !self.changed {
            return None;
        }
        if self.typed.is_some() {
            return Some(self.echoed.map_or(self.drawn, |at| at + KEY_FRAME));
        }
        let pause = if self.in_use(now) {
            ACTIVE_FRAME
        } else {
            IDLE_FRAME
        };
        Some((self.told + pause).max(self.drawn + rest))
    }

    /// A frame has been drawn.
    pub fn draw(&mut self, now: Instant) {
        self.drawn = now;
        if self.typed.take().is_some() {
            self.echoed = Some(now);
        } else {
            self.told = now;
        }
        self.changed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_drawn_at_once_floods_together_and_data_seldom() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut rhythm = Rhythm::new(start);
        let none = Duration::ZERO;
        assert_eq!(rhythm.due(at(1), none), None);
        rhythm.change();
        assert_eq!(rhythm.due(at(1), none), Some(at(1_200)), "nobody is there");
        rhythm.key(at(2));
        assert_eq!(rhythm.due(at(2), none), Some(start), "at once");
        rhythm.draw(at(3));
        rhythm.key(at(4));
        assert_eq!(rhythm.due(at(4), none), Some(at(23)), "not twice in 20 ms");
        rhythm.draw(at(23));
        rhythm.change();
        assert_eq!(
            rhythm.due(at(24), none),
            Some(at(100)),
            "somebody is there, and keys do not put data off"
        );
        let rest = Duration::from_millis(400);
        assert_eq!(rhythm.due(at(24), rest), Some(at(423)), "the line is slow");
        assert_eq!(
            rhythm.due(at(6_000), none),
            Some(at(1_200)),
            "nobody any more"
        );
        rhythm.draw(at(100));
        rhythm.change();
        assert_eq!(rhythm.due(at(101), none), Some(at(200)), "data rests");
        rhythm.tick(at(150));
        assert_eq!(rhythm.due(at(150), none), Some(at(200)), "tick or not");
        rhythm.draw(at(6_000));
        rhythm.change();
        rhythm.tick(at(6_500));
        assert_eq!(rhythm.due(at(6_500), none), Some(at(6_500)), "at the tick");
    }
}
