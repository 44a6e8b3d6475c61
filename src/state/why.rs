//! The text of `:why`: the judgement of a row, its freshness, and every failed read behind it; and why a command cannot be used now. Owns the words.

use super::{Page, Screen, State, conduct, navigate, tour};
use crate::{
    actions,
    command::Command,
    plan::run::Told,
    resources::{
        Kind, Source, age,
        cell::{RowId, coarse_age},
        shown,
    },
};

/// Says why the selected row is in its state, why the plan or the run that is looked at cannot go on, or why a command cannot be used.
pub fn explain(state: &mut State, argument: &str) {
    if !argument.is_empty() {
        return match of_command(state, argument) {
            Ok((title, lines)) => navigate::text(state, &title, lines),
            Err(text) => navigate::fail(state, text),
        };
    }
    match &state.screen {
        Screen::Page(Page::Plan, _) => {
            let reasons = conduct::obstacles(state);
            let (title, lines) = if reasons.is_empty() {
                let line = "Nothing stands against this plan: it can be confirmed.".to_owned();
                ("Why not", vec![line])
            } else {
                ("Why this plan cannot be confirmed yet", reasons)
            };
            navigate::text(state, title, lines);
        }
        Screen::Page(Page::Run, _) => {
            let told = [Command::Hold, Command::Skip, Command::Abort];
            let lines = told.map(|command| said(state, command)).to_vec();
            navigate::text(state, "Why: what this run can be told now", lines);
        }
        Screen::Home | Screen::Zoom(_) | Screen::Detail(..) | Screen::Page(..) => {
            let Some(id) = state.selected() else {
                let text = "there is no row to explain; `:why <command>` explains a command";
                return navigate::fail(state, text.to_owned());
            };
            let lines = lines(state, &id);
            navigate::text(state, &format!("Why {}", id.key), lines);
        }
    }
}

/// A command with whether it can be used, in a line.
fn said(state: &State, command: Command) -> String {
    match obstacle(state, command) {
        Some(why) => format!("{}: not now, {why}", command.name()),
        None => format!("{}: {}", command.name(), command.doc()),
    }
}

fn of_command(state: &State, typed: &str) -> Result<(String, Vec<String>), String> {
    let name = typed.split_whitespace().next().unwrap_or_default();
    if actions::find(name).is_ok() {
        let lines = [
            "An action only makes a plan, which changes nothing: it can always be tried.",
            "The plan says what stands against it, guard by guard, and how that could be mended.",
        ];
        return Ok((format!("Why {name}"), lines.map(str::to_owned).to_vec()));
    }
    let known = Command::ALL.iter().find(|command| command.name() == name);
    let Some(&command) = known else {
        return Err(format!("there is no command `{name}`"));
    };
    let mut lines = vec![format!("{name}: {}", command.doc()), String::new()];
    if command == Command::Confirm {
        lines.extend(conduct::obstacles(state));
    } else {
        lines.extend(obstacle(state, command));
    }
    if lines.len() == 2 {
        lines.push("Nothing stands in its way now.".to_owned());
    }
    Ok((format!("Why not {name}"), lines))
}

/// Why a command cannot be used now; `None` when it can. What it would do is still checked when it is used.
pub fn obstacle(state: &State, command: Command) -> Option<String> {
    use Command as C;
    let conduct = &state.conduct;
    let so = |is_so: bool, text: &str| is_so.then(|| text.to_owned());
    let away = matches!(state.screen, Screen::Detail(..) | Screen::Page(..));
    let in_hand = conduct::in_hand(state).ok();
    let run = in_hand.as_deref().and_then(|id| conduct.run(id));
    let told = |wanted: Told, text: &str| match run {
        None => Some("there is no run in hand".to_owned()),
        Some(run) => so(!run.choices().contains(&wanted), text),
    };
    match command {
        // Who is not armed is asked for it within the confirmation.
        C::Confirm => conduct::obstacles(state)
            .into_iter()
            .find(|reason| reason != conduct::NOT_ARMED),
        C::Plan | C::Replan => so(conduct.draft.is_none(), "there is no plan"),
        C::Override => so(
            conduct.draft.is_none() && conduct.active().next().is_none(),
            "there is no plan and no run",
        ),
        C::Run => so(conduct.runs.is_empty(), "there was no run yet"),
        C::Hold => match run {
            None => Some("there is no run in hand".to_owned()),
            Some(run) => so(
                !run.holding && run.choices() == [Told::Abort],
                "the run has not begun yet",
            ),
        },
        C::Skip => told(Told::Skip, "this step does not wait"),
        C::Abort => told(
            Told::Abort,
            "a change is in flight: its outcome comes first",
        ),
        C::GoOn | C::Settle => so(
            conduct.interrupted().next().is_none(),
            "every run has ended",
        ),
        C::Arm if conduct.read_only => Some("this console is read-only".to_owned()),
        C::Arm => {
            let problem = conduct.journal_problem.as_ref();
            problem.map(|problem| format!("the journal cannot be written: {problem}"))
        }
        C::Disarm => so(conduct.armed.is_none(), "not armed"),
        C::Filter | C::Sort | C::Zoom => so(away, "there is no pane in front: go back first"),
        C::Open if matches!(state.screen, Screen::Page(Page::Runs, _)) => {
            so(conduct.listed().is_empty(), "there is no run to undo")
        }
        C::Open => so(away, "everything is shown already")
            .or_else(|| so(state.selected().is_none(), "there is no row to open")),
        C::Copy | C::Why => {
            let nothing = state.selected().is_none() && !matches!(state.screen, Screen::Page(..));
            so(nothing, "there is no row")
        }
        C::Left | C::Right | C::NextPane | C::PreviousPane => {
            let runs = matches!(state.screen, Screen::Page(Page::Run, _));
            so(away && !runs, "there is no pane in front: go back first")
        }
        C::Back => {
            let filtered = state
                .pane(state.active())
                .is_some_and(|pane| !pane.filter.is_empty());
            let first = state.back.is_empty() && state.screen == Screen::Home;
            so(first && !filtered, "this is where the console began")
        }
        C::Tour => tour::no_place(&state.mode).map(str::to_owned),
        C::Forward => so(state.forward.is_empty(), "there is nothing ahead"),
        C::Quit
        | C::Help
        | C::Palette
        | C::Home
        | C::Pane
        | C::Down
        | C::Up
        | C::PageDown
        | C::PageUp
        | C::Top
        | C::Bottom
        | C::Refresh
        | C::Freeze
        | C::Legend
        | C::Cost
        | C::WhatNow
        | C::Act
        | C::Runs
        | C::Journal
        | C::Theme
        | C::Privacy
        | C::Export
        | C::Pager
        | C::EditConfig
        | C::Redraw
        | C::Link
        | C::Suspend => None,
    }
}

/// Why a row is in its state: the judgement, the freshness, and every failed read behind it.
pub fn lines(state: &State, id: &RowId) -> Vec<String> {
    let fleet = state.shown();
    let Some(row) = shown::find(fleet, id).and_then(|row| shown::show(fleet, id.kind, &row)) else {
        return vec!["This row is no longer listed.".to_owned()];
    };
    let word = row.judgement.severity.word();
    // A region's row names its first reasons only; here is room for all, each as bad as it is.
    let rollup = row.region.as_ref().filter(|_| id.kind == Kind::Regions);
    let reasons = rollup.map(|label| fleet.rollup(label).reasons.clone());
    let mut lines = match (reasons.as_deref(), row.judgement.reason.as_str()) {
        (None | Some([]), "") => vec![format!("{word}: nothing is wrong that we can see.")],
        (Some(reasons @ [_, ..]), _) => reasons
            .iter()
            .map(|reason| format!("{}: {}", reason.severity.word(), reason.reason))
            .collect(),
        (None | Some([]), reason) => reason
            .split("; ")
            .map(|reason| format!("{word}: {reason}"))
            .collect(),
    };
    for &source in Source::ALL {
        let measured = source == Source::Metrics
            || (source == Source::Prometheus
                && matches!(id.kind, Kind::Deployments | Kind::Traffic));
        let relevant = source == id.source || measured || id.kind == Kind::Regions;
        let status = fleet.status(source, &id.place);
        if !relevant || (status.observed_at.is_none() && status.error.is_none()) {
            continue;
        }
        let age = status.observed_at.map_or("never read".to_owned(), |at| {
            format!("read {} ago", coarse_age(age(at, fleet.now)))
        });
        let breaker = if state.schedule.breaker_open(source, &id.place) {
            ", circuit breaker open: only probed"
        } else {
            ""
        };
        if status.error.is_some() || !status.problems.is_empty() || source == id.source {
            lines.push(String::new());
            lines.push(format!("{} at {}: {age}{breaker}", source.name(), id.place));
        }
        for error in status.error.into_iter().chain(status.problems) {
            lines.push(format!("  {error}"));
            lines.push(format!("  → {}", error.advice()));
        }
    }
    lines
}
