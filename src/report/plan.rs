//! A plan as text and as the file that `apply` reads. Owns their form; must never print what a terminal would obey.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::json::pretty;
use crate::{
    plan::{Guard, Plan, Step, Work},
    resources::{change::Alter, levers::Plane},
    state::Look,
    ui::text,
};

/// Version of the form of a plan file.
const SCHEMA: u32 = 1;

/// A plan with what was known when it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    /// Version of the form.
    pub schema: u32,
    /// Hash of the plan.
    pub hash: String,
    /// The plan.
    pub plan: Plan,
    /// Its guards as they were.
    pub guards: Vec<Guard>,
}

impl PlanFile {
    /// A plan as it is now.
    pub fn new(plan: Plan, guards: Vec<Guard>) -> Self {
        Self {
            schema: SCHEMA,
            hash: plan.hash(),
            plan,
            guards,
        }
    }

    /// As JSON, which `read` takes.
    pub fn json(&self) -> String {
        pretty(&json!(self))
    }

    /// Reads a file; one that was altered is refused.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if file.schema != SCHEMA {
            return Err(format!(
                "it has schema {}, and this version reads {SCHEMA}",
                file.schema
            ));
        }
        if file.plan.hash() != file.hash {
            return Err("its hash does not fit its content: it was altered".to_owned());
        }
        Ok(file)
    }
}

/// A plan for people: what is done, in which order, with what it takes to go on by hand.
pub fn text(file: &PlanFile, look: Look) -> String {
    let plan = &file.plan;
    let account = plan.account_or("unknown");
    let mut lines = vec![
        plan.title.clone(),
        format!(
            "environment {}{}, {:?}, about {}",
            plan.environment,
            account.map_or_else(String::new, |account| format!(", account {account}")),
            plan.blast,
            span(plan.expected().as_secs())
        ),
        format!("hash {}", file.hash),
        String::new(),
        "STEPS".to_owned(),
    ];
    for (at, one) in plan.steps.iter().enumerate() {
        lines.extend(step(at, one));
    }
    lines.extend(forecast(plan));
    if !file.guards.is_empty() {
        lines.extend([String::new(), "GUARDS".to_owned()]);
        lines.extend(file.guards.iter().map(guard));
    }
    if !plan.remarks.is_empty() {
        lines.extend([String::new(), "REMARKS".to_owned()]);
        lines.extend(plan.remarks.iter().map(|remark| format!("  {remark}")));
    }
    lines.extend([String::new(), confirmation(plan)]);
    let mut page = String::new();
    for line in &lines {
        page.push_str(&text::safe(line, look));
        page.push('\n');
    }
    page
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

fn step(at: usize, step: &Step) -> Vec<String> {
    let head = format!(
        "{:>3}. {} ({})",
        at + 1,
        step.title,
        span(step.expected_seconds)
    );
    let mut lines = vec![head];
    match &step.work {
        Work::Wait(_) => {}
        Work::Change(change) => {
            let lever = change.lever();
            let plane = match lever.plane {
                Plane::Data => "data plane",
                Plane::Control => "control plane",
            };
            lines.push(format!("     by {}, {plane}, {}", lever.name, lever.home));
            for edit in change.edits() {
                lines.push(format!("     {}: {} -> {}", edit.what, edit.from, edit.to));
            }
            lines.push(match change.inverse() {
                Ok(_) => "     undone by the opposite".to_owned(),
                Err(why) => format!("     NOT UNDOABLE: {why}"),
            });
            lines.extend(
                change
                    .commands()
                    .into_iter()
                    .map(|command| format!("     $ {command}")),
            );
        }
    }
    lines
}

fn forecast(plan: &Plan) -> Vec<String> {
    if plan.forecast.is_empty() {
        return Vec::new();
    }
    let number = |value: Option<f64>, unit: &str| {
        value.map_or("?".to_owned(), |value| format!("{value:.0}{unit}"))
    };
    let percent = |share: Option<f64>| number(share.map(|share| share * 100.0), " %");
    let mut lines = vec![String::new(), "FORECAST".to_owned()];
    lines.extend(plan.forecast.iter().map(|region| {
        format!(
            "  {}: share {} -> {}, requests/s {} -> {} (at worst {}), of its capacity {} (at worst {})",
            region.region,
            percent(region.share_before),
            percent(region.share_after),
            number(region.rps_before, ""),
            number(region.rps_after, ""),
            number(region.rps_worst, ""),
            number(region.utilisation_after(), " %"),
            number(region.utilisation_worst(), " %"),
        )
    }));
    lines
}

fn guard(guard: &Guard) -> String {
    let remedy = if guard.remedy.is_empty() {
        String::new()
    } else {
        format!("; {}", guard.remedy)
    };
    format!(
        "  {:<8}{:<11}{}{remedy}",
        guard.verdict.word(),
        guard.id.name(),
        guard.evidence
    )
}

/// The command that would carry the plan out.
fn confirmation(plan: &Plan) -> String {
    let phrase = if plan.phrase.is_empty() {
        "y"
    } else {
        &plan.phrase
    };
    let loss = if plan.loss_phrase.is_empty() {
        String::new()
    } else {
        format!(" --accept-loss {}", quoted(&plan.loss_phrase))
    };
    format!(
        "Confirm within {} s: pilothouse apply PLAN.json --confirm {}{loss} --reason '...'",
        crate::plan::LIFE.as_secs(),
        quoted(phrase)
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
