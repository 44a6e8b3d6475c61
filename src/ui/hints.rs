//! The line at the bottom: what the most useful commands here are bound to, and where we are. Owns which commands are hinted at in which context.

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    text::{self, width},
};
use crate::{
    command::Command,
    config::{
        key::{Key, KeyCode},
        keymap::{Context, Keymap},
        theme::Role,
    },
    glyph::Mark,
    resources::Kind,
    state::{Dialog, Page, Screen, State, obstacle},
};

/// Something hinted at, with the word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    /// A command, by the key that is bound to it.
    Command(Command, &'static str),
    /// An action, by its key.
    Action(&'static str, &'static str),
    /// A key that no keymap can change.
    Fixed(&'static str, &'static str),
}

/// The key of an action, if one is bound to it without a target.
pub fn key_of_action(keymap: &Keymap, action: &str) -> Option<Key> {
    let bound = keymap.iter().filter(|(context, _, invocation)| {
        *context == Context::Global
            && invocation.command == Command::Act
            && invocation.argument == action
    });
    bound
        .map(|(_, key, _)| key)
        .min_by_key(|key| key.to_string().len())
}

/// The key by which a command is known: Esc or Enter where it is one of them, else the shortest.
pub fn usual_key(keymap: &Keymap, context: Context, command: Command) -> Option<Key> {
    let keys = keymap.keys(context, command);
    let known = |key: &&Key| matches!(key.code, KeyCode::Esc | KeyCode::Enter);
    keys.iter().find(known).or(keys.first()).copied()
}

/// What is hinted at, the most useful first, and the context in which its keys are looked up.
fn hinted(state: &State) -> (Context, Vec<Hint>) {
    let hints = match (state.dialogs.last(), &state.screen) {
        (Some(dialog), _) => over(dialog),
        (None, Screen::Page(page, _)) => on_page(state, *page),
        (None, Screen::Home | Screen::Zoom(_) | Screen::Detail(..)) => on_rows(state),
    };
    (state.context(), hints)
}

const HELP: Hint = Hint::Command(Command::Help, "help");
const PALETTE: Hint = Hint::Command(Command::Palette, "command");
const BACK: Hint = Hint::Command(Command::Back, "back");
const WHY: Hint = Hint::Command(Command::Why, "why");
const QUIT: Hint = Hint::Command(Command::Quit, "quit");
const PAGER: Hint = Hint::Command(Command::Pager, "pager");
const COPY: Hint = Hint::Command(Command::Copy, "copy");

/// While something lies over the screen.
fn over(dialog: &Dialog) -> Vec<Hint> {
    match dialog {
        Dialog::Help { .. } | Dialog::Text { .. } => vec![
            Hint::Command(Command::Back, "close"),
            Hint::Command(Command::Down, "down"),
            Hint::Command(Command::PageDown, "page down"),
            PAGER,
            QUIT,
        ],
        Dialog::WhatNow { .. } => {
            vec![Hint::Fixed("enter", "plan it"), Hint::Fixed("esc", "close")]
        }
        Dialog::Confirm { .. } | Dialog::Override { .. } => vec![
            Hint::Fixed("esc", "do nothing"),
            Hint::Fixed("ctrl-c", "leave"),
        ],
        Dialog::Stop { .. } => vec![
            Hint::Fixed("esc", "go on as before"),
            Hint::Fixed("s", "stop"),
            Hint::Fixed("u", "undo"),
        ],
        // The line being typed stands in their place.
        Dialog::Palette { .. } | Dialog::Filter { .. } => Vec::new(),
    }
}

/// Where rows are: all panes, one, or one row.
fn on_rows(state: &State) -> Vec<Hint> {
    let filter = Hint::Command(Command::Filter, "filter");
    let open = Hint::Command(Command::Open, "open");
    let (mut hints, more) = match state.screen {
        Screen::Detail(..) => (vec![BACK, WHY, HELP, PALETTE], vec![COPY, PAGER, QUIT]),
        Screen::Zoom(_) => (
            vec![BACK, HELP, PALETTE, filter, open, WHY],
            vec![Hint::Command(Command::Sort, "sort"), QUIT],
        ),
        Screen::Home | Screen::Page(..) => (
            vec![HELP, PALETTE, filter, open, WHY, QUIT],
            vec![
                Hint::Command(Command::Zoom, "zoom"),
                Hint::Command(Command::NextPane, "next"),
                Hint::Command(Command::Freeze, "freeze"),
            ],
        ),
    };
    // What somebody needs who looks at a region in trouble stands first.
    if matches!(state.facts.worst(), Mark::Bad(_)) {
        hints.insert(0, Hint::Command(Command::WhatNow, "what now?"));
    }
    hints.extend(actions(state));
    hints.extend(more);
    hints
}

fn on_page(state: &State, page: Page) -> Vec<Hint> {
    match page {
        Page::Plan => {
            let first = if obstacle(state, Command::Confirm).is_none() {
                Hint::Command(Command::Confirm, "confirm")
            } else {
                Hint::Command(Command::Why, "why not")
            };
            let again = Hint::Command(Command::Replan, "plan again");
            let overridden = Hint::Command(Command::Override, "override");
            vec![BACK, first, again, overridden, COPY, HELP, PALETTE, PAGER]
        }
        Page::Run => {
            let told = [
                (Command::Hold, "hold/go on"),
                (Command::Abort, "stop"),
                (Command::Skip, "wait no longer"),
            ];
            // Only what this run can be told now.
            let told = told
                .into_iter()
                .filter(|(command, _)| obstacle(state, *command).is_none());
            let told = told.map(|(command, word)| Hint::Command(command, word));
            let next = Hint::Command(Command::NextPane, "next run");
            let others = state.conduct.active().count() > 1;
            let next = others.then_some(next);
            told.chain(next).chain([BACK, COPY, HELP]).collect()
        }
        Page::Runs => vec![
            BACK,
            Hint::Command(Command::Open, "open/undo"),
            Hint::Command(Command::Hold, "hold/go on"),
            Hint::Command(Command::GoOn, "go on"),
            PALETTE,
            HELP,
        ],
        Page::Journal => vec![
            BACK,
            Hint::Command(Command::PageDown, "page down"),
            Hint::Command(Command::Bottom, "newest"),
            PAGER,
            PALETTE,
            HELP,
        ],
    }
}

/// What could be done about the selected row, and what is in hand already.
fn actions(state: &State) -> Vec<Hint> {
    let mut hints = Vec::new();
    if state.conduct.active().next().is_some() {
        hints.push(Hint::Command(Command::Run, "run"));
    } else if state.conduct.draft.is_some() {
        hints.push(Hint::Command(Command::Plan, "plan"));
    }
    match state.active() {
        Kind::Regions => hints.push(Hint::Action("drain-region", "drain")),
        Kind::Traffic => hints.push(Hint::Action("shift-weights", "shift")),
        Kind::Databases
        | Kind::Caches
        | Kind::Alarms
        | Kind::Deployments
        | Kind::Releases
        | Kind::Pipelines
        | Kind::Clusters
        | Kind::HealthChecks
        | Kind::Metrics => {}
    }
    if state.conduct.armed.is_some() {
        hints.push(Hint::Command(Command::Disarm, "disarm"));
    }
    hints
}

/// A hint with its key, if it has one here that does this and nothing else.
fn key(state: &State, context: Context, hint: Hint) -> Option<(String, &'static str)> {
    let does = |key: &Key, command: Command| {
        let found = state.keymap.find(context, *key);
        found.is_some_and(|invocation| invocation.command == command)
    };
    match hint {
        Hint::Fixed(key, word) => Some((key.to_owned(), word)),
        Hint::Action(action, word) => {
            let key = key_of_action(&state.keymap, action)?;
            does(&key, Command::Act).then(|| (key.to_string(), word))
        }
        Hint::Command(command, word) => {
            let usual = usual_key(&state.keymap, context, command);
            // In a dialog, a key may be bound to what closes it: then it is not hinted at.
            let keys = state.keymap.keys(context, command);
            let key = usual
                .into_iter()
                .chain(keys)
                .find(|key| does(key, command))?;
            Some((key.to_string(), word))
        }
    }
}

/// Draws the hints, and at the right where we are.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    let crumbs = crumbs(state, usize::from(area.width / 3));
    let mut right = area.right();
    if !crumbs.is_empty() {
        right = canvas.put_right(area.x, right - 1, area.y, &crumbs, Role::Muted);
    }
    let (context, hints) = hinted(state);
    let mut x = area.x + 1;
    for (key, word) in hints
        .into_iter()
        .filter_map(|hint| key(state, context, hint))
    {
        let needed = width(&key) + 1 + word.len();
        if usize::from(x) + needed >= usize::from(right) {
            break;
        }
        x += canvas.put(x, area.y, &key, area.width, Role::Accent) + 1;
        x += canvas.put(x, area.y, word, area.width, Role::Muted) + 2;
    }
}

/// Where we are and how we came here, as far as there is room: `regions › us-east-1 › plan`. Nothing where the title says it all.
fn crumbs(state: &State, room: usize) -> String {
    let mut steps: Vec<String> = Vec::new();
    let screens = state.back.iter().chain([&state.screen]);
    for screen in screens {
        match screen {
            // From here on everything begins anew.
            Screen::Home => steps.clear(),
            Screen::Zoom(kind) => steps.push(kind.name().to_owned()),
            Screen::Detail(id, _) => {
                if steps.last().map(String::as_str) != Some(id.kind.name()) {
                    steps.push(id.kind.name().to_owned());
                }
                steps.push(text::safe(&id.key, state.look).into_owned());
            }
            Screen::Page(page, _) => steps.push(page.name().to_owned()),
        }
    }
    if steps.len() < 2 {
        return String::new();
    }
    let between = if state.look.ascii { " > " } else { " › " };
    // The way gives way before the place where we are.
    while steps.len() > 1 && width(&steps.join(between)) > room {
        steps.remove(0);
    }
    text::shorten(&steps.join(between), room, state.look.ascii).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ratatui::buffer::Buffer;

    use super::*;
    use crate::{
        config::{
            keymap_file,
            library::{Library, Shelf},
            theme::{Paint, Theme},
        },
        resources::fixtures as f,
        state::{Look, Mode, conduct::Stage},
    };

    fn screens() -> Vec<Screen> {
        let pages = [Page::Plan, Page::Run, Page::Runs, Page::Journal];
        let pages = pages.into_iter().map(|page| Screen::Page(page, 0));
        let zooms = Kind::ALL.iter().map(|kind| Screen::Zoom(*kind));
        [Screen::Home]
            .into_iter()
            .chain(zooms)
            .chain(pages)
            .collect()
    }

    fn line(state: &State) -> String {
        let theme = Theme::new("plain", [Paint::default(); Role::ALL.len()]);
        let area = Rect::new(0, 0, 80, 1);
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, &theme, Look::default());
        draw(&mut canvas, state, area);
        let cells = buffer.content().iter();
        cells.map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn every_screen_has_hints_that_say_how_to_leave_it_in_80_columns() {
        for name in Library::default().names(Shelf::Keymaps) {
            let keymap = keymap_file::load(&Library::default(), &name).unwrap();
            for screen in screens() {
                let estate = Arc::new(f::estate(&["eu"]));
                let look = Look::default();
                let mut state =
                    State::new(estate, f::now(), Mode::Live, keymap.clone(), look, (80, 24));
                state.screen = screen.clone();
                let shown = line(&state);
                let way = if screen == Screen::Home {
                    "quit"
                } else {
                    "back"
                };
                assert!(shown.contains(way), "{name} {screen:?}: {shown}");
                assert!(shown.contains("help"), "{name} {screen:?}: {shown}");
                let stage = Stage::Ready;
                state.dialogs = vec![Dialog::Confirm {
                    stage,
                    input: Default::default(),
                    typed: Vec::new(),
                }];
                assert!(line(&state).contains("esc do nothing"));
                state.dialogs = vec![Dialog::Help { scroll: 0 }];
                assert!(line(&state).contains("close"));
            }
        }
    }

    #[test]
    fn the_way_here_is_told() {
        let estate = Arc::new(f::estate(&["eu"]));
        let (keymap, look) = (Keymap::default(), Look::default());
        let mut state = State::new(estate, f::now(), Mode::Live, keymap, look, (80, 24));
        assert_eq!(crumbs(&state, 26), "");
        state.back = vec![
            Screen::Zoom(Kind::Caches),
            Screen::Home,
            Screen::Zoom(Kind::Regions),
        ];
        state.screen = Screen::Page(Page::Plan, 0);
        assert_eq!(crumbs(&state, 26), "regions › plan");
        assert_eq!(crumbs(&state, 10), "plan");
    }
}
