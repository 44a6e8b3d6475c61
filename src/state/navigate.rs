//! What each command does to the screen. Owns movement and history; what concerns rows is in `rows`. Never asks the provider itself.

use super::{
    Dialog, Frozen, Input, Notice, Page, Screen, State, conduct, leave, rows, tour, what_now, why,
};
use crate::{
    command::{Command, Invocation},
    effect::Effect,
    glyph,
    resources::{Kind, cost},
    ui::{
        extent,
        layout::{self, Direction},
    },
};

/// Does what a command says.
pub fn perform(state: &mut State, invocation: &Invocation) -> Vec<Effect> {
    let argument = invocation.argument.as_str();
    match invocation.command {
        Command::Quit => return leave::quit(state),
        Command::Suspend => return vec![Effect::Suspend],
        Command::Redraw => return vec![Effect::Redraw],
        Command::Pager => return vec![Effect::Pager],
        Command::EditConfig => return vec![Effect::EditConfig],
        Command::Link => return vec![Effect::Link],
        Command::Theme => return vec![Effect::Theme(argument.to_owned())],
        Command::Refresh => return rows::refresh(state),
        Command::Copy => return rows::copy(state, argument),
        Command::Export => return rows::export(state, argument),
        Command::WhatNow => what_now::ask(state),
        Command::Act => return conduct::draft(state, argument),
        Command::Arm => return conduct::arm(state, argument),
        Command::Disarm => return conduct::disarm(state),
        Command::Replan => return conduct::replan(state),
        Command::Confirm => return conduct::confirm(state),
        Command::Override => return conduct::override_guard(state, argument),
        Command::Hold => return conduct::hold(state),
        // What does not wait is not held up by being told so.
        Command::Skip => match why::obstacle(state, Command::Skip) {
            Some(why) => fail(state, why),
            None => return conduct::skip(state),
        },
        Command::GoOn => return conduct::go_on(state, argument),
        Command::Settle => return conduct::settle(state, argument),
        Command::Abort => abort(state),
        Command::Plan => page_of(state, Page::Plan),
        Command::Run => return conduct::show(state, argument),
        Command::Runs => page_of(state, Page::Runs),
        Command::Journal => page_of(state, Page::Journal),
        Command::Help => state.dialogs.push(Dialog::Help { scroll: 0 }),
        Command::Palette => state.dialogs.push(Dialog::Palette {
            input: Input::default(),
            choice: 0,
            recalled: None,
        }),
        Command::Filter => rows::filter(state, argument),
        Command::Back => back(state),
        Command::Forward => forward(state),
        Command::Home => go(state, Screen::Home),
        Command::Pane => pane(state, argument),
        Command::Tour => tour::command(state, argument),
        Command::NextPane => cycle(state, 1),
        Command::PreviousPane => cycle(state, -1),
        Command::Left => beside(state, Direction::Left),
        Command::Right => beside(state, Direction::Right),
        Command::Zoom => zoom(state),
        Command::Open if matches!(state.screen, Screen::Page(Page::Runs, _)) => {
            return conduct::open(state);
        }
        Command::Open => open(state),
        Command::Down => step(state, 1),
        Command::Up => step(state, -1),
        Command::PageDown => step(state, page(state)),
        Command::PageUp => step(state, -page(state)),
        Command::Top => step(state, isize::MIN / 2),
        Command::Bottom => step(state, isize::MAX / 2),
        Command::Sort => rows::sort(state, argument),
        Command::Freeze => {
            state.frozen = if state.frozen.is_some() {
                None
            } else {
                Some(Box::new(Frozen {
                    fleet: state.fleet.clone(),
                    since: state.now,
                }))
            };
            state.unsettled = true;
        }
        Command::Why => why::explain(state, argument),
        Command::Legend => text(state, "Legend", glyph::legend(state.look.ascii)),
        Command::Cost => text(
            state,
            "Cost of watching",
            cost::cost(
                &state.fleet,
                crate::resources::age(state.started_at, state.now),
            )
            .lines(),
        ),
        Command::Privacy => match argument {
            "on" => state.look.privacy = true,
            "off" => state.look.privacy = false,
            "" => state.look.privacy = !state.look.privacy,
            other => fail(state, format!("`privacy` takes on or off, not `{other}`")),
        },
    }
    state.settle();
    Vec::new()
}

fn page_of(state: &mut State, page: Page) {
    if page == Page::Plan && state.conduct.draft.is_none() {
        let text = "there is no plan: select a row and type an action, `:drain-region`";
        return fail(state, text.to_owned());
    }
    go(state, Screen::Page(page, 0));
}

fn abort(state: &mut State) {
    match conduct::in_hand(state) {
        Ok(run) => state.dialogs.push(Dialog::Stop { run }),
        Err(why) => fail(state, why),
    }
}

pub(super) fn fail(state: &mut State, text: String) {
    state.notice = Some(Notice { text, failed: true });
}

pub(super) fn text(state: &mut State, title: &str, lines: Vec<String>) {
    state.dialogs.push(Dialog::Text {
        title: title.to_owned(),
        lines,
        scroll: 0,
    });
}

/// Goes to a screen and remembers the way back.
pub(super) fn go(state: &mut State, screen: Screen) {
    if state.screen != screen {
        let before = std::mem::replace(&mut state.screen, screen);
        state.back.push(before);
        state.forward.clear();
        state.unsettled = true;
    }
}

fn back(state: &mut State) {
    if state.dialogs.pop().is_some() {
        return;
    }
    let kind = state.active();
    let filtered = !matches!(state.screen, Screen::Detail(..) | Screen::Page(..))
        && state.pane(kind).is_some_and(|pane| !pane.filter.is_empty());
    if filtered {
        rows::set_filter(state, kind, String::new());
    } else if let Some(before) = state.back.pop() {
        let now = std::mem::replace(&mut state.screen, before);
        state.forward.push(now);
    } else {
        state.screen = Screen::Home;
    }
    state.unsettled = true;
}

fn forward(state: &mut State) {
    if let Some(next) = state.forward.pop() {
        let now = std::mem::replace(&mut state.screen, next);
        state.back.push(now);
        state.unsettled = true;
    }
}

/// Goes to a pane; behind its name a filter may stand, `databases /eu`.
fn pane(state: &mut State, argument: &str) {
    let (name, filter) = argument
        .split_once('/')
        .map_or((argument, None), |(name, filter)| (name, Some(filter)));
    let name = name.trim();
    let Some(&kind) = Kind::ALL
        .iter()
        .find(|kind| kind.name() == name)
        .or_else(|| Kind::ALL.iter().find(|kind| kind.name().starts_with(name)))
    else {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        return fail(
            state,
            format!("there is no pane `{name}`; there are {}", names.join(", ")),
        );
    };
    let on_home = state.screen == Screen::Home && state.home_kinds().contains(&kind);
    if on_home && state.focus != kind {
        state.focus = kind;
    } else {
        go(state, Screen::Zoom(kind));
    }
    if let Some(filter) = filter {
        rows::set_filter(state, kind, filter.trim().to_owned());
    }
}

fn cycle(state: &mut State, by: isize) {
    let next = |kinds: &[Kind], kind: Kind| {
        let at = kinds.iter().position(|other| *other == kind).unwrap_or(0);
        // A very small screen has no panes at all.
        let next = (at.cast_signed() + by).checked_rem_euclid(kinds.len().cast_signed());
        next.and_then(|next| kinds.get(next.cast_unsigned()))
            .copied()
            .unwrap_or(kind)
    };
    match state.screen {
        Screen::Home => state.focus = next(&state.home_kinds(), state.focus),
        // Walking through panes is one stop in the history, not one per pane.
        Screen::Zoom(kind) => {
            state.screen = Screen::Zoom(next(Kind::ALL, kind));
            state.unsettled = true;
        }
        Screen::Page(Page::Run, _) => conduct::beside(state, by),
        Screen::Detail(..) | Screen::Page(Page::Plan | Page::Runs | Page::Journal, _) => {}
    }
}

/// Goes to the pane that lies in a direction; on a pane that has the whole screen, to the next one.
fn beside(state: &mut State, direction: Direction) {
    if state.screen != Screen::Home {
        return cycle(state, if direction == Direction::Left { -1 } else { 1 });
    }
    let panes = layout::of(state.size, state.needs(&state.facts)).panes;
    if let Some(kind) = layout::neighbour(&panes, state.focus, direction) {
        state.focus = kind;
    }
}

fn zoom(state: &mut State) {
    match state.screen {
        Screen::Home => go(state, Screen::Zoom(state.focus)),
        Screen::Zoom(kind) => {
            if state.home_kinds().contains(&kind) {
                state.focus = kind;
            }
            go(state, Screen::Home);
        }
        Screen::Detail(..) | Screen::Page(..) => {}
    }
}

fn open(state: &mut State) {
    if matches!(state.screen, Screen::Detail(..) | Screen::Page(..)) {
        return;
    }
    match state.selected() {
        Some(id) => go(state, Screen::Detail(id, 0)),
        None => fail(state, "there is no row to open".to_owned()),
    }
}

/// Moves the cursor of the active pane, or scrolls what is in front.
fn step(state: &mut State, by: isize) {
    let scrolled = |at: u16, last: usize| {
        (isize::try_from(at).unwrap_or(0).saturating_add(by)).clamp(0, last.cast_signed()) as u16
    };
    let last = extent::last_scroll(state);
    match state.dialogs.last_mut() {
        Some(Dialog::Help { scroll } | Dialog::Text { scroll, .. }) => {
            *scroll = scrolled(*scroll, last);
            return;
        }
        Some(
            Dialog::Palette { .. }
            | Dialog::Filter { .. }
            | Dialog::Confirm { .. }
            | Dialog::Override { .. }
            | Dialog::WhatNow { .. }
            | Dialog::Stop { .. },
        )
        | None => {}
    }
    if let Screen::Detail(_, scroll) | Screen::Page(_, scroll) = &mut state.screen {
        *scroll = scrolled(*scroll, last);
        return;
    }
    let kind = state.active();
    let Some(pane) = state.panes.get_mut(&kind) else {
        return;
    };
    pane.cursor = pane
        .cursor
        .cast_signed()
        .saturating_add(by)
        .clamp(0, pane.order.len().saturating_sub(1).cast_signed())
        .cast_unsigned();
    state.follow();
}

pub(super) fn scroll_by(state: &mut State, by: isize) {
    step(state, by);
}

fn page(state: &State) -> isize {
    extent::page(state).max(1).cast_signed()
}
