//! What the screen looks like: frames of hand-made fleets at the sizes that matter, and what must hold for every frame.

mod acting;
mod console;
mod deployments;
mod drill;
mod fleet;
mod pipelines;
mod screens;

use std::time::Duration;

use pilothouse::{
    config::theme::Theme,
    resources::{ErrorClass, Fleet, Kind, Place, Source},
    state::{Dialog, Frozen, Input, Look, Mode, Notice, Screen, State},
    ui,
};
use ratatui::{
    Terminal,
    backend::{CrosstermBackend, TestBackend},
    buffer::Buffer,
};

const SMALL: (u16, u16) = (80, 24);
const MEDIUM: (u16, u16) = (120, 40);
const LARGE: (u16, u16) = (200, 60);

fn buffer(state: &State, theme: &Theme) -> Buffer {
    let backend = TestBackend::new(state.size.0, state.size.1);
    let mut terminal = Terminal::new(backend).unwrap();
    terminal
        .draw(|frame| ui::view(state, theme, frame))
        .unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let lines = buffer.content().chunks(width).map(|line| {
        let line: String = line.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What time does to a fleet that hears nothing more.
fn later(mut state: State, seconds: u64) -> State {
    let now = fleet::now() + Duration::from_secs(seconds);
    state.now = now;
    state.fleet.now = now;
    state
}

fn first_region(fleet: &Fleet) -> Place {
    Place::Region(fleet.estate.regions[0].label.clone())
}

fn failing() -> Fleet {
    let mut fleet = fleet::full(3, 2);
    let place = first_region(&fleet);
    for source in [
        Source::Rds,
        Source::Alarms,
        Source::ElastiCache,
        Source::ApiServers,
    ] {
        fleet::reject(&mut fleet, source, &place, ErrorClass::Timeout);
    }
    let endpoint = fleet.estate.places(Source::RoutingControls)[0].clone();
    fleet::reject(
        &mut fleet,
        Source::RoutingControls,
        &endpoint,
        ErrorClass::Unreachable,
    );
    fleet
}

fn with(mut state: State, change: impl FnOnce(&mut State)) -> State {
    change(&mut state);
    state
}

fn detail(fleet: &Fleet, kind: Kind) -> Screen {
    let row = &pilothouse::resources::shown::order(fleet, kind, None, "")[0];
    Screen::Detail(
        pilothouse::resources::shown::id(fleet, kind, row).unwrap(),
        0,
    )
}

/// Every frame that is kept, by name.
fn frames() -> Vec<(&'static str, State)> {
    let mut frames = homes();
    frames.extend(elsewhere());
    frames.extend(typing());
    frames.extend(acting::frames());
    frames.extend(rollouts());
    frames.extend(delivery());
    frames
}

/// The home screen in all its states.
fn homes() -> Vec<(&'static str, State)> {
    let home = |size| console::state(fleet::full(3, 2), size);
    let many = |size| console::state(fleet::full(30, 12), size);
    let loading = |size| console::state(Fleet::new(fleet::estate(3), fleet::now()), size);
    let ascii = Look {
        ascii: true,
        ..Look::default()
    };
    vec![
        ("home-80x24", home(SMALL)),
        ("home-120x40", home(MEDIUM)),
        ("home-200x60", home(LARGE)),
        ("many-80x24", many(SMALL)),
        ("many-120x40", many(MEDIUM)),
        ("many-200x60", many(LARGE)),
        ("loading-80x24", loading(SMALL)),
        ("stale-80x24", later(home(SMALL), 140)),
        ("expired-80x24", later(home(SMALL), 1_000)),
        ("failing-80x24", later(console::state(failing(), SMALL), 80)),
        (
            "failing-120x40",
            later(console::state(failing(), MEDIUM), 80),
        ),
        (
            "ascii-80x24",
            with(later(home(SMALL), 80), |state| state.look = ascii),
        ),
        (
            "contradictions-80x24",
            console::state(fleet::contradictory(), SMALL),
        ),
        (
            "silent-80x24",
            later(console::state(fleet::silent(30), SMALL), 80),
        ),
        ("tiny-40x10", home((40, 10))),
    ]
}

/// Other screens, and dialogs.
fn elsewhere() -> Vec<(&'static str, State)> {
    let home = |size| console::state(fleet::full(3, 2), size);
    vec![
        (
            "hostile-alarms-80x24",
            with(console::state(fleet::hostile(), SMALL), |state| {
                state.screen = Screen::Zoom(Kind::Alarms);
            }),
        ),
        (
            "zoom-filter-80x24",
            with(console::state(fleet::full(30, 12), SMALL), |state| {
                state.screen = Screen::Zoom(Kind::Databases);
                console::filter(state, Kind::Databases, "orders-1 !us-");
                state.panes.get_mut(&Kind::Databases).unwrap().cursor = 21;
            }),
        ),
        (
            "detail-80x24",
            with(console::state(failing(), SMALL), |state| {
                state.screen = detail(&state.fleet, Kind::Databases);
            }),
        ),
        (
            "detail-region-120x40",
            with(home(MEDIUM), |state| {
                state.screen = detail(&state.fleet, Kind::Regions);
            }),
        ),
        (
            "privacy-80x24",
            with(console::state(fleet::hostile(), SMALL), |state| {
                state.look.privacy = true;
                state.screen = detail(&state.fleet, Kind::Databases);
            }),
        ),
        (
            "help-80x24",
            with(home(SMALL), |state| {
                state.dialogs = vec![Dialog::Help { scroll: 0 }];
            }),
        ),
        (
            "palette-80x24",
            with(home(SMALL), |state| {
                let input = Input {
                    text: "pa".to_owned(),
                    cursor: 2,
                };
                state.dialogs = vec![Dialog::Palette {
                    input,
                    choice: 1,
                    recalled: None,
                }];
            }),
        ),
        (
            "legend-80x24",
            with(home(SMALL), |state| {
                let lines = pilothouse::glyph::legend(false);
                state.dialogs = vec![Dialog::Text {
                    title: "Legend".to_owned(),
                    lines,
                    scroll: 0,
                }];
            }),
        ),
        (
            "live-frozen-notice-80x24",
            with(later(home(SMALL), 100), |state| {
                state.mode = Mode::Live;
                state.frozen = Some(Box::new(Frozen {
                    fleet: state.fleet.clone(),
                    since: fleet::now(),
                }));
                state.notice = Some(Notice {
                    text: "could not write inventory.csv: disk full".to_owned(),
                    failed: true,
                });
            }),
        ),
    ]
}

/// Help, lines being typed, the tour, and names that are hard to tell apart.
fn typing() -> Vec<(&'static str, State)> {
    let home = |size| console::state(fleet::full(3, 2), size);
    vec![
        (
            "help-plan-80x24",
            with(home(SMALL), |state| {
                state.screen = Screen::Page(pilothouse::state::Page::Plan, 0);
                state.dialogs = vec![Dialog::Help { scroll: 0 }];
            }),
        ),
        (
            "help-120x40",
            with(home(MEDIUM), |state| {
                state.dialogs = vec![Dialog::Help { scroll: 0 }];
            }),
        ),
        (
            "palette-not-now-80x24",
            with(home(SMALL), |state| {
                state.dialogs = vec![Dialog::Palette {
                    input: Input::new("h"),
                    choice: 0,
                    recalled: None,
                }];
            }),
        ),
        (
            "filter-80x24",
            with(home(SMALL), |state| {
                state.dialogs = vec![Dialog::Filter {
                    input: Input::new("!st"),
                    choice: 0,
                    before: String::new(),
                }];
            }),
        ),
        (
            "tour-80x24",
            with(home(SMALL), |state| {
                state.tour = Some(pilothouse::state::tour::Tour::default());
            }),
        ),
        (
            "names-of-one-beginning-80x24",
            with(console::state(fleet::alike(), SMALL), |state| {
                state.screen = Screen::Zoom(Kind::Alarms);
            }),
        ),
    ]
}

/// The board while an Argo Rollout waits at a pause and a Flagger Canary is half through its analysis.
fn carried(size: (u16, u16)) -> State {
    static FLEET: std::sync::LazyLock<Fleet> = std::sync::LazyLock::new(|| {
        crate::scenarios::drill::Drill::acting("flagged-release", 700)
            .state
            .fleet
    });
    with(console::state(FLEET.clone(), size), |state| {
        state.screen = Screen::Zoom(Kind::Releases);
    })
}

/// Deployments, in trouble and of silent clusters.
fn rollouts() -> Vec<(&'static str, State)> {
    let zoom = |size| {
        with(console::state(fleet::full(3, 5), size), |state| {
            state.screen = Screen::Zoom(Kind::Deployments);
        })
    };
    let board = |size| {
        with(zoom(size), |state| {
            state.screen = Screen::Zoom(Kind::Releases);
        })
    };
    vec![
        ("deployments-80x24", zoom(SMALL)),
        ("deployments-120x40", zoom(MEDIUM)),
        ("deployments-silent-120x40", later(zoom(MEDIUM), 90)),
        ("releases-80x24", board(SMALL)),
        ("releases-120x40", board(MEDIUM)),
        ("releases-carried-80x24", carried(SMALL)),
        ("releases-carried-120x40", carried(MEDIUM)),
        (
            "detail-release-carried-80x24",
            with(carried(SMALL), |state| {
                state.screen = detail(&state.fleet, Kind::Releases);
            }),
        ),
        (
            "detail-release-80x24",
            with(board(SMALL), |state| {
                state.screen = detail(&state.fleet, Kind::Releases);
            }),
        ),
        (
            "detail-deployment-80x24",
            with(zoom(SMALL), |state| {
                state.screen = detail(&state.fleet, Kind::Deployments);
            }),
        ),
    ]
}

/// Pipelines that run, are held, failed, wait and were not read.
fn delivery() -> Vec<(&'static str, State)> {
    let zoom = |size| {
        let mut fleet = fleet::full(3, 2);
        let home = fleet.estate.places(Source::Pipelines).remove(0);
        pipelines::add(&mut fleet, &home);
        with(console::state(fleet, size), |state| {
            state.screen = Screen::Zoom(Kind::Pipelines);
        })
    };
    vec![
        ("pipelines-80x24", zoom(SMALL)),
        ("pipelines-120x40", zoom(MEDIUM)),
        (
            "detail-pipeline-120x40",
            with(zoom(MEDIUM), |state| {
                state.screen = detail(&state.fleet, Kind::Pipelines);
            }),
        ),
    ]
}

#[test]
fn frames_look_as_they_did() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("frames");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, state) in frames() {
            insta::assert_snapshot!(name, text(&buffer(&state, &console::colours())));
        }
    });
}

#[test]
fn any_size_is_drawn() {
    let theme = console::colours();
    let mut states: Vec<State> = frames().into_iter().map(|(_, state)| state).collect();
    let sizes = (1..=20).chain([24, 30, 48, 59, 60, 61, 79, 80, 110, 160, 201, 400]);
    let heights: Vec<u16> = (1..=20).chain([24, 30, 31, 48, 60, 200]).collect();
    for width in sizes {
        for &height in &heights {
            let index = usize::from(width * 7 + height) % states.len();
            states[index].size = (width, height);
            let _ = buffer(&states[index], &theme);
        }
    }
}

#[test]
fn no_text_reaches_the_terminal_raw() {
    for kind in [Kind::Alarms, Kind::Regions] {
        let mut state = console::state(fleet::hostile(), MEDIUM);
        state.screen = Screen::Zoom(kind);
        let frame = text(&buffer(&state, &console::colours()));
        assert!(!frame.chars().any(|c| c != '\n'
            && (c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'))));
    }
}

/// A terminal counts the cells of a text in its own way; what stands at the right of hostile names must stand where the buffer has it.
#[test]
fn hostile_names_move_nothing_in_a_terminal() {
    let mut state = console::state(fleet::hostile(), MEDIUM);
    state.screen = Screen::Zoom(Kind::Alarms);
    let buffer = buffer(&state, &console::mono());
    let mut bytes = Vec::new();
    let (width, height) = MEDIUM;
    // The emulator leaves the replacement character out, which terminals draw.
    let plain = |cell: &ratatui::buffer::Cell| {
        let mut cell = cell.clone();
        cell.set_symbol(&cell.symbol().replace('\u{fffd}', "?"));
        cell
    };
    for y in 0..height {
        // Row by row in one go, as ratatui draws a new screen: a cell that took more or less than it should would move all behind it.
        let mut row = Vec::new();
        let mut x = 0;
        while let Some(cell) = buffer.cell((x, y)) {
            row.push((x, y, plain(cell)));
            x += (ui::text::width(cell.symbol()) as u16).max(1);
        }
        let mut backend = CrosstermBackend::new(&mut bytes);
        let row = row.iter().map(|(x, y, cell)| (*x, *y, cell));
        ratatui::backend::Backend::draw(&mut backend, row).unwrap();
    }
    let cells = |count| std::num::NonZero::new(count).unwrap();
    let mut terminal = vt100::Parser::new(cells(height), cells(width), 0);
    terminal.process(&bytes);
    for y in 0..height {
        let shown = |x| {
            let cell = terminal.screen().cell(y, x)?;
            Some(cell.contents().to_owned()).filter(|text| !text.trim().is_empty())
        };
        for x in 0..width {
            let drawn = buffer
                .cell((x, y))
                .map(|cell| plain(cell).symbol().to_owned());
            let drawn = drawn.filter(|text| !text.trim().is_empty());
            assert_eq!(shown(x), drawn, "column {x} of row {y}");
        }
    }
}

#[test]
fn privacy_hides_every_account_and_arn() {
    for (name, mut state) in frames() {
        state.look.privacy = true;
        let frame = text(&buffer(&state, &console::colours()));
        assert!(
            !frame.contains("123456789012") && !frame.contains("arn:aws"),
            "{name}:\n{frame}"
        );
    }
}

/// With NO_COLOR, crossterm answers a colour command with a full reset, which would wipe the selection (product section 5).
#[test]
fn without_colour_no_colour_command_is_sent() {
    let state = later(console::state(failing(), SMALL), 80);
    let mut bytes = Vec::new();
    let mut terminal = Terminal::with_options(
        CrosstermBackend::new(&mut bytes),
        ratatui::TerminalOptions {
            viewport: ratatui::Viewport::Fixed(ratatui::layout::Rect::new(0, 0, 80, 24)),
        },
    )
    .unwrap();
    terminal
        .draw(|frame| ui::view(&state, &console::mono(), frame))
        .unwrap();
    drop(terminal);
    let stream = String::from_utf8(bytes).unwrap();
    // The back end ends each frame with one reset of each; anything else would be a colour.
    let body = stream.split("\u{1b}[39m").next().unwrap();
    for sequence in body.split("\u{1b}[").skip(1) {
        let Some((parameters, _)) = sequence
            .split_once('m')
            .filter(|(p, _)| p.bytes().all(|b| b.is_ascii_digit() || b == b';'))
        else {
            continue;
        };
        for parameter in parameters.split(';').filter_map(|p| p.parse::<u8>().ok()) {
            assert!(!matches!(parameter, 30..=49 | 90..=107), "{parameters}");
        }
    }
    assert!(body.contains("\u{1b}[7m"), "the selection is reverse video");
}

#[test]
fn a_cursor_move_inside_a_page_moves_no_row() {
    let mut state = console::state(fleet::full(3, 2), SMALL);
    let before = buffer(&state, &console::colours());
    state.panes.get_mut(&Kind::Regions).unwrap().cursor = 1;
    let after = buffer(&state, &console::colours());
    let changed = before.diff(&after).len();
    assert!(changed <= 80 * 3, "{changed} cells");
}
