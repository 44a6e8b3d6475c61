//! The questions: whether a plan shall be carried out, how a run shall stop. Owns that the safest answer stands first.

use super::wrapped;
use crate::{
    config::theme::Role,
    plan::GuardId,
    state::{Input, State, conduct::Stage},
    ui::paragraph::Line,
};

/// The lines of the confirmation.
pub fn confirm(state: &State, stage: Stage, input: &Input, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some(draft) = &state.conduct.draft else {
        return lines;
    };
    let plan = &draft.plan;
    let mut say = |text: &str, role: Role| wrapped(&mut lines, state, 0, width, text, role);
    say(&plan.title, Role::Title);
    let account = plan.account_or("account ?").into_iter();
    let told: Vec<&str> = [plan.environment.as_str()]
        .into_iter()
        .chain(account)
        .collect();
    say(&told.join(" · "), Role::Danger);
    for (id, reason) in &draft.overrides {
        say(&format!("overrides {}: {reason}", id.name()), Role::Warn);
    }
    say("", Role::Text);
    say("Esc: do nothing", Role::Accent);
    match stage {
        Stage::Arm => {
            say(
                "Not armed. Type `arm` and why; Enter goes on. It opens 15 minutes and sends nothing yet.",
                Role::Text,
            );
            let begins = "arm ".starts_with(&input.text) || input.text.starts_with("arm ");
            let role = if begins { Role::Text } else { Role::Bad };
            say(&format!("> {}", input.text), role);
        }
        Stage::Phrase => {
            say(&format!("Type `{}` to go on:", plan.phrase), Role::Text);
            say(
                &format!("> {}", input.text),
                typed_role(&input.text, &plan.phrase),
            );
        }
        Stage::Loss => {
            say("Data will be lost, or nothing undoes this.", Role::Danger);
            say(
                &format!("Type `{}` to go on:", plan.loss_phrase),
                Role::Text,
            );
            say(
                &format!("> {}", input.text),
                typed_role(&input.text, &plan.loss_phrase),
            );
        }
        Stage::Reason => {
            say(
                "Why? It is written into the journal. Enter goes on.",
                Role::Text,
            );
            say(&format!("> {}", input.text), Role::Text);
        }
        Stage::Ready => say("y: carry it out now", Role::Danger),
    }
    lines
}

/// What is typed so far turns bad as soon as it cannot become the phrase.
fn typed_role(typed: &str, phrase: &str) -> Role {
    if phrase.starts_with(typed) {
        Role::Text
    } else {
        Role::Bad
    }
}

/// The lines of the question before a guard of a run is overridden that cannot be undone.
pub fn override_again(
    state: &State,
    run: &str,
    guard: GuardId,
    input: &Input,
    width: u16,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some(run) = state.conduct.run(run) else {
        return lines;
    };
    let mut say = |text: &str, role: Role| wrapped(&mut lines, state, 0, width, text, role);
    let phrase = &run.plan.loss_phrase;
    say(&run.plan.title, Role::Title);
    say(
        &format!("overrides {}: {}", guard.name(), guard.doc()),
        Role::Warn,
    );
    say("", Role::Text);
    say("Esc: do nothing", Role::Accent);
    say("Data will be lost, or nothing undoes this.", Role::Danger);
    say(
        &format!("Type `{phrase}` to override; the run goes on only by Space:"),
        Role::Text,
    );
    say(
        &format!("> {}", input.text),
        typed_role(&input.text, phrase),
    );
    lines
}

/// The lines of the question how to stop.
pub fn stop(state: &State, run: &str, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let run = state.conduct.run(run);
    let title = run.map(|run| run.plan.title.clone()).unwrap_or_default();
    wrapped(&mut lines, state, 0, width, &title, Role::Title);
    for (text, role) in [
        ("Esc: go on as before", Role::Accent),
        ("s: stop here; what was done stays", Role::Text),
        ("u: stop and undo what was done, newest first", Role::Text),
        (
            "A change in flight is brought to its outcome first.",
            Role::Muted,
        ),
    ] {
        wrapped(&mut lines, state, 0, width, text, role);
    }
    lines
}
