//! What the mouse does: a click selects what it points at, a second one opens it, the wheel scrolls. Owns what lies under it; nothing is ever confirmed by it.

use super::{Dialog, Screen, State, navigate};
use crate::{
    command::{Command, Invocation},
    effect::Effect,
    event::Mouse,
    resources::Kind,
    ui::layout::{self, Spot},
};

/// Rows that one turn of the wheel moves.
const TURN: isize = 3;

/// The mouse was used at a column and row.
pub fn at(state: &mut State, did: Mouse, position: (u16, u16)) -> Vec<Effect> {
    match (state.dialogs.last_mut(), did) {
        // A question is answered by hand, and what covers the screen may cover what was meant.
        (
            Some(
                Dialog::Confirm { .. }
                | Dialog::Override { .. }
                | Dialog::WhatNow { .. }
                | Dialog::Stop { .. },
            ),
            _,
        )
        | (Some(_), Mouse::Click) => {
            return Vec::new();
        }
        (Some(Dialog::Palette { choice, .. } | Dialog::Filter { choice, .. }), Mouse::Up) => {
            *choice = choice.saturating_sub(1);
            return Vec::new();
        }
        (Some(Dialog::Palette { choice, .. } | Dialog::Filter { choice, .. }), Mouse::Down) => {
            *choice = choice.saturating_add(1);
            return Vec::new();
        }
        (Some(Dialog::Help { .. } | Dialog::Text { .. }) | None, _) => {}
    }
    let turn = match did {
        Mouse::Click => return click(state, position),
        Mouse::Up => -TURN,
        Mouse::Down => TURN,
    };
    if state.dialogs.is_empty()
        && let Some((kind, ..)) = under(state, position)
    {
        state.focus = kind;
    }
    navigate::scroll_by(state, turn);
    Vec::new()
}

/// What lies under a position, with the rows that its pane shows at once.
fn under(state: &State, position: (u16, u16)) -> Option<(Kind, Spot, usize)> {
    let layout = layout::of(state.size, state.needs(&state.facts));
    match state.screen {
        Screen::Home => layout::under(&layout.panes, position),
        Screen::Zoom(kind) => layout::under(&[(kind, layout.body)], position),
        Screen::Detail(..) | Screen::Page(..) => None,
    }
}

/// A click on a pane gives it the keys, one on a row selects it, and one on what was selected already opens it.
fn click(state: &mut State, position: (u16, u16)) -> Vec<Effect> {
    let Some((kind, spot, rows)) = under(state, position) else {
        return Vec::new();
    };
    let focused = state.active() == kind;
    if state.screen == Screen::Home {
        state.focus = kind;
    }
    let Some(pane) = state.panes.get_mut(&kind) else {
        return Vec::new();
    };
    let index = match spot {
        // The title of the pane that has the keys gives it the whole screen, or returns it.
        Spot::Title if focused => {
            return navigate::perform(state, &Invocation::plain(Command::Zoom));
        }
        Spot::Title | Spot::Heading => return Vec::new(),
        Spot::Row(below) => layout::first_row(pane.order.len(), pane.cursor, rows) + below,
    };
    if index >= pane.order.len() {
        return Vec::new();
    }
    if focused && index == pane.cursor {
        return navigate::perform(state, &Invocation::plain(Command::Open));
    }
    pane.cursor = index;
    state.follow();
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        config::keymap::Keymap,
        event::Event,
        resources::{
            Answer, Query, Rows, Source, Wanted,
            fixtures::{self as f, place},
        },
        state::{Look, Mode, update},
    };

    /// A console on two regions, at 80 by 24, with three alarms.
    fn console() -> State {
        let estate = Arc::new(f::estate(&["eu", "us"]));
        let (keymap, look) = (Keymap::default(), Look::default());
        let mut state = State::new(estate, f::now(), Mode::Live, keymap, look, (80, 24));
        let query = Query {
            source: Source::Alarms,
            place: place("eu"),
            wanted: Wanted::Nothing,
            read: 0,
        };
        let alarms = ["a", "b", "c"].map(|name| f::alarm(name, "OK", name));
        let result = Ok(Answer::of(Rows::Alarms(alarms.to_vec())));
        let (at, took) = (state.now, Duration::ZERO);
        let event = Event::Observed {
            query,
            at,
            took,
            result,
        };
        update(&mut state, event);
        state.settle();
        state
    }

    fn mouse(state: &mut State, did: Mouse, column: u16, row: u16) {
        update(state, Event::Mouse { did, column, row });
        state.settle();
    }

    #[test]
    fn a_click_selects_and_a_second_one_opens() {
        let mut state = console();
        state.screen = Screen::Zoom(Kind::Alarms);
        state.unsettled = true;
        state.settle();
        // Top line, title and heading lie above the rows.
        let first = layout::of(state.size, state.needs(&state.facts)).body.y + 2;
        mouse(&mut state, Mouse::Click, 10, first + 1);
        assert_eq!(state.selected().map(|id| id.key).as_deref(), Some("b"));
        assert_eq!(state.screen, Screen::Zoom(Kind::Alarms));
        mouse(&mut state, Mouse::Click, 10, first + 1);
        assert!(matches!(&state.screen, Screen::Detail(id, _) if id.key == "b"));
        mouse(&mut state, Mouse::Click, 10, first);
        assert!(matches!(&state.screen, Screen::Detail(id, _) if id.key == "b"));
    }

    #[test]
    fn a_click_goes_to_the_pane_under_it_and_the_wheel_scrolls_there() {
        let mut state = console();
        let panes = layout::of(state.size, state.needs(&state.facts)).panes;
        for (kind, area) in panes {
            mouse(&mut state, Mouse::Click, area.x + 1, area.y + 1);
            assert_eq!(state.focus, kind);
        }
        mouse(&mut state, Mouse::Down, 1, 3);
        assert_eq!(state.focus, Kind::Regions);
        assert_eq!(state.pane(Kind::Regions).map(|pane| pane.cursor), Some(1));
    }

    #[test]
    fn nothing_under_a_text_or_question_is_clicked() {
        let stop = Dialog::Stop {
            run: "1".to_owned(),
        };
        for dialog in [stop, Dialog::Help { scroll: 0 }] {
            let mut state = console();
            state.dialogs = vec![dialog];
            let before = state.clone();
            for row in 0..24 {
                mouse(&mut state, Mouse::Click, 20, row);
            }
            assert_eq!(state, before);
        }
    }
}
