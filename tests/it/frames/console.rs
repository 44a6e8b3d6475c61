//! States that show a fleet, with keys and themes made by hand.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pilothouse::{
    command::Invocation,
    config::{
        keymap::{Context, Keymap},
        theme::{Colour, Paint, Role, Theme},
    },
    facts::Facts,
    resources::{Fleet, Kind, shown::Order},
    state::{Look, Mode, Pane, State},
};

use super::fleet::now;

/// The keys that most terminals' hands know.
pub fn keymap() -> Keymap {
    let mut keymap = Keymap::default();
    "test".clone_into(&mut keymap.name);
    let global = [
        ("q", "quit"),
        ("ctrl-c", "quit"),
        ("?", "help"),
        (":", "palette"),
        ("/", "filter"),
        ("esc", "back"),
        ("tab", "next-pane"),
        ("shift-tab", "previous-pane"),
        ("z", "zoom"),
        ("enter", "open"),
        ("j", "down"),
        ("down", "down"),
        ("k", "up"),
        ("up", "up"),
        ("h", "left"),
        ("l", "right"),
        ("page-down", "page-down"),
        ("page-up", "page-up"),
        ("g", "top"),
        ("G", "bottom"),
        ("s", "sort"),
        ("r", "refresh"),
        ("f", "freeze"),
        ("w", "why"),
        ("y", "copy"),
        ("1", "pane regions"),
        ("2", "pane databases"),
        ("3", "pane caches"),
        ("4", "pane traffic"),
        ("5", "pane alarms"),
        ("6", "pane clusters"),
        ("7", "pane health-checks"),
        ("[", "back"),
        ("]", "forward"),
        ("ctrl-l", "redraw"),
        ("ctrl-z", "suspend"),
    ];
    for (key, line) in global {
        keymap.bind(
            Context::Global,
            key.parse().unwrap(),
            line.parse::<Invocation>().unwrap(),
        );
    }
    keymap.bind(
        Context::Dialog,
        "q".parse().unwrap(),
        "back".parse().unwrap(),
    );
    keymap
}

/// A state that shows a fleet at home.
pub fn state(fleet: Fleet, size: (u16, u16)) -> State {
    let mut panes = BTreeMap::new();
    for &kind in Kind::ALL {
        let mut order = Order::default();
        order.renew(&fleet, kind, None, "");
        panes.insert(
            kind,
            Pane {
                order,
                ..Pane::default()
            },
        );
    }
    let mode = Mode::Sim {
        scenario: "region-down".to_owned(),
        seed: 42,
    };
    let estate = Arc::clone(&fleet.estate);
    let mut state = State::new(estate, now(), mode, keymap(), Look::default(), size);
    state.started_at = now() - Duration::from_secs(192);
    state.facts = Facts::of(&fleet);
    state.themes = vec!["dark".to_owned(), "light".to_owned(), "mono".to_owned()];
    state.fleet = fleet;
    state.panes = panes;
    state
}

/// Sets the filter of a pane, as `update` would.
pub fn filter(state: &mut State, kind: Kind, filter: &str) {
    let mut order = Order::default();
    order.renew(&state.fleet, kind, None, filter);
    let pane = state.panes.get_mut(&kind).unwrap();
    *pane = Pane {
        order,
        filter: filter.to_owned(),
        ..Pane::default()
    };
}

/// The terminal's own colours and its ANSI ones.
pub fn colours() -> Theme {
    let paint = |role: Role| match role {
        Role::Title => Paint {
            bold: true,
            ..Paint::default()
        },
        Role::Focus => Paint {
            fg: Colour::Ansi(6),
            bold: true,
            reverse: true,
            ..Paint::default()
        },
        Role::Selection | Role::Banner => Paint {
            reverse: true,
            ..Paint::default()
        },
        Role::Accent => Paint {
            fg: Colour::Ansi(6),
            ..Paint::default()
        },
        Role::Ok => Paint {
            fg: Colour::Ansi(2),
            ..Paint::default()
        },
        Role::Warn => Paint {
            fg: Colour::Ansi(3),
            bold: true,
            ..Paint::default()
        },
        Role::Bad | Role::Danger => Paint {
            fg: Colour::Ansi(7),
            bg: Colour::Ansi(1),
            bold: true,
            ..Paint::default()
        },
        Role::Unknown => Paint {
            underline: true,
            ..Paint::default()
        },
        Role::Stale | Role::Muted | Role::Border => Paint {
            dim: true,
            ..Paint::default()
        },
        Role::Simulated => Paint {
            fg: Colour::Ansi(0),
            bg: Colour::Ansi(6),
            bold: true,
            ..Paint::default()
        },
        Role::Text => Paint::default(),
    };
    theme("colours", paint)
}

/// No colour at all.
pub fn mono() -> Theme {
    theme("mono", |role| match role {
        Role::Selection | Role::Focus | Role::Banner => Paint {
            reverse: true,
            ..Paint::default()
        },
        Role::Title | Role::Bad | Role::Warn => Paint {
            bold: true,
            ..Paint::default()
        },
        _ => Paint::default(),
    })
}

fn theme(name: &str, paint: impl Fn(Role) -> Paint) -> Theme {
    let mut paints = [Paint::default(); Role::ALL.len()];
    for (slot, role) in paints.iter_mut().zip(Role::ALL) {
        *slot = paint(*role);
    }
    Theme::new(name, paints)
}
