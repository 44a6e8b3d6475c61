//! The plan page: what would be done, what stands against it, what the survivors would get. Owns the order: first what decides, last what is good to know.

use super::{by_hand, edits, heading, lever, mark, role, span, wrapped};
use crate::{
    config::theme::Role,
    plan::{Blast, Guard, Plan, Step, Verdict, Wait, Work, forecast::Forecast},
    resources::{
        age,
        cell::{rate, whole_percent},
        change::{Alter, Class},
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
            "There is no plan. Select a row and type an action: `:drain-region`.",
            Role::Muted,
        );
        return lines;
    };
    summary(&mut lines, state, width, draft);
    guards(&mut lines, state, width, draft);
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
    passed(&mut lines, state, width, draft);
    lines
}

fn summary(lines: &mut Vec<Line>, state: &State, width: u16, draft: &Draft) {
    let plan = &draft.plan;
    let hash: String = plan.hash().chars().take(12).collect();
    lines.push(vec![Part::text(1, &plan.title, Role::Title)]);
    let account = plan.account.as_deref().unwrap_or("account ?");
    let class = match plan.class() {
        Class::S => "safe to undo",
        Class::M => "can be undone, users feel it",
        Class::R => "CANNOT be undone, or loses data",
    };
    let line = format!(
        "{} · {account} · {} steps · about {} · {class}",
        plan.environment,
        plan.steps.len(),
        span(plan.expected())
    );
    wrapped(
        lines,
        state,
        1,
        width,
        &line,
        if plan.class() == Class::R {
            Role::Danger
        } else {
            Role::Text
        },
    );
    let left = crate::plan::LIFE.saturating_sub(age(plan.made_at, state.now));
    let life = if plan.expired(state.now) {
        "EXPIRED: plan again (r)".to_owned()
    } else {
        format!("valid for {}", span(left))
    };
    lines.push(vec![Part::text(
        1,
        &format!("plan {hash} · {life}"),
        Role::Muted,
    )]);
    let obstacles = conduct::obstacles(state);
    if obstacles.is_empty() {
        let how = match plan.blast {
            Blast::L1 => "c, then y, carries it out".to_owned(),
            Blast::L2 | Blast::L3 => format!("c asks for `{}` and carries it out", plan.phrase),
        };
        lines.push(vec![Part::text(1, &how, Role::Accent)]);
    } else {
        let own: Vec<&String> = obstacles
            .iter()
            .filter(|text| !text.starts_with("G-"))
            .collect();
        for text in own {
            wrapped(
                lines,
                state,
                1,
                width,
                &format!("cannot be confirmed: {text}"),
                Role::Warn,
            );
        }
    }
}

/// What does not pass, the gravest first.
fn guards(lines: &mut Vec<Line>, state: &State, width: u16, draft: &Draft) {
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
        one_guard(lines, state, width, guard, draft);
    }
}

fn one_guard(lines: &mut Vec<Line>, state: &State, width: u16, guard: &Guard, draft: &Draft) {
    let start = lines.len();
    let reason = draft.overrides.get(&guard.id);
    let word = if reason.is_some() {
        "OVERRIDDEN"
    } else {
        guard.verdict.word()
    };
    wrapped(lines, state, 22, width, &guard.evidence, Role::Text);
    if let Some(first) = lines.get_mut(start) {
        first.insert(
            0,
            Part::text(
                1,
                mark(guard.verdict).glyph(state.look.ascii),
                role(guard.verdict),
            ),
        );
        first.insert(1, Part::text(3, guard.id.name(), role(guard.verdict)));
        first.insert(2, Part::text(14, word, role(guard.verdict)));
    }
    if let Some(reason) = reason {
        wrapped(
            lines,
            state,
            22,
            width,
            &format!("because: {reason}"),
            Role::Warn,
        );
    } else if !guard.remedy.is_empty() {
        let arrow = if state.look.ascii { "->" } else { "→" };
        wrapped(
            lines,
            state,
            22,
            width,
            &format!("{arrow} {}", guard.remedy),
            Role::Muted,
        );
    }
}

fn passed(lines: &mut Vec<Line>, state: &State, width: u16, draft: &Draft) {
    let passed: Vec<&Guard> = draft
        .guards
        .iter()
        .filter(|guard| guard.verdict == Verdict::Pass)
        .collect();
    if passed.is_empty() {
        return;
    }
    heading(lines, "Guards that hold");
    for guard in passed {
        one_guard(lines, state, width, guard, draft);
    }
}

const BAR: usize = 20;

fn forecast(lines: &mut Vec<Line>, state: &State, plan: &Plan) {
    if plan.forecast.is_empty() {
        return;
    }
    heading(lines, "What the others get");
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
        .map_or(String::new(), |worst| format!("alone {worst:.0} %"));
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
            34,
            &format!("{} {arrow} {} rps", rps(row.rps_before), rps(row.rps_after)),
            Role::Text,
        ),
        Part::text(56, &bar(after, state.look.ascii), role),
        Part::text(
            56 + BAR as u16 / 2 + 1,
            &after.map_or("? %".to_owned(), |after| format!("{after:.0} %")),
            role,
        ),
        Part::text(56 + BAR as u16 / 2 + 8, &worst, Role::Muted),
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
            edits(lines, state, 7, width, change);
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
                "until resolvers have forgotten, and less than {below_percent} % of the requests of {region} remain"
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
    }
}
