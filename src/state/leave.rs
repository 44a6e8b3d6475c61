//! Leaving while runs are in hand. Owns what is said and written then; a change in flight is never forgotten, and Ctrl-C never asks.

use super::{Notice, State, conduct};
use crate::{
    effect::Effect,
    plan::{
        entry::{Entry, What},
        run::{Happening, Phase, Run, Told},
    },
};

/// Leaves, unless a run goes on by itself.
pub fn quit(state: &mut State) -> Vec<Effect> {
    let mut going = state
        .conduct
        .active()
        .filter(|run| !matches!(run.phase, Phase::Held | Phase::Halted { .. }));
    match (going.next(), going.count()) {
        (Some(run), others) => {
            let others = match others {
                0 => "is".to_owned(),
                count => format!("and {count} more are"),
            };
            let text = format!(
                "run {} {others} in hand: hold (space) or stop (X) first; Ctrl-C leaves all the same, and leaves it interrupted",
                run.id
            );
            state.notice = Some(Notice { text, failed: true });
            Vec::new()
        }
        (None, _) => vec![Effect::Quit],
    }
}

/// The session is lost: every run holds before its next change, and the journal says why.
pub fn lost(state: &mut State, why: &str) -> Vec<Effect> {
    let entry = |run: &Run| Entry {
        at: state.now,
        run: Some(run.id.clone()),
        step: Some(run.at),
        what: What::Held {
            why: why.to_owned(),
        },
    };
    let entries = state.conduct.active().map(entry);
    let mut effects: Vec<Effect> = entries.map(Effect::Journal).collect();
    effects.extend(conduct::everybody(state, &Happening::Told(Told::Hold)));
    effects
}

/// Whether a change is on its way: the next moments tell what became of it.
pub fn in_flight(state: &State) -> bool {
    state.conduct.active().any(|run| {
        matches!(
            run.phase,
            Phase::Journaling { .. } | Phase::Applying { .. } | Phase::Verifying { .. }
        )
    })
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use jiff::Timestamp;

    use super::*;
    use crate::{
        command::{Command, Invocation},
        config::keymap::{Context, Keymap},
        event::Event,
        plan::{Blast, Intent, OnBreach, Plan},
        state::{Look, Mode, update},
    };

    fn console() -> State {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let mut keymap = Keymap::default();
        for key in ["q", "ctrl-c"] {
            let quit = Invocation::plain(Command::Quit);
            keymap.bind(Context::Global, key.parse().unwrap(), quit);
        }
        let (estate, look) = (Arc::default(), Look::default());
        State::new(estate, now, Mode::Live, keymap, look, (80, 24))
    }

    fn run(now: Timestamp) -> Run {
        let plan = Plan {
            intent: Intent::default(),
            title: "Drain".to_owned(),
            environment: String::new(),
            account: None,
            made_at: now,
            steps: Vec::new(),
            forecast: Vec::new(),
            remarks: Vec::new(),
            blast: Blast::L1,
            phrase: String::new(),
            loss_phrase: String::new(),
            on_breach: OnBreach::Hold,
            marks: Vec::new(),
            until: None,
        };
        Run::new(plan, Vec::new(), Default::default(), String::new(), now).0
    }

    fn press(state: &mut State, key: &str) -> Vec<Effect> {
        let key = key.parse().unwrap();
        update(state, Event::Key { key })
    }

    #[test]
    fn a_run_that_goes_on_keeps_q_and_never_ctrl_c() {
        let mut state = console();
        assert_eq!(press(&mut state, "q"), [Effect::Quit]);
        state.conduct.runs = vec![run(state.now)];
        assert_eq!(press(&mut state, "q"), []);
        assert!(state.notice.clone().unwrap().text.contains("Ctrl-C"));
        assert_eq!(press(&mut state, "ctrl-c"), [Effect::Quit]);
        state.conduct.runs[0].phase = Phase::Held;
        assert_eq!(press(&mut state, "q"), [Effect::Quit]);
    }

    #[test]
    fn a_lost_session_is_written_down_and_the_run_holds() {
        let mut state = console();
        let lost = || Event::Lost {
            why: "the session was lost".to_owned(),
        };
        assert_eq!(update(&mut state, lost()), [], "nothing is in hand");
        state.conduct.runs = vec![run(state.now)];
        let effects = update(&mut state, lost());
        assert!(matches!(
            effects.as_slice(),
            [Effect::Journal(Entry { what: What::Held { why }, .. })] if why == "the session was lost"
        ));
        assert!(state.conduct.runs[0].holding);
        assert!(!in_flight(&state));
        let since = state.now;
        state.conduct.runs[0].phase = Phase::Applying { since };
        assert!(in_flight(&state));
        // Every run, and not only the one that is looked at.
        let other = run(state.now + Duration::from_secs(1));
        state.conduct.runs.push(other);
        state.conduct.runs[0].holding = false;
        assert_eq!(update(&mut state, lost()).len(), 2);
        assert!(state.conduct.runs.iter().all(|run| run.holding));
        state.conduct.runs.swap(0, 1);
        assert!(in_flight(&state), "whichever is in flight is waited for");
    }
}
