//! A console driven blind: keys, pastes, sizes and time without sense. It never breaks, never writes, forgets nothing that it must know, and hears the next key.

use jiff::Timestamp;
use pilothouse::{
    config::key::{Key, KeyCode},
    event::Event,
    ui,
};
use ratatui::{Terminal, backend::TestBackend};

use super::{
    cases::{WORLDS, env, seen},
    console::Console,
};
use crate::scenarios::drill;

/// Keys that have a name, and those that come with one.
const NAMED: &[&str] = &[
    "enter",
    "esc",
    "tab",
    "shift-tab",
    "backspace",
    "delete",
    "insert",
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "page-up",
    "page-down",
    "space",
    "f1",
    "f5",
    "f12",
    "ctrl-c",
    "ctrl-z",
    "ctrl-l",
    "ctrl-u",
    "ctrl-w",
    "ctrl-a",
    "ctrl-e",
    "ctrl-k",
    "ctrl-r",
    "ctrl-g",
    "ctrl-n",
    "ctrl-p",
    "alt-x",
    "alt-<",
    ":",
    "/",
    "?",
];

/// Words of the command line, right and wrong.
const WORDS: &[&str] = &[
    "pane databases",
    "pane",
    "sort 3",
    "filter !ok",
    "theme light",
    "theme none",
    "privacy on",
    "export md",
    "drain-region eu-west-1",
    "failover",
    "undo",
    "link",
    "legend",
    "cost",
    "arm x",
    "confirm",
    "go-on x",
    "settle x y",
    "\u{202e}\u{200b}宽",
    "why",
    "freeze",
];

/// Seeded chance (SplitMix64).
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % end
    }

    fn one(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len())]
    }
}

fn stroke(console: &mut Console, dice: &mut Dice) {
    let key = |console: &mut Console, key: Key| console.apply(Event::Key { key });
    match dice.below(100) {
        0..50 => console.key(dice.one(NAMED)),
        50..85 => {
            let c = char::from(b' ' + u8::try_from(dice.below(95)).unwrap());
            key(console, Key::plain(KeyCode::Char(c)));
        }
        85..92 => {
            console.key(":");
            for c in dice.one(WORDS).chars() {
                key(console, Key::plain(KeyCode::Char(c)));
            }
            console.key("enter");
        }
        92..94 => {
            let text = dice.one(WORDS).repeat(dice.below(40));
            console.apply(Event::Paste { text });
        }
        94..97 => {
            let columns = dice.below(400) as u16 + 1;
            let rows = dice.below(200) as u16 + 1;
            console.apply(Event::Resize { columns, rows });
        }
        97 => console.apply(Event::Continued),
        _ => console.pass(i64::try_from(dice.below(3)).unwrap()),
    }
}

/// What is kept from frame to frame, and how often and when the state had settled by then.
#[derive(Default)]
struct Frames {
    kept: ui::Kept,
    settled: Option<(u64, Timestamp)>,
}

impl Frames {
    /// The screen as it is, drawn on a terminal of its size. Where no time has passed since rows were last drawn, what was kept of them is what would be drawn.
    fn draw(&mut self, console: &mut Console) {
        console.state.settle();
        let state = &console.state;
        let (columns, rows) = state.size;
        let theme = drill::theme();
        let drawn = |kept: &mut ui::Kept| {
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            let draw = |frame: &mut ratatui::Frame<'_>| ui::view_again(state, &theme, frame, kept);
            terminal.draw(draw).unwrap().buffer.clone()
        };
        let again = drawn(&mut self.kept);
        let (settled, at) = self.settled.unwrap_or((0, state.now));
        if settled != state.settled {
            self.settled = Some((state.settled, state.now));
        } else if at == state.now {
            assert_eq!(again, drawn(&mut ui::Kept::default()));
        }
    }
}

/// So many strokes, one frame after every few.
fn drive(seed: u64, strokes: usize, between_frames: usize) {
    let mut dice = Dice(seed);
    let worlds = WORLDS.len();
    let (world, state, now) = seen(u8::try_from(seed % worlds as u64).unwrap());
    let mut console = Console::new(world, state, now);
    console.state.conduct.read_only = true;
    let mut frames = Frames::default();
    for count in 0..strokes {
        stroke(&mut console, &mut dice);
        if count % between_frames == 0 {
            frames.draw(&mut console);
        }
    }
    assert_eq!(
        console.sent.len() + console.locks.len(),
        0,
        "I8: seed {seed}: something was sent"
    );
    assert!(
        console.broken.is_empty(),
        "seed {seed}: {:?}",
        console.broken
    );
    let state = &console.state;
    let kept = [
        state.back.len(),
        state.forward.len(),
        state.typed.len(),
        state.dialogs.len(),
    ];
    assert!(
        kept.iter().all(|kept| *kept <= 1_000),
        "seed {seed}: it keeps {kept:?}"
    );
    // Whatever was open closes, and the next key is heard.
    for _ in 0..8 {
        console.key("esc");
    }
    assert_eq!(
        console.state.dialogs.len(),
        0,
        "seed {seed}: {:?}",
        console.state.dialogs
    );
    console.key("?");
    assert_eq!(
        console.state.dialogs.len(),
        1,
        "seed {seed}: it hears no more"
    );
}

#[test]
fn driven_blind_it_neither_breaks_nor_writes() {
    for seed in 0..WORLDS.len() as u64 {
        drive(seed, 400, 4);
    }
}

#[test]
#[ignore = "a million strokes take minutes"]
fn driven_blind_for_a_million_strokes() {
    let seed = env("PILOTHOUSE_SEED").unwrap_or(0) * 1_000;
    for round in 0..100 {
        drive(seed + round, 10_000, 10);
    }
}
