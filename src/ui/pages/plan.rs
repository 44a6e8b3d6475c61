//! The plan page: what would be done, what stands against it, what the survivors would get. Owns the order: first what decides, last what is good to know.

use super::{by_hand, edits, guards, heading, lever, span, wrapped};
use crate::{
    config::theme::Role,
    plan::{Guard, Plan, Step, Verdict, Wait, Work, forecast::Forecast, guard::Power},
    resources::{
        age,
        cell::{rate, whole_percent},
        change::{Alter, Class, Edit},
    },
    state::{
        State,
        conduct::{self, Draft},
    },
    ui::paragraph::{Line, Part},
};

/// The lines of the page.
pub fn lines(state: &State, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some(draft) = &state.conduct.draft else {
        wrapped(
            &mut lines,
            state,
            1,
            width,
            "There is no plan. Select a row and press D (drain-region), or type an action: `:failover`.",
            Role::Muted,
        );
        return lines;
    };
    summary(&mut lines, state, width, draft);
    judged(&mut lines, state, width, draft);
    forecast(&mut lines, state, &draft.plan);
    steps(&mut lines, state, width, &draft.plan);
    if !draft.plan.remarks.is_empty() {
        heading(&mut lines, "Good to know");
        for remark in &draft.plan.remarks {
            wrapped(&mut lines, state, 3, width, remark, Role::Text);
        }
    }
    heading(&mut lines, "The same by hand");
    for change in draft.plan.changes() {
        by_hand(&mut lines, state, width, change);
    }
    in_full(&mut lines, state, width, draft);
    lines
}

fn summary(lines: &mut Vec<Line>, state: &State, width: u16, draft: &Draft) {
    let plan = &draft.plan;
    let hash: String = plan.hash().chars().take(12).collect();
    lines.push(vec![Part::text(1, &plan.title, Role::Title)]);
    let account = plan.account_or("account ?");
    let account = account.map_or_else(String::new, |account| format!("{account} · "));
    let class = match plan.class() {
        Class::S => "safe to undo",
        Class::M => "can be undone, users feel it",
        Class::R => "CANNOT be undone, or loses data",
    };
    let line = format!(
        "{} · {account}{} · about {}",
        plan.environment,
        match plan.steps.len() {
            1 => "1 step".to_owned(),
            count => format!("{count} steps"),
        },
        span(plan.expected())
    );
    wrapped(lines, state, 1, width, &line, Role::Text);
    let role = if plan.class() == Class::R {
        Role::Danger
    } else {
        Role::Muted
    };
    let left = crate::plan::LIFE.saturating_sub(age(plan.made_at, state.now));
    let life = if plan.expired(state.now) {
        "EXPIRED: plan again (r)".to_owned()
    } else {
        format!("valid for {}", span(left))
    };
    let line = format!("plan {hash} · {life} · {class}");
    wrapped(lines, state, 1, width, &line, role);
    next(lines, state, width, draft);
}

/// What the confirmation asks for, in the order in which it does.
fn asked(plan: &Plan, armed: bool) -> String {
    let mut asked: Vec<String> = Vec::new();
    asked.extend((!armed).then(|| "`arm` and why".to_owned()));
    let phrases = [&plan.phrase, &plan.loss_phrase].into_iter();
    asked.extend(
        phrases
            .filter(|phrase| !phrase.is_empty())
            .map(|phrase| format!("`{phrase}`")),
    );
    asked.extend((armed && !plan.loss_phrase.is_empty()).then(|| "why".to_owned()));
    if asked.is_empty() {
        "c, then y, carries it out".to_owned()
    } else {
        format!("c asks for {}; then y carries it out", asked.join(", "))
    }
}

/// What can be done now: the one line that somebody at 3 a.m. needs.
fn next(lines: &mut Vec<Line>, state: &State, width: u16, draft: &Draft) {
    let plan = &draft.plan;
    let mut obstacles = conduct::obstacles(state);
    obstacles.retain(|text| text != conduct::NOT_ARMED);
    if obstacles.is_empty() {
        let how = asked(plan, state.conduct.armed_left(state.now).is_some());
        return wrapped(lines, state, 1, width, &how, Role::Accent);
    }
    for text in obstacles.iter().filter(|text| !text.starts_with("G-")) {
        wrapped(
            lines,
            state,
            1,
            width,
            &format!("not yet: {text}"),
            Role::Warn,
        );
    }
    let (absolute, overridable): (Vec<&Guard>, Vec<&Guard>) = draft
        .blocking()
        .partition(|guard| guard.id.power() == Power::Absolute);
    let names = |guards: &[&Guard]| {
        let names: Vec<&str> = guards.iter().map(|guard| guard.id.name()).collect();
        names.join(", ")
    };
    if !absolute.is_empty() {
        let text = format!(
            "not possible: {} blocks, and nobody can override it",
            names(&absolute)
        );
        wrapped(lines, state, 1, width, &text, Role::Bad);
    }
    if let Some(first) = overridable.first() {
        let text = format!(
            "not yet: {} blocks; mend it, or o overrides {} with a reason",
            names(&overridable),
            first.id.name()
        );
        wrapped(lines, state, 1, width, &text, Role::Warn);
    }
}

/// What does not pass, the gravest first.
fn judged(lines: &mut Vec<Line>, state: &State, width: u16, draft: &Draft) {
    let count = |verdict: Verdict| {
        draft
            .guards
            .iter()
            .filter(|guard| guard.verdict == verdict)
            .count()
    };
    let counts: Vec<String> = [
        Verdict::Fail,
        Verdict::Unknown,
        Verdict::Warn,
        Verdict::Pass,
    ]
    .into_iter()
    .filter(|verdict| count(*verdict) > 0)
    .map(|verdict| format!("{} {}", count(verdict), verdict.word()))
    .collect();
    heading(lines, &format!("Guards: {}", counts.join(", ")));
    for guard in draft
        .guards
        .iter()
        .filter(|guard| guard.verdict != Verdict::Pass)
    {
        let most = if guard.verdict >= Verdict::Unknown {
            2
        } else {
            1
        };
        let evidence = guards::shortened(&guard.evidence, most);
        guards::one(lines, state, width, guard, &evidence, &draft.overrides);
    }
}

/// Every guard with all that it found.
fn in_full(lines: &mut Vec<Line>, state: &State, width: u16, draft: &Draft) {
    heading(lines, "Guards in full");
    for guard in &draft.guards {
        let evidence = &guard.evidence;
        guards::one(lines, state, width, guard, evidence, &draft.overrides);
    }
}

const BAR: usize = 20;

fn forecast(lines: &mut Vec<Line>, state: &State, plan: &Plan) {
    if plan.forecast.is_empty() {
        return;
    }
    heading(lines, "What the others get");
    lines.push(vec![
        Part::text(19, "share", Role::Muted),
        Part::text(31, "requests/s", Role::Muted),
        Part::text(47, "of capacity", Role::Muted),
        Part::text(67, "if alone", Role::Muted),
    ]);
    let limits = &state.fleet.estate.thresholds;
    for row in &plan.forecast {
        lines.push(survivor(
            row,
            state,
            (
                limits.utilisation_warn_percent,
                limits.utilisation_bad_percent,
            ),
        ));
    }
}

fn survivor(row: &Forecast, state: &State, (warn, bad): (f64, f64)) -> Line {
    let arrow = if state.look.ascii { "->" } else { "→" };
    let share =
        |share: Option<f64>| share.map_or("?".to_owned(), |share| whole_percent(share * 100.0));
    let rps = |value: Option<f64>| value.map_or("?".to_owned(), rate);
    let after = row.utilisation_after();
    let role = match after {
        None => Role::Unknown,
        Some(after) if after > bad => Role::Bad,
        Some(after) if after > warn => Role::Warn,
        Some(_) => Role::Ok,
    };
    let worst = row
        .utilisation_worst()
        .map_or(String::new(), |worst| format!("{worst:.0} %"));
    vec![
        Part::named(3, row.region.as_str(), 15, Role::Text),
        Part::text(
            19,
            &format!(
                "{} {arrow} {}",
                share(row.share_before),
                share(row.share_after)
            ),
            Role::Text,
        ),
        Part::text(
            31,
            &format!("{} {arrow} {}", rps(row.rps_before), rps(row.rps_after)),
            Role::Text,
        ),
        Part::text(47, &bar(after, state.look.ascii), role),
        Part::text(
            58,
            &after.map_or("?".to_owned(), |after| format!("{after:.0} %")),
            role,
        ),
        Part::text(67, &worst, Role::Muted),
    ]
}

/// A bar of ten cells: full is all that the region can serve.
fn bar(percent: Option<f64>, ascii: bool) -> String {
    let cells = BAR / 2;
    let (full, empty) = if ascii { ("#", ".") } else { ("█", "░") };
    let filled = percent.map_or(0, |percent| {
        ((percent / 100.0 * cells as f64).round().max(0.0) as usize).min(cells)
    });
    format!("{}{}", full.repeat(filled), empty.repeat(cells - filled))
}

fn steps(lines: &mut Vec<Line>, state: &State, width: u16, plan: &Plan) {
    heading(lines, "Steps");
    for (index, step) in plan.steps.iter().enumerate() {
        one_step(lines, state, width, index, step);
    }
    if let Some(until) = plan.until {
        let text = format!(
            "then until {}, and it is marked overdue after that",
            until.strftime("%H:%MZ")
        );
        wrapped(lines, state, 4, width, &text, Role::Muted);
    }
}

fn one_step(lines: &mut Vec<Line>, state: &State, width: u16, index: usize, step: &Step) {
    let start = lines.len();
    let time = span(std::time::Duration::from_secs(step.expected_seconds));
    wrapped(
        lines,
        state,
        4,
        width,
        &format!("{} (about {time})", step.title),
        Role::Text,
    );
    if let Some(first) = lines.get_mut(start) {
        first.insert(0, Part::text(1, &format!("{}", index + 1), Role::Accent));
    }
    match &step.work {
        Work::Change(change) => {
            let said =
                |edit: &Edit| step.title.contains(&edit.from) && step.title.contains(&edit.to);
            if !change.edits().iter().all(said) {
                edits(lines, state, 7, width, change);
            }
            let undo = match change.inverse() {
                Ok(_) => "undone by the opposite".to_owned(),
                Err(why) => format!("NO UNDO: {why}"),
            };
            let text = format!("{} · {undo}", lever(&change.lever()));
            wrapped(lines, state, 7, width, &text, Role::Muted);
        }
        Work::Wait(wait) => wrapped(lines, state, 7, width, &waits(wait), Role::Muted),
    }
}

/// What a wait waits for.
pub fn waits(wait: &Wait) -> String {
    match wait {
        Wait::Tail {
            region,
            below_percent,
            ..
        } => {
            format!(
                "until clients have followed, and less than {below_percent} % of the requests of {region} remain"
            )
        }
        Wait::Bake { regions, .. } => {
            let names: Vec<&str> = regions
                .iter()
                .map(crate::resources::RegionLabel::as_str)
                .collect();
            format!(
                "watches errors, p95, load and lag of {}; no data counts as failing",
                names.join(", ")
            )
        }
        Wait::Nodes {
            node_group,
            nodes,
            region,
            ..
        } => format!("until {node_group} in {region} has {nodes} nodes"),
        Wait::Version { at, .. } => format!(
            "watches errors, p95, load and lag of {}, and that {} stays up in this version; no data counts as failing",
            at.region, at.name
        ),
        Wait::Emptied { node } => format!("until nothing that can be moved is on {}", node.words()),
        Wait::Rollout { at, pods: None } => {
            format!("until every pod of {} is new and available", at.words())
        }
        Wait::Rollout {
            at,
            pods: Some(pods),
        } => format!("until {pods} pods of {} are available", at.words()),
    }
}
