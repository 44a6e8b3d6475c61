//! I7 with `kill -9`: at any moment of a run, the next start names exactly the step in doubt, nothing is sent twice, and continuing, undoing and settling each work.

use std::{
    io::{BufRead, BufReader},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use pilothouse::plan::{
    entry::{Outcome, What},
    ledger::RunRecord,
};

use super::{
    Story,
    hosts::{Host, applied, code, text},
};
use crate::{
    plans::env,
    wire::route53::{Fate, Mood},
};

pub const STORIES: &[Story] = &[(
    "killed at any moment, the next start knows the doubt and nothing is sent twice",
    killed,
)];

const NAMES: [&str; 2] = ["api", "www"];
/// Cases at once: they mostly wait for the budget of Route 53.
const AT_ONCE: u64 = 3;
/// How long a moment is waited for that may never come.
const LONGEST: Duration = Duration::from_secs(45);

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// What happened in a case, for the counts.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// Killed before the confirmation was on disk.
    early: u64,
    /// Killed with a step in doubt.
    doubts: u64,
    /// Killed when a batch had been taken that no line knows the outcome of.
    taken_in_doubt: u64,
    continued: u64,
    undone: u64,
    settled: u64,
}

/// Kills a run in its middle.
fn kill(host: &Host, dice: &mut Dice) -> Result<(), String> {
    let moods = [
        Mood::Mute,
        Mood::Lost,
        Mood::Broken,
        Mood::Half,
        Mood::Throttled,
        Mood::Lie,
    ];
    let mut child = host.act(&["drain-region", "eu-west-1", "--now"]);
    if dice.roll(3) == 0 {
        host.zone.meet([moods[dice.roll(6) as usize]]);
    }
    match dice.roll(4) {
        0 => std::thread::sleep(Duration::from_millis(dice.roll(9_000))),
        moment => {
            host.zone.await_writes(1 + (moment % 2) as usize, LONGEST);
            std::thread::sleep(Duration::from_micros(dice.roll(if moment == 1 {
                3_000
            } else {
                2_000_000
            })));
        }
    }
    if child.try_wait().unwrap().is_some() {
        return Err(format!("it ended by itself: {}", text(&applied(child))));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Killed before it wrote, it leaves its fate to nobody else.
    host.zone.calm();
    Ok(())
}

/// The step that a reader of the bare lines would call in doubt.
fn doubt(host: &Host) -> Option<usize> {
    let mut doubt = None;
    for entry in host.entries() {
        match entry.what {
            What::Sending { .. } => doubt = entry.step,
            What::Concluded { .. } => doubt = None,
            What::Rejected { error }
                if error.fate != pilothouse::resources::change::Fate::InDoubt =>
            {
                doubt = None;
            }
            _ => {}
        }
    }
    doubt
}

/// What the next start says, by the library and on the command line.
fn told(host: &Host, tally: &mut Tally) -> Result<Option<RunRecord>, String> {
    let ledger = host.ledger();
    let listed = host.run(&["journal", "list", "--output", "json"]);
    let listed = text(&listed);
    let doubt = doubt(host);
    let Some(run) = ledger.interrupted(None).next().cloned() else {
        tally.early += 1;
        return match doubt {
            None if !listed.contains("not ended") => Ok(None),
            _ => Err(format!(
                "no run is interrupted, and {doubt:?} is in doubt: {listed}"
            )),
        };
    };
    if run.doubt().map(|sent| sent.step) != doubt {
        return Err(format!(
            "{doubt:?} is in doubt, and it says {:?}",
            run.doubt()
        ));
    }
    let says = match doubt {
        Some(step) => format!("in doubt: step {} ", step + 1),
        None => "no change is in doubt".to_owned(),
    };
    if !listed.contains(&says) {
        return Err(format!("`{says}` is wanted: {listed}"));
    }
    tally.doubts += u64::from(doubt.is_some());
    let happened = |step: usize| {
        let of = format!("pilothouse-{}-{step}", run.id);
        host.zone
            .log()
            .iter()
            .any(|batch| batch.comment == of && batch.fate == Fate::Taken)
    };
    tally.taken_in_doubt += u64::from(doubt.is_some_and(happened));
    for sent in run
        .sent
        .iter()
        .filter(|sent| sent.outcome == Some(Outcome::Verified))
    {
        if !happened(sent.step) {
            return Err(format!(
                "I4: {} is VERIFIED and was never taken",
                sent.title
            ));
        }
    }
    Ok(Some(run))
}

/// Plans the rest anew and lets it be done; the wait for the last users is cut short.
fn go_on(host: &Host) -> Result<(), String> {
    let planned = match host.plan(&["drain-region", "eu-west-1", "--now"]) {
        Ok(planned) => planned,
        Err(output) if code(&output) == Some(5) && drained(host) => return Ok(()),
        Err(output) => return Err(format!("it is not planned again: {}", text(&output))),
    };
    let mut child = host.start(&planned);
    // Everything was sent and seen when it waits for its last users; a run that stops by itself says nothing more.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines
        .by_ref()
        .map_while(Result::ok)
        .take_while(|line| !line.contains("has no requests: waiting"))
        .collect();
    end(&child);
    lines.for_each(drop);
    let output = applied(child);
    if !drained(host) {
        return Err(format!("it did not go on: {said:#?} {}", text(&output)));
    }
    if code(&output) != Some(8) {
        return Err(format!("it was asked to end: {said:#?} {}", text(&output)));
    }
    Ok(())
}

fn end(child: &std::process::Child) {
    let id = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    // It may have ended by itself.
    let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
}

fn drained(host: &Host) -> bool {
    host.zone
        .sets()
        .iter()
        .all(|set| (set.id == "eu-west-1") == (set.weight == "0"))
}

/// Undoes what the killed run did.
fn undo(host: &Host, run: &RunRecord) -> Result<(), String> {
    let planned = match host.plan(&["undo", &run.id, "--now", "--bake", "0s"]) {
        Ok(planned) => planned,
        Err(output) if code(&output) == Some(5) && run.standing_changes().is_empty() => {
            return Ok(());
        }
        Err(output) => return Err(format!("it cannot be undone: {}", text(&output))),
    };
    let output = applied(host.start(&planned));
    if code(&output) != Some(0) {
        return Err(format!("it was not undone: {}", text(&output)));
    }
    if host.zone.sets() != host.untouched() {
        return Err(format!("it is not as it was: {:?}", host.zone.sets()));
    }
    match host.ledger().interrupted(None).count() {
        0 => Ok(()),
        count => Err(format!("{count} runs have still not ended")),
    }
}

/// Says that nothing more is to be done.
fn settle(host: &Host, run: &RunRecord) -> Result<(), String> {
    let settled = host.run(&["journal", "settle", &run.id, "looked at it"]);
    let again = host.run(&["journal", "settle", &run.id, "looked at it"]);
    let left = host.ledger().interrupted(None).count();
    match (code(&settled), code(&again), left) {
        (Some(0), Some(1), 0) => Ok(()),
        other => Err(format!("{other:?}: {}{}", text(&settled), text(&again))),
    }
}

/// Lives through one case.
fn live(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut dice = Dice(seed);
    dice.roll(2);
    let host = Host::new(&NAMES);
    kill(&host, &mut dice)?;
    let Some(run) = told(&host, tally)? else {
        // Killed before anything was confirmed.
        return host.agree(0);
    };
    host.agree(usize::from(run.doubt().is_some()))?;
    let in_doubt = usize::from(run.doubt().is_some());
    match seed % 3 {
        0 => {
            go_on(&host)?;
            tally.continued += 1;
        }
        1 => {
            undo(&host, &run)?;
            tally.undone += 1;
        }
        _ => {
            settle(&host, &run)?;
            tally.settled += 1;
        }
    }
    host.agree(in_doubt)?;
    for name in &host.names {
        let drains = host.zone.log();
        let drains = drains.iter().filter(|batch| {
            batch.fate == Fate::Taken
                && batch.creates.iter().any(|set| {
                    set.name.starts_with(&format!("{name}."))
                        && set.id == "eu-west-1"
                        && set.weight == "0"
                })
        });
        if drains.count() > 1 {
            return Err(format!("I7: {name} was drained twice"));
        }
    }
    let refused: Vec<String> = host
        .zone
        .log()
        .into_iter()
        .filter_map(|batch| match batch.fate {
            Fate::Refused(why) if why.contains("Tried to") => Some(why),
            Fate::Refused(_) | Fate::Taken | Fate::Away => None,
        })
        .collect();
    if !refused.is_empty() {
        return Err(format!(
            "something was sent that stood already: {refused:?}"
        ));
    }
    Ok(())
}

fn killed() {
    let count = env("PILOTHOUSE_KILLS").unwrap_or(6);
    let from = env("PILOTHOUSE_SEED").unwrap_or(0) * 10_000;
    let next = AtomicU64::new(0);
    let (tallies, failures) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE.min(count))
            .map(|_| {
                scope.spawn(|| {
                    let (mut tally, mut failures) = (Tally::default(), Vec::new());
                    loop {
                        let case = next.fetch_add(1, Ordering::Relaxed);
                        if case >= count {
                            return (tally, failures);
                        }
                        if let Err(why) = live(from + case, &mut tally) {
                            failures.push(format!("case {}: {why}", from + case));
                        }
                    }
                })
            })
            .collect();
        let mut all = (Vec::new(), Vec::new());
        for thread in threads {
            let (tally, failures) = thread.join().unwrap();
            all.0.push(tally);
            all.1.extend(failures);
        }
        all
    });
    let sum = |field: fn(&Tally) -> u64| tallies.iter().map(field).sum::<u64>();
    println!(
        "{count} kills: {} before anything was confirmed, {} with a step in doubt ({} of them had been taken); {} continued, {} undone, {} settled",
        sum(|tally| tally.early),
        sum(|tally| tally.doubts),
        sum(|tally| tally.taken_in_doubt),
        sum(|tally| tally.continued),
        sum(|tally| tally.undone),
        sum(|tally| tally.settled),
    );
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(
        sum(|tally| tally.early) < count,
        "a kill before the run proves nothing"
    );
}
