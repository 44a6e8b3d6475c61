//! The same events give the same frames, whether they are lived again or read from a recording; and no key does more than the console may.

use pilothouse::{
    config::key::{Key, KeyCode},
    effect::Effect,
    event::Event,
    state::{State, update},
};
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};
use ratatui::buffer::Cell;

use super::drill::{Drill, cells, theme};

/// Three minutes of a drill in which somebody looks around; the frame after each second.
fn session() -> (Drill, Vec<Vec<Cell>>) {
    let mut drill = Drill::named("region-down");
    let mut frames = vec![drill.frame()];
    for keys in [
        "2 j j enter",
        "esc 4 z G",
        "esc w",
        "esc : r e g i o n s enter",
        "/ u s enter",
        "esc f",
        "f ? esc 1 s",
    ] {
        drill.press(keys);
        drill.watch(25, |drill| frames.push(drill.frame()));
    }
    drill.watch(5, |drill| frames.push(drill.frame()));
    (drill, frames)
}

#[test]
fn the_same_seed_and_the_same_keys_give_the_same_frames() {
    let (first, frames) = session();
    let (second, again) = session();
    assert!(first.second() >= 180);
    assert_eq!(first.events, second.events);
    assert!(frames == again);
    let mut distinct = frames;
    distinct.dedup();
    assert!(
        distinct.len() > 20,
        "the frames are not all one: {}",
        distinct.len()
    );
}

#[test]
fn a_recording_of_the_session_gives_the_same_frames() {
    let (drill, frames) = session();
    let lines: Vec<String> = drill
        .events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap())
        .collect();
    let mut state = Drill::named("region-down").fresh();
    let theme = theme();
    let mut replayed = Vec::new();
    for line in lines {
        let event: Event = serde_json::from_str(&line).unwrap();
        let tick = matches!(event, Event::Tick { .. });
        update(&mut state, event);
        if tick {
            state.settle();
            replayed.push(cells(&state, &theme, (80, 24)));
        }
    }
    assert_eq!(replayed.len(), frames.len());
    for (second, (lived, read)) in frames.iter().zip(&replayed).enumerate() {
        assert!(lived == read, "the frames differ at {second} s");
    }
}

/// Keys that do something, and some that do not.
fn any_key() -> impl Strategy<Value = Key> {
    let named = prop::sample::select(vec![
        "enter",
        "esc",
        "tab",
        "shift-tab",
        "up",
        "down",
        "left",
        "right",
        "backspace",
        "page-up",
        "page-down",
        "home",
        "end",
        "ctrl-u",
        "ctrl-w",
        "ctrl-l",
        "delete",
    ]);
    prop_oneof![
        3 => prop::char::range(' ', '~').prop_map(|c| Key::plain(KeyCode::Char(c))),
        2 => named.prop_map(|name| name.parse().unwrap()),
        1 => prop::sample::select(vec![':', '/', '?', 'z', 'w', '1', '2', '4']).prop_map(|c| Key::plain(KeyCode::Char(c))),
    ]
}

/// Asks only what the estate has, and leaves only in the known ways.
fn harmless(state: &State, effect: &Effect) -> bool {
    match effect {
        Effect::Observe(query) => state
            .fleet
            .estate
            .places(query.source)
            .contains(&query.place),
        // No key may change anything in a console that is not armed.
        Effect::Lock { .. } | Effect::Unlock { .. } | Effect::Apply { .. } => false,
        Effect::Journal(_)
        | Effect::DropKeys
        | Effect::Quit
        | Effect::Suspend
        | Effect::Redraw
        | Effect::Link
        | Effect::Theme(_)
        | Effect::Copy(_)
        | Effect::Export(..)
        | Effect::Picture(_)
        | Effect::Pager
        | Effect::EditConfig
        | Effect::Alert(_)
        | Effect::Remember(_) => true,
    }
}

#[test]
fn no_keys_break_the_console_or_ask_for_what_is_not_there() {
    let mut drill = Drill::named("region-down");
    drill.until(150);
    let theme = theme();
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    };
    let sizes = prop::sample::select(vec![(80_u16, 24_u16), (40, 10), (20, 2), (1, 1), (200, 60)]);
    let keys = prop::collection::vec(any_key(), 1..60);
    let checked = TestRunner::new(config).run(&(keys, sizes), |(keys, size)| {
        let mut state = drill.state.clone();
        update(
            &mut state,
            Event::Resize {
                columns: size.0,
                rows: size.1,
            },
        );
        for key in keys {
            let effects = update(&mut state, Event::Key { key });
            for effect in &effects {
                prop_assert!(harmless(&state, effect), "{effect:?}");
            }
            state.settle();
            cells(&state, &theme, size);
        }
        Ok(())
    });
    checked.unwrap();
}
