//! How much the way to the screen carries: SSH, a serial line, a terminal that stalls. Owns the estimate of its speed and delay, and when the next frame may go; sends nothing itself.
//!
//! Behind each frame goes a question that every terminal answers at once. Its answer says that the frame has been shown, wherever on the way it had
//! waited: the device takes many kilobytes into buffers of its own, so that the time of a write says little.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How long keys and data wait for the first answer; a terminal that gives none is believed to be fast.
const FIRST_ANSWER: (Duration, Duration) = (Duration::from_millis(1_500), Duration::from_secs(4));
/// How long a frame may wait for those before it.
const QUEUE: Duration = Duration::from_millis(100);
/// An answer is given up after this and a few times what it should take. Answers get lost, and a screen that stands still meanwhile is worse than a frame too many.
const ALIVE: Duration = Duration::from_millis(150);
/// While none comes at all each is waited for twice as long as the one before, at most so long, and the time that its frame takes on the slowest line that we believe in.
const LOST: Duration = Duration::from_secs(3);
/// That line, in bytes per second.
const SLOWEST: f64 = 240.0;
/// A smaller frame tells the delay only.
const TELLING: usize = 256;
/// How many frames the estimates of speed and delay remember.
const REMEMBERED: (usize, usize) = (8, 32);
/// Below so many bytes per second a line is called slow.
const SLOW: f64 = 4_000.0;

/// A frame on its way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    bytes: usize,
    at: Instant,
    /// When its answer is expected, going by the estimates.
    due: Instant,
}

impl Sent {
    /// How long its answer is waited for, when so many before it were given up in a row.
    fn patience(&self, given_up: u32) -> Duration {
        let expected = self.due.saturating_duration_since(self.at);
        let patience = (ALIVE + expected * 4).saturating_mul(1 << given_up.min(8));
        patience.min(LOST + seconds(self.bytes as f64 / SLOWEST))
    }
}

/// What is known about the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Bytes per second, once a frame was big enough to tell.
    pub rate: Option<f64>,
    /// There and back.
    pub delay: Duration,
}

impl Pace {
    /// Whether frames are thinned out for it.
    pub fn slow(&self) -> bool {
        self.rate.is_some_and(|rate| rate < SLOW)
    }
}

/// The way to the screen.
#[derive(Debug, Default)]
pub struct Link {
    /// Frames whose answers have not come.
    flying: VecDeque<Sent>,
    /// Bytes per second of the last frames that could tell.
    rates: VecDeque<f64>,
    /// From frame to answer, and how big the frame was, of the last frames.
    delays: VecDeque<(Duration, usize)>,
    answered: Option<Instant>,
    /// When everything sent will be through.
    clear: Option<Instant>,
    /// How long the last frame takes.
    last: Duration,
    /// Answers in a row that were given up since the last one came.
    given_up: u32,
    /// Of the next answers, how many may be such ones that come after all: nothing is learned from them.
    unsure: usize,
    /// The terminal gave no answer in time.
    mute: bool,
}

impl Link {
    /// A frame goes on its way, with the question behind it.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        self.last = self
            .rate()
            .map_or(Duration::ZERO, |rate| seconds(bytes as f64 / rate));
        let clear = self.clear.map_or(now, |clear| clear.max(now)) + self.last;
        self.clear = Some(clear);
        self.flying.push_back(Sent {
            bytes,
            at: now,
            due: clear + self.delay().unwrap_or_default(),
        });
    }

    /// An answer came.
    pub fn answered(&mut self, now: Instant) {
        (self.mute, self.given_up) = (false, 0);
        let unsure = self.unsure > 0;
        self.unsure = self.unsure.saturating_sub(1);
        let Some(sent) = self.flying.pop_front() else {
            return;
        };
        if !unsure {
            self.learn(sent, now);
        }
        self.answered = Some(now);
        if self.flying.is_empty() {
            self.clear = None;
        }
    }

    /// What the answer to a frame tells about the way.
    fn learn(&mut self, sent: Sent, now: Instant) {
        let took = now.saturating_duration_since(sent.at);
        if sent.bytes >= TELLING {
            let (delay, least) = self.quickest().unwrap_or_default();
            // It did not move before the one in front of it was through; alone, it took longer than the quickest by what it has more.
            let alone = sent.at + delay;
            let (begun, bytes) = match self.answered {
                Some(before) if before > alone => (before, sent.bytes),
                Some(_) | None => (alone, sent.bytes.saturating_sub(least)),
            };
            let moved = now.saturating_duration_since(begun);
            // What is near the delay tells no more than that it is not slow.
            let moved = moved.max(took / 4).max(Duration::from_millis(1));
            if bytes > 0 {
                let rate = bytes as f64 / moved.as_secs_f64();
                remember(&mut self.rates, rate, REMEMBERED.0);
            }
        }
        remember(&mut self.delays, (took, sent.bytes), REMEMBERED.1);
    }

    /// What is known, once the terminal has answered.
    pub fn pace(&self) -> Option<Pace> {
        let (quickest, bytes) = self.quickest()?;
        let rate = self.rate();
        let moved = rate.map_or(Duration::ZERO, |rate| seconds(bytes as f64 / rate));
        let delay = quickest.saturating_sub(moved);
        Some(Pace { rate, delay })
    }

    /// When it must be looked again whether the next frame may go; `None`: it may go now. One that keys ask for may follow another closely.
    pub fn wait(&self, now: Instant, typed: bool) -> Option<Instant> {
        let oldest = self.flying.front()?;
        if self.delays.is_empty() {
            // Nothing is known yet, and a mute terminal will never tell.
            let patience = if typed {
                FIRST_ANSWER.0
            } else {
                FIRST_ANSWER.1
            };
            let until = oldest.at + patience;
            return (!self.mute && now < until).then_some(until);
        }
        let queued = self.clear.is_some_and(|clear| clear > now + QUEUE);
        let overdue = now > oldest.due + QUEUE;
        // Data leaves the way to keys, as long as somebody is there.
        let free = typed && !queued && !overdue && self.given_up == 0;
        (!free).then(|| oldest.at + oldest.patience(self.given_up))
    }

    /// How long the way belongs to keys after the last frame: as long as that takes, where it is slow.
    pub fn rest(&self) -> Duration {
        match self.pace() {
            Some(pace) if pace.slow() => self.last * 2,
            Some(_) | None => Duration::ZERO,
        }
    }

    /// Gives up answers that are overdue for good; tells how many.
    pub fn give_up(&mut self, now: Instant) -> usize {
        let mut given_up = 0;
        while let Some(oldest) = self.flying.front() {
            let waited = now.saturating_duration_since(oldest.at);
            if self.delays.is_empty() {
                // It stays on its way: should it come after all, it is known whose answer it is.
                let mute = waited >= FIRST_ANSWER.1;
                return usize::from(mute && !std::mem::replace(&mut self.mute, mute));
            }
            if waited < oldest.patience(self.given_up) {
                break;
            }
            self.flying.pop_front();
            self.given_up = self.given_up.saturating_add(1);
            self.unsure = (self.unsure + 1).min(REMEMBERED.1);
            given_up += 1;
        }
        if self.flying.is_empty() {
            self.clear = None;
        }
        given_up
    }

    /// Whether a frame is followed by the question.
    pub fn asks(&self) -> bool {
        !self.mute
    }

    fn quickest(&self) -> Option<(Duration, usize)> {
        self.delays.iter().min().copied()
    }

    fn delay(&self) -> Option<Duration> {
        self.quickest().map(|(delay, _)| delay)
    }

    fn rate(&self) -> Option<f64> {
        self.rates.iter().copied().reduce(f64::max)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(LOST)
}

fn remember<T>(values: &mut VecDeque<T>, value: T, at_most: usize) {
    if values.len() == at_most {
        values.pop_front();
    }
    values.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A line with a speed and a delay, in virtual time, with what uses it.
    struct Line {
        link: Link,
        now: Instant,
        rate: f64,
        delay: Duration,
        /// When it is idle again.
        idle: Instant,
        answers: VecDeque<Instant>,
    }

    impl Line {
        fn new(rate: f64, delay: Duration) -> Self {
            let now = Instant::now();
            Self {
                link: Link::default(),
                now,
                rate,
                delay,
                idle: now,
                answers: VecDeque::new(),
            }
        }

        fn send(&mut self, bytes: usize) -> Instant {
            let asks = self.link.asks();
            if asks {
                self.link.sent(bytes, self.now);
            }
            self.idle = self.idle.max(self.now) + seconds(bytes as f64 / self.rate);
            if asks {
                self.answers.push_back(self.idle + self.delay);
            }
            self.idle
        }

        fn pass(&mut self, time: Duration) {
            let end = self.now + time;
            while let Some(at) = self.answers.front().copied().filter(|at| *at <= end) {
                self.answers.pop_front();
                self.link.answered(at);
            }
            self.now = end;
            self.link.give_up(end);
        }

        /// Data that changes all the time, and a key every second for half a minute; how long each key's frame took to be through, and the frames of data.
        fn used(&mut self, bytes: usize) -> (Vec<Duration>, usize) {
            self.send(3_000);
            let (mut echoed, mut frames) = (Vec::new(), 0);
            let mut pressed: Option<Instant> = None;
            let mut drawn = self.now;
            for tick in 0..3_000_u64 {
                self.pass(ms(10));
                if tick % 100 == 37 {
                    pressed = pressed.or(Some(self.now));
                }
                if let Some(at) = pressed
                    && self.link.wait(self.now, true).is_none()
                {
                    echoed.push(self.send(200).duration_since(at));
                    pressed = None;
                } else if self.now >= drawn + ms(100).max(self.link.rest())
                    && self.link.wait(self.now, false).is_none()
                {
                    self.send(bytes);
                    (drawn, frames) = (self.now, frames + 1);
                }
            }
            (echoed, frames)
        }
    }

    #[test]
    fn a_slow_line_is_known_as_such_and_frames_never_pile_up() {
        let mut line = Line::new(960.0, ms(300));
        let (echoed, frames) = line.used(400);
        let pace = line.link.pace().unwrap();
        let rate = pace.rate.unwrap();
        assert!(
            pace.slow() && (700.0..1_500.0).contains(&rate),
            "{rate} B/s"
        );
        assert!(pace.delay < ms(700), "{:?}", pace.delay);
        // The first frame takes three seconds; then a key waits for one frame of data at most, and its own time.
        let worst = echoed.iter().skip(4).max().unwrap();
        assert!(*worst < ms(1_100), "{worst:?} of {echoed:?}");
        assert!(frames >= 10, "data is seen too: {frames}");
    }

    #[test]
    fn a_far_terminal_is_not_taken_for_a_slow_one() {
        let mut line = Line::new(1e6, ms(300));
        let (echoed, frames) = line.used(1_500);
        assert!(!line.link.pace().unwrap().slow());
        let late = echoed.iter().filter(|took| **took > ms(20)).count();
        assert!(late <= 1, "keys do not wait for answers: {echoed:?}");
        assert!(frames > 60, "{frames}");
    }

    #[test]
    fn a_terminal_that_stalls_gets_a_few_frames_more_until_it_answers() {
        let mut line = Line::new(1e6, ms(1));
        line.used(500);
        line.pass(ms(1_000));
        let known = line.link.pace();
        line.delay = ms(10_000);
        // A key every 50 ms.
        let mut frames = 0;
        for _ in 0..200 {
            line.pass(ms(50));
            if line.link.wait(line.now, true).is_none() {
                line.send(200);
                frames += 1;
            }
        }
        assert!((4..=9).contains(&frames), "{frames}");
        // What comes then answers old frames, and tells nothing about the way.
        line.delay = ms(1);
        for _ in 0..2 {
            line.pass(ms(10_000));
            line.send(200);
            line.pass(ms(5));
        }
        assert_eq!(line.link.pace(), known);
        assert!(line.link.wait(line.now, false).is_none());
    }

    #[test]
    fn a_mute_terminal_is_asked_no_more() {
        let mut line = Line::new(1e6, ms(60_000));
        line.send(3_000);
        assert!(line.link.wait(line.now, true).is_some());
        assert!(line.link.wait(line.now + FIRST_ANSWER.0, true).is_none());
        line.pass(FIRST_ANSWER.1);
        assert!(!line.link.asks() && line.link.wait(line.now, false).is_none());
        line.pass(ms(60_000));
        assert!(line.link.asks(), "a late answer is an answer");
    }

    #[test]
    fn an_answer_that_is_lost_stops_the_screen_for_a_moment_only() {
        let mut line = Line::new(1e6, ms(1));
        line.used(500);
        line.pass(ms(100));
        for _ in 0..5 {
            // Two frames, and one answer to both.
            line.link.sent(200, line.now);
            line.send(200);
            line.pass(ms(50));
            assert!(line.link.wait(line.now, false).is_some());
            line.pass(ms(150));
            assert!(line.link.wait(line.now, false).is_none());
        }
    }
}
