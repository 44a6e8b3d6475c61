//! The strip of the tour: what this stop is about, and what to press next. Owns the words; the keys are those of the live keymap.

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    hints::{key_of_action, usual_key},
};
use crate::{
    command::Command,
    config::{keymap::Context, theme::Role},
    plan::run::Phase,
    state::{
        Dialog, State,
        tour::{Stop, Tour, in_the_way, looks_at_plan},
    },
};

/// Draws the strip: what it is about, and below it what to press. On a low screen only the latter.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    let (Some(tour), 1..) = (&state.tour, area.height) else {
        return;
    };
    canvas.clear(area);
    let (about, press) = words(state, tour);
    let badge = format!(" TOUR {}/{} ", tour.stop.number(), Stop::ALL.len());
    let x = area.x + 1;
    let after = x + canvas.put(x, area.y, &badge, area.width, Role::Simulated) + 1;
    let room = |x: u16| area.right().saturating_sub(x + 1);
    let last = area.bottom() - 1;
    if area.height > 1 {
        canvas.say(after, area.y, &about, room(after), Role::Text);
    }
    let leave = format!("{} leaves", key(state, Command::Tour));
    let start = if area.height > 1 { x } else { after };
    let end = canvas.put_right(start, area.right() - 1, last, &leave, Role::Muted);
    let arrow = if canvas.look.ascii { "> " } else { "▶ " };
    let press = format!("{arrow}{press}");
    let room = end.saturating_sub(start + 2);
    canvas.say(start, last, &press, room, Role::Accent);
}

/// The key of a command, or its name to be typed.
fn key(state: &State, command: Command) -> String {
    let key = usual_key(&state.keymap, Context::Global, command);
    key.map_or_else(|| format!(":{}", command.name()), |key| key.to_string())
}

/// The key of a command on the pages that have keys of their own.
fn key_on(state: &State, context: Context, command: Command) -> String {
    let key = usual_key(&state.keymap, context, command);
    key.map_or_else(|| format!(":{}", command.name()), |key| key.to_string())
}

/// What a stop is about, and what to press.
fn words(state: &State, tour: &Tour) -> (String, String) {
    let sick = tour
        .sick
        .as_ref()
        .map_or("the region", |label| label.as_str());
    let k = |command| key(state, command);
    match tour.stop {
        Stop::Calm => (
            "All is well. In a minute a region gets sick: watch the marks.".to_owned(),
            format!(
                "{} keys · {} legend · or just wait",
                k(Command::Help),
                k(Command::Legend)
            ),
        ),
        Stop::Find => (
            format!("{sick} turned BAD. Select its row."),
            format!(
                "{} and {} or the arrows move",
                k(Command::Down),
                k(Command::Up)
            ),
        ),
        Stop::Why => (
            "That is the sick one. Ask why, and what was tried.".to_owned(),
            k(Command::Why),
        ),
        Stop::Arm => (
            "Nothing can be changed until you say why something must be.".to_owned(),
            format!(
                "{}type  :arm tour  and Enter: 15 minutes",
                close_first(state)
            ),
        ),
        Stop::Plan => (
            "Armed. Now plan to drain the region. A plan changes nothing.".to_owned(),
            format!(
                "{}type  :drain-region {sick} now  and Enter",
                close_first(state)
            ),
        ),
        Stop::Confirm => confirm(
            state,
            "Read it: steps, guards, and what the others would get.",
            &plan_again(state, sick),
        ),
        Stop::Watch => watch(
            state,
            "Each step is compared, journaled, sent once, and read back.",
        ),
        Stop::Undo => (
            format!("{sick} is drained. Say it is well again: take the drain back."),
            format!(
                "{} lists the runs; Enter plans the undo of the newest",
                k(Command::Runs)
            ),
        ),
        Stop::ConfirmUndo => confirm(
            state,
            "The undo is a plan like any other, with guards of its own.",
            &format!("{} and Enter plan it again", k(Command::Runs)),
        ),
        Stop::WatchUndo => watch(
            state,
            "Bringing traffic back is slower than taking it away.",
        ),
        Stop::End => (
            format!(
                "Seen, explained, drained, undone. {} shows what was written.",
                k(Command::Journal)
            ),
            format!(
                "{} quits; `pilothouse demo --list` names the drills",
                k(Command::Quit)
            ),
        ),
    }
}

/// Lines can only be typed once what lies over the screen is closed.
fn close_first(state: &State) -> &'static str {
    match state.dialogs.last() {
        Some(Dialog::Help { .. } | Dialog::Text { .. } | Dialog::WhatNow { .. }) => "Esc, then ",
        Some(
            Dialog::Palette { .. }
            | Dialog::Filter { .. }
            | Dialog::Confirm { .. }
            | Dialog::Override { .. }
            | Dialog::Stop { .. },
        )
        | None => "",
    }
}

/// How the drain is planned again.
fn plan_again(state: &State, sick: &str) -> String {
    match key_of_action(&state.keymap, "drain-region") {
        Some(key) => format!("select {sick} and press {key}"),
        None => format!("type :drain-region {sick} now"),
    }
}

/// A plan that waits for its confirmation: what is in the way, or how it is confirmed.
fn confirm(state: &State, about: &str, again: &str) -> (String, String) {
    if let Some(Dialog::Confirm { .. }) = state.dialogs.last() {
        return (
            "Type what it asks for. Nothing happens before the last key, y.".to_owned(),
            "type the phrase, then y; Esc does nothing".to_owned(),
        );
    }
    if state.conduct.draft.is_none() {
        return ("There is no plan any more.".to_owned(), again.to_owned());
    }
    if !looks_at_plan(state) {
        return (
            about.to_owned(),
            format!("{} shows the plan", key(state, Command::Plan)),
        );
    }
    let replan = key_on(state, Context::Plan, Command::Replan);
    match in_the_way(state) {
        Some(obstacle) if obstacle.starts_with("G-") => {
            let guard = obstacle
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
            let press = format!("wait and {replan}, or type  :override {guard} tour");
            (format!("In the way: {obstacle}"), press)
        }
        Some(obstacle) if obstacle.contains(":arm") => (
            format!("In the way: {obstacle}"),
            "type  :arm tour".to_owned(),
        ),
        Some(obstacle) => (
            format!("In the way: {obstacle}"),
            format!("{replan} plans again"),
        ),
        None => {
            let ask = key_on(state, Context::Plan, Command::Confirm);
            (about.to_owned(), format!("{ask} asks for the confirmation"))
        }
    }
}

/// A run that goes on.
fn watch(state: &State, about: &str) -> (String, String) {
    let on_run = |command| key_on(state, Context::Run, command);
    let stopped = state.conduct.shown().and_then(|run| match &run.phase {
        Phase::Halted { why } => Some(why.clone()),
        Phase::Held => Some("you hold it".to_owned()),
        Phase::Locking
        | Phase::Opening
        | Phase::Checking { .. }
        | Phase::Journaling { .. }
        | Phase::Applying { .. }
        | Phase::Verifying { .. }
        | Phase::Waiting { .. }
        | Phase::Pausing { .. }
        | Phase::Ended { .. } => None,
    });
    match stopped {
        Some(why) => (
            format!("It stands: {why}"),
            format!(
                "{} goes on, {} stops or undoes",
                on_run(Command::Hold),
                on_run(Command::Abort)
            ),
        ),
        None => (
            about.to_owned(),
            format!(
                "{} shows it; {} waits no longer, {} holds",
                key(state, Command::Run),
                on_run(Command::Skip),
                on_run(Command::Hold)
            ),
        ),
    }
}
