//! How far the present version of a carrier is in its cluster: what each controller says of it, as a state of the board. Owns these translations; looks at no minute of the users.

use jiff::Timestamp;

use super::{Carrier, State, minutes};
use crate::resources::{
    Severity, age,
    deployments::{self, Deployment},
    traffic::rollouts::Rollout,
};

impl Carrier<'_> {
    /// How far its version is; what is complete is called `Done`, whatever its minutes say.
    pub fn state(&self, now: Timestamp) -> State {
        match self {
            Self::Deployment(row) => of_deployment(row),
            Self::Rollout { rollout, workload } => of_rollout(rollout, *workload, now),
            Self::Canary {
                canary,
                target,
                primary,
            } => of_canary(canary, *target, *primary, now),
        }
    }

    /// Whether nothing moves there by itself: it is complete, or waits for somebody. Where it waits, since when and for what.
    pub fn rests(&self) -> Option<String> {
        match self {
            Self::Deployment(row) => {
                let complete = row.rollout() == deployments::Rollout::Complete;
                complete.then(|| "it is complete".to_owned())
            }
            Self::Rollout { rollout, workload } => {
                let seen = unseen(rollout, *workload).is_none();
                let over = !rollout.waits.is_empty() || !rollout.under_way();
                (seen && over).then(|| rollout.words())
            }
            // A Canary goes on for as long as its analysis takes: that it has begun is enough.
            Self::Canary {
                canary,
                target,
                primary,
            } => begun(canary, *target, *primary).then(|| canary.words()),
        }
    }

    /// Whether it waits at a step of its own until somebody promotes it.
    pub fn promotable(&self) -> bool {
        let Self::Rollout { rollout, workload } = self else {
            return false;
        };
        let pause = |why: &String| ["CanaryPauseStep", "BlueGreenPause"].contains(&why.as_str());
        let by_step = !rollout.waits.is_empty() && rollout.waits.iter().all(pause);
        let well = !rollout.aborted && rollout.stuck().is_none();
        let open = !rollout.suspended && well && rollout.under_way();
        open && by_step && rollout.wait_seconds.is_none() && unseen(rollout, *workload).is_none()
    }
}

/// How far the present version of a deployment is.
fn of_deployment(row: &Deployment) -> State {
    let judgement = row.judge_rollout();
    let ill = judgement.severity == Severity::Bad || row.crashes();
    if ill {
        return State::Breached {
            why: judgement.reason,
        };
    }
    match row.rollout() {
        deployments::Rollout::Complete
        | deployments::Rollout::Short { .. }
        | deployments::Rollout::Asleep => State::Done,
        deployments::Rollout::Paused => State::Held {
            why: judgement.reason,
        },
        deployments::Rollout::Failed => State::Breached {
            why: judgement.reason,
        },
        deployments::Rollout::Unseen => rolls("its controller has not seen it yet"),
        deployments::Rollout::Moving { done, of } => rolls(format!("{done} of {of} pods")),
    }
}

fn rolls(how_far: impl Into<String>) -> State {
    State::RollingOut {
        how_far: how_far.into(),
    }
}

/// What a controller has not seen yet: its status is about something older.
fn unseen(rollout: &Rollout, workload: Option<&Deployment>) -> Option<&'static str> {
    let seen = rollout.workload.as_ref().and_then(|known| known.seen);
    let behind = seen
        .zip(workload)
        .is_some_and(|(seen, row)| seen < row.generation);
    (!rollout.observed || behind).then_some("its controller has not seen it yet")
}

/// What its controller says, without the name of the object: that is the row's.
fn said(rollout: &Rollout) -> String {
    let message = rollout.message.as_deref().filter(|text| !text.is_empty());
    match message {
        Some(message) => format!("{}: {message}", rollout.phase),
        None => rollout.phase.clone(),
    }
}

/// `, since 12:04Z` and how long its step lets it wait.
fn waiting(rollout: &Rollout, now: Timestamp) -> String {
    let Some(since) = rollout.waits_since else {
        return String::new();
    };
    let left = rollout.wait_seconds.map_or(String::new(), |seconds| {
        let left = seconds.saturating_sub(age(since, now).as_secs());
        format!(", goes on in {}", minutes(left))
    });
    format!(" since {}{left}", since.strftime("%H:%MZ"))
}

fn of_rollout(rollout: &Rollout, workload: Option<&Deployment>, now: Timestamp) -> State {
    if let Some(why) = unseen(rollout, workload) {
        return rolls(why);
    }
    if rollout.aborted || rollout.phase == "Degraded" {
        return State::Breached { why: said(rollout) };
    }
    if let Some(stuck) = rollout.stuck() {
        let at = if rollout.under_way() {
            format!("at {:.0} %: ", rollout.weight)
        } else {
            String::new()
        };
        return State::Breached {
            why: format!("{at}{stuck}"),
        };
    }
    if !rollout.under_way() {
        return State::Done;
    }
    let share = format!("{:.0} %", rollout.weight);
    let step = rollout.step.map_or(String::new(), |step| {
        let words = rollout.step_words.as_deref().unwrap_or("end");
        format!(
            ", step {} of {} ({words})",
            (step + 1).min(rollout.steps),
            rollout.steps
        )
    });
    if rollout.suspended {
        return State::Held {
            why: format!("paused by somebody at {share}{step}"),
        };
    }
    if (rollout.waits.iter()).any(|why| why == "InconclusiveAnalysisRun") {
        let analyses = rollout.analyses.join("; ");
        let why = format!(
            "its analysis is inconclusive at {share}{}",
            waiting(rollout, now)
        );
        return State::Held {
            why: if analyses.is_empty() {
                why
            } else {
                format!("{why}: {analyses}")
            },
        };
    }
    if rollout.waits.is_empty() {
        return rolls(format!("{share}{step}"));
    }
    let waits = step.replacen(", ", ", waits at ", 1);
    rolls(format!("{share}{waits}{}", waiting(rollout, now)))
}

/// Whether Flagger has taken on what its target was given: the images of its two deployments differ until it has.
fn begun(canary: &Rollout, target: Option<&Deployment>, primary: Option<&Deployment>) -> bool {
    canary.under_way() || same(target, primary).unwrap_or(false)
}

/// Whether its two deployments have one version; `None` where one of them is not known.
fn same(target: Option<&Deployment>, primary: Option<&Deployment>) -> Option<bool> {
    let (target, primary) = (target?.main()?, primary?.main()?);
    // No pod of the target is left to tell a digest, once it is done.
    Some(target.image == primary.image || target.same_version(primary))
}

fn of_canary(
    canary: &Rollout,
    target: Option<&Deployment>,
    primary: Option<&Deployment>,
    now: Timestamp,
) -> State {
    let Some(same) = same(target, primary) else {
        return State::Unknown {
            why: "its two deployments are not known".to_owned(),
        };
    };
    // The pods of the target are the release, while there is one.
    let sent = target.filter(|_| canary.under_way());
    let mut ill = [primary, sent].into_iter().flatten();
    let ill = ill.find(|row| row.crashes());
    if let Some(row) = ill {
        return State::Breached {
            why: row.judge_rollout().reason,
        };
    }
    let since = canary.waits_since.map_or(String::new(), |since| {
        format!(", for {}", minutes(age(since, now).as_secs()))
    });
    let checks = match canary.failed_checks {
        0 => String::new(),
        1 => ", 1 check failed".to_owned(),
        many => format!(", {many} checks failed"),
    };
    let share = format!("{:.0} %{checks}", canary.weight);
    let held = |why: String| State::Held { why };
    match canary.phase.as_str() {
        "Failed" if same => rolls("Flagger has not seen it yet"),
        "Failed" => State::Breached { why: said(canary) },
        _ if canary.suspended && !same => held(format!("suspended at {share}")),
        "Succeeded" | "Initialized" if same => State::Done,
        "Succeeded" | "Initialized" => rolls("Flagger has not seen it yet"),
        "Initializing" => rolls("Flagger makes its primary"),
        "Waiting" => rolls(format!("waits until its gate lets it begin{since}")),
        "WaitingPromotion" => rolls(format!(
            "waits at {share} until its gate promotes it{since}"
        )),
        "Progressing" if canary.iterations > 0 => {
            rolls(format!("iteration {}{checks}", canary.iterations))
        }
        "Progressing" => rolls(share),
        "Promoting" | "Finalising" => rolls("is made the primary"),
        phase => State::Unknown {
            why: format!("its Canary is {phase}"),
        },
    }
}
