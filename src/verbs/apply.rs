//! `pilothouse apply` and `undo`: a plan carried out by the state and the run that the console has, as append-only lines. Decides no step.

use std::{io::Write, path::Path};

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Session, pinned, plan};
use crate::{
    actions,
    cli::{Approval, Common, On, World, exit},
    plan::intent,
    report::plan::{PlanFile, text},
    runtime::headless::{self, Order, Verdict},
};

/// Carries a plan out.
pub async fn run(common: &Common, path: &Path, approval: Approval, on: &On) -> Result<u8, Failure> {
    let said = |error: String| Failure::Said(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| said(error.to_string()))?;
    let file = PlanFile::read(&text)
        .map_err(|error| Failure::Refused(vec![format!("{}: {error}", path.display())]))?;
    let session = plan::session(common, on)?;
    carry_out(common, session, file, approval).await
}

/// Plans the way back of a run, and carries it out when it is confirmed.
pub async fn undo(common: &Common, run: &str, approval: Approval) -> Result<u8, Failure> {
    let intent = intent::parse(&format!("undo {run}")).map_err(Failure::Usage)?;
    plan::known(&intent)?;
    let on = On {
        world: World {
            scenario: None,
            seed: None,
        },
        at: std::time::Duration::ZERO,
        speed: 1.0,
    };
    let session = plan::session(common, &on)?;
    let mut state = session.state(common);
    let file = plan::make(&mut state, &session, &intent).await?;
    if approval.confirm.is_none() {
        std::io::stdout().write_all(text(&file, state.look).as_bytes())?;
        return Ok(exit::OK);
    }
    carry_out(common, session, file, approval).await
}

async fn carry_out(
    common: &Common,
    session: Session,
    file: PlanFile,
    approval: Approval,
) -> Result<u8, Failure> {
    if common.read_only {
        return Err(Failure::Refused(vec![
            "--read-only takes no change".to_owned(),
        ]));
    }
    let overrides = approval.overrides();
    let (Some(confirm), Some(reason)) = (approval.confirm, approval.reason) else {
        let phrase = if file.plan.phrase.is_empty() {
            "y"
        } else {
            &file.plan.phrase
        };
        return Err(Failure::Refused(vec![format!(
            "not confirmed: give --confirm '{phrase}' and --reason"
        )]));
    };
    let order = Order {
        plan: file.plan,
        replan: actions::plan,
        confirm,
        accept_loss: approval.accept_loss,
        reason,
        overrides,
    };
    let mut state = session.state(common);
    let journal = session.records.journal.clone();
    let world = headless::World {
        provider: pinned(common, session.provider),
        clock: session.clock,
        records: session.records,
    };
    let stop = asked_to_end()?;
    let verdict = headless::run(&mut state, world, &order, stop, &mut std::io::stdout()).await?;
    let id = state.conduct.runs.last().map(|run| run.id.clone());
    Ok(said(&verdict, id.as_deref(), &journal))
}

/// The wish to end: Ctrl-C, a lost session, or whoever manages processes.
fn asked_to_end() -> Result<impl Future<Output = ()>, Failure> {
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = hung_up.recv() => {}
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    }))
}

/// Says how it ended, and how to go on from there; the exit code of it.
fn said(verdict: &Verdict, run: Option<&str>, journal: &Path) -> u8 {
    let (code, text) = match verdict {
        Verdict::Done => return exit::OK,
        Verdict::Refused(reasons) => (exit::REFUSED, format!("refused: {}", reasons.join("\n  "))),
        Verdict::Failed(why) => (exit::FAILED, format!("failed: {why}")),
        Verdict::NotTaken(why) => (exit::NOT_TAKEN, why.clone()),
        Verdict::Unknown(why) => (exit::UNKNOWN, why.clone()),
        Verdict::Interrupted(why) => (exit::INTERRUPTED, format!("interrupted: {why}")),
    };
    eprintln!("pilothouse: {text}");
    if let Some(run) = run.filter(|_| code != exit::REFUSED) {
        eprintln!(
            "run {run} is in {}: `pilothouse journal show {run}` tells every step; go on, undo or settle it in the console under :runs, or `pilothouse journal settle {run} NOTE` and `pilothouse undo {run}`",
            journal.display()
        );
    }
    code
}
