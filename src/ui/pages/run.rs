//! The run page: where the run is, what became of each step, and what can be done now. Owns when a step turns amber and red.

use std::time::Duration;

use super::{by_hand, guards, heading, plan::waits, span, wrapped};
use crate::{
    config::theme::Role,
    glyph::Mark,
    plan::{
        Guard, Step, Verdict, Work,
        entry::{Ending, Outcome},
        guard::Power,
        run::{Phase, Progress, Run, Told},
    },
    resources::{
        age,
        cell::{milliseconds, percent, rate, whole_percent},
        metrics::Reading,
    },
    state::State,
    ui::paragraph::{Line, Part},
};

/// The lines of the page.
pub fn lines(state: &State, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some(run) = state.conduct.shown() else {
        wrapped(&mut lines, state, 1, width, "There is no run.", Role::Muted);
        return lines;
    };
    lines.push(vec![Part::text(1, &run.plan.title, Role::Title)]);
    let taken = span(age(run.confirmed_at, state.now));
    let usual = span(run.plan.expected());
    let place = format!(
        "run {} · step {} of {} · {taken} of about {usual}",
        run.id,
        (run.at + 1).min(run.steps.len()),
        run.steps.len()
    );
    lines.push(vec![Part::text(1, &place, Role::Muted)]);
    let (text, role) = phase(run);
    wrapped(&mut lines, state, 1, width, &text, role);
    others(&mut lines, state, width, run);
    wrapped(&mut lines, state, 1, width, &choices(run), Role::Accent);
    if run.holding && !matches!(run.phase, Phase::Held | Phase::Halted { .. }) {
        wrapped(
            &mut lines,
            state,
            1,
            width,
            "will hold before the next change",
            Role::Warn,
        );
    }
    stopped_by(&mut lines, state, width, run);
    heading(&mut lines, "Steps");
    for (index, (step, progress)) in run.steps.iter().zip(&run.progress).enumerate() {
        one_step(&mut lines, state, width, run, index, step, progress);
    }
    watched(&mut lines, state, run);
    if let Some(change) = run.change() {
        heading(&mut lines, "This step by hand");
        by_hand(&mut lines, state, width, change);
    }
    lines
}

/// The other runs in hand, in one line.
fn others(lines: &mut Vec<Line>, state: &State, width: u16, run: &Run) {
    let others = state.conduct.active().filter(|other| other.id != run.id);
    let others: Vec<String> = others
        .map(|other| format!("{} {}", other.plan.title, other.word()))
        .collect();
    if !others.is_empty() {
        let text = format!("also in hand (Tab, u): {}", others.join("; "));
        wrapped(lines, state, 1, width, &text, Role::Muted);
    }
}

/// The guards that stopped it, with what they saw and what would make them pass.
fn stopped_by(lines: &mut Vec<Line>, state: &State, width: u16, run: &Run) {
    if !run.blocked || !matches!(run.phase, Phase::Halted { .. }) {
        return;
    }
    let stands =
        |guard: &&Guard| guard.verdict >= Verdict::Unknown && guard.id.power() != Power::Advisory;
    let absolute = run
        .blocking()
        .any(|guard| guard.id.power() == Power::Absolute);
    let overridable = run
        .blocking()
        .find(|guard| guard.id.power() == Power::Overridable);
    heading(lines, "What stopped it");
    for guard in run.guards.iter().filter(stands) {
        let evidence = guards::shortened(&guard.evidence, 2);
        guards::one(lines, state, width, guard, &evidence, &run.overrides);
    }
    let text = match overridable {
        _ if absolute => {
            "nobody can override an absolute guard: mend it, or X stops the run".to_owned()
        }
        Some(guard) => format!(
            "mend it, or o overrides {} with a reason; then Space",
            guard.id.name()
        ),
        None => "nothing stands against it any more: Space goes on".to_owned(),
    };
    let role = if absolute { Role::Bad } else { Role::Accent };
    wrapped(lines, state, 1, width, &text, role);
}

/// Where it is, in one sentence.
pub fn phase(run: &Run) -> (String, Role) {
    match &run.phase {
        Phase::Locking => ("taking the locks".to_owned(), Role::Text),
        Phase::Opening => (
            "writing the confirmation into the journal".to_owned(),
            Role::Text,
        ),
        Phase::Checking { .. } => ("CHECKING: reading what is there now".to_owned(), Role::Text),
        Phase::Journaling { .. } => (
            "writing the intention into the journal".to_owned(),
            Role::Text,
        ),
        Phase::Applying { .. } => ("SENT: waiting for the answer".to_owned(), Role::Text),
        Phase::Verifying {
            in_doubt: true,
            seen,
            ..
        } => (
            format!("IN DOUBT: no answer came, reading what became of it: {seen}"),
            Role::Warn,
        ),
        Phase::Verifying { seen, .. } => (format!("VERIFYING: {seen}"), Role::Text),
        Phase::Waiting { seen, .. } => (format!("WAITING: {seen}"), Role::Text),
        Phase::Pausing { why, .. } => (format!("asking again soon: {why}"), Role::Warn),
        Phase::Held => ("HELD by you".to_owned(), Role::Warn),
        Phase::Halted { .. } if run.blocked => {
            let names: Vec<&str> = run.blocking().map(|guard| guard.id.name()).collect();
            match names.as_slice() {
                [] => (
                    "STOPPED by guards that pass now or are overridden".to_owned(),
                    Role::Warn,
                ),
                names => (format!("STOPPED by {}", names.join(", ")), Role::Bad),
            }
        }
        Phase::Halted { why } => (format!("STOPPED: {why}"), Role::Bad),
        Phase::Ended { ending, text } => {
            let role = match ending {
                Ending::Done => Role::Ok,
                Ending::RolledBack | Ending::SteppedBack | Ending::Aborted => Role::Warn,
                Ending::Refused => Role::Bad,
            };
            (format!("{}: {text}", ending.word().to_uppercase()), role)
        }
    }
}

fn choices(run: &Run) -> String {
    if run.over() {
        return "N says what helps now · u lists all runs, and undoes · Esc goes back".to_owned();
    }
    let word = |told: &Told| match told {
        Told::Hold => "Space holds",
        Told::Resume => "Space goes on (reads, compares and judges again)",
        Told::Skip => "n waits no longer",
        Told::Abort => "X stops (stay, or undo)",
        // One question asks for both.
        Told::GoBack => "",
    };
    let words: Vec<&str> = run
        .choices()
        .iter()
        .map(word)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" · ")
}

fn one_step(
    lines: &mut Vec<Line>,
    state: &State,
    width: u16,
    run: &Run,
    index: usize,
    step: &Step,
    progress: &Progress,
) {
    let current = index == run.at && !run.over();
    let (glyph, role) = glyph(state, run, current, step, progress);
    let start = lines.len();
    wrapped(
        lines,
        state,
        6,
        width,
        &step.title,
        if current { Role::Title } else { Role::Text },
    );
    if let Some(first) = lines.get_mut(start) {
        first.insert(0, Part::text(1, glyph, role));
        first.insert(1, Part::text(3, &format!("{}", index + 1), Role::Muted));
    }
    let taken = match (progress.began, progress.ended) {
        (Some(began), Some(ended)) => format!("took {}", span(age(began, ended))),
        (Some(began), None) if current => {
            format!(
                "{} of about {}",
                span(age(began, state.now)),
                span(Duration::from_secs(step.expected_seconds))
            )
        }
        (Some(_) | None, _) => {
            format!("about {}", span(Duration::from_secs(step.expected_seconds)))
        }
    };
    let outcome = progress.outcome.map_or("", Outcome::word);
    let mut detail = [outcome, taken.as_str(), progress.evidence.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" · ");
    if let Some(id) = progress
        .receipt
        .as_ref()
        .and_then(|receipt| receipt.request_id.as_ref())
    {
        detail = format!("{detail} · request {id}");
    }
    wrapped(
        lines,
        state,
        6,
        width,
        &detail,
        if role == Role::Text {
            Role::Muted
        } else {
            role
        },
    );
    if let (true, Work::Wait(wait)) = (current, &step.work) {
        wrapped(lines, state, 6, width, &waits(wait), Role::Muted);
    }
}

/// What became of a step: a step in hand turns amber when it takes longer than usual, red past its deadline.
fn glyph(
    state: &State,
    run: &Run,
    current: bool,
    step: &Step,
    progress: &Progress,
) -> (&'static str, Role) {
    let ascii = state.look.ascii;
    let pick = |fancy, plain| if ascii { plain } else { fancy };
    if current {
        let elapsed = run.elapsed(state.now);
        let role = if elapsed > step.deadline() || matches!(run.phase, Phase::Halted { .. }) {
            Role::Bad
        } else if elapsed.as_secs() > step.expected_seconds * 3 / 2 {
            Role::Warn
        } else {
            Role::Accent
        };
        return (pick("▶", ">"), role);
    }
    match progress.outcome {
        Some(Outcome::Verified) => (pick("✔", "v"), Role::Ok),
        Some(Outcome::NotTaken) => (pick("✖", "X"), Role::Bad),
        Some(Outcome::Unknown) => ("?", Role::Unknown),
        None if progress.ended.is_some() => (pick("✔", "v"), Role::Ok),
        None => (pick("·", "."), Role::Text),
    }
}

/// What the regions that get traffic do now.
fn watched(lines: &mut Vec<Line>, state: &State, run: &Run) {
    if run.plan.forecast.is_empty() {
        return;
    }
    heading(lines, "The others now");
    for row in &run.plan.forecast {
        let rollup = state.fleet.rollup(&row.region);
        let value = |reading: Option<Reading>, text: fn(f64) -> String| match reading {
            Some(Reading::Value { value, .. }) => text(value),
            Some(Reading::NeverRead | Reading::Failed | Reading::NoData | Reading::Forbidden)
            | None => "?".to_owned(),
        };
        let mark = Mark::of_roll_up(rollup.severity, true);
        let text = format!(
            "{} rps   err {}   p95 {}   load {}",
            value(rollup.demand.requests_per_second, rate),
            value(rollup.demand.error_percent, percent),
            value(rollup.demand.p95_ms, milliseconds),
            value(rollup.utilisation_percent, whole_percent),
        );
        lines.push(vec![
            Part::mark(1, mark),
            Part::named(9, row.region.as_str(), 16, Role::Text),
            Part::text(26, &text, Role::Text),
        ]);
    }
}
