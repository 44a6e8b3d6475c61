//! The top line: environment, account, role, READ-ONLY, credentials, worst state, mode. Owns the order in which its parts give way on a narrow screen.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, role_of},
    chrome::severity_role,
    text::{self, width},
};
use crate::{
    config::theme::Role,
    facts::{Facts, judge_credentials},
    glyph::Mark,
    resources::{Severity, Source, age, cell::coarse_age},
    state::{Mode, State},
};

/// Steps in which the top line gives way; each drops or shortens one more part.
pub const STEPS: usize = 10;

/// The top line: environment, account, role, READ-ONLY, credentials, worst state, mode, clock.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, facts: &Facts, area: Rect) {
    canvas.clear(area);
    canvas.paint(area, Role::Banner);
    for step in 0..=STEPS {
        let left = who(state, facts, step);
        let right = how(state, facts, step);
        let needed = length(&left, canvas) + 1 + length(&right, canvas);
        if needed <= usize::from(area.width) || step == STEPS {
            let start = area.right().saturating_sub(length(&right, canvas) as u16);
            let end = parts(canvas, area.x, area, &left);
            parts(canvas, start.max(end), area, &right);
            return;
        }
    }
}

/// A part of the line with its role.
pub type Part = (String, Role);

fn length(parts: &[Part], canvas: &Canvas<'_>) -> usize {
    parts
        .iter()
        .map(|(part, _)| width(&text::safe(part, canvas.look)) + 1)
        .sum::<usize>()
        + 1
}

fn parts(canvas: &mut Canvas<'_>, start: u16, area: Rect, parts: &[Part]) -> u16 {
    let mut x = start + 1;
    for (part, role) in parts {
        let room = area.right().saturating_sub(x);
        if *role != Role::Banner && canvas.style(Role::Banner).bg.is_some() {
            // A colour that is legible on the screen need not be so on the line's own background.
            let cells = width(&text::safe(part, canvas.look)) as u16;
            canvas.clear(Rect::new(x, area.y, cells.min(room), 1));
        }
        x += canvas.put(x, area.y, part, room, *role) + 1;
    }
    x
}

/// The left half: environment, account, role, READ-ONLY, credentials.
fn who(state: &State, facts: &Facts, step: usize) -> Vec<Part> {
    let asked = !state.shown().estate.places(Source::Identity).is_empty();
    let account = match facts.accounts.as_slice() {
        [] => "account ?".to_owned(),
        [one] => shorten_account(one, step, state.look.privacy),
        many => format!("{} accounts", many.len()),
    };
    let caller = match facts.callers.as_slice() {
        [] => "role ?".to_owned(),
        [one] => {
            let role = one.split_once('/').map_or(one.as_str(), |(role, _)| role);
            let shown = if step >= 3 { role } else { one };
            text::shorten(shown, if step >= 7 { 8 } else { 40 }, state.look.ascii).into_owned()
        }
        many => format!("{} roles", many.len()),
    };
    let environment = &state.shown().estate.environment;
    let environment = if environment.is_empty() {
        "no environment"
    } else {
        environment.as_str()
    };
    let limit = if step >= 8 { 8 } else { 24 };
    let environment = text::shorten(environment, limit, state.look.ascii).into_owned();
    let mut parts = vec![(environment, Role::Accent)];
    // Where AWS has no part nobody could tell.
    if asked {
        parts.extend([(account, Role::Banner), (caller, Role::Banner)]);
    }
    parts.push(armed(state));
    if let Some(expiry) = facts.credentials_expire_at {
        let left = Duration::try_from(expiry.duration_since(state.now)).unwrap_or_default();
        let text = if left.is_zero() {
            "creds EXPIRED".to_owned()
        } else {
            format!("creds {}", coarse_age(left))
        };
        let role = match judge_credentials(left) {
            Severity::Ok => Role::Banner,
            worse @ (Severity::Unknown | Severity::Warn | Severity::Bad) => severity_role(worse),
        };
        parts.push((text, role));
    }
    parts
}

/// An account id in the room that there is: whole, its ends, or its last four digits.
fn shorten_account(account: &str, step: usize, privacy: bool) -> String {
    let plain = account.len() == 12 && account.is_ascii();
    match step {
        _ if privacy && step < 2 => "************".to_owned(),
        _ if privacy => "****".to_owned(),
        0..=1 => account.to_owned(),
        2..=3 if plain => format!("{}..{}", &account[..4], &account[8..]),
        _ if plain => format!("..{}", &account[8..]),
        _ => account.to_owned(),
    }
}

/// Whether anything can be changed, and for how long.
fn armed(state: &State) -> Part {
    match (
        state.conduct.armed_left(state.now),
        state.conduct.active().next(),
        &state.conduct.armed,
    ) {
        (Some(left), ..) => {
            let left = left.as_secs();
            (
                format!("ARMED {:02}:{:02}", left / 60, left % 60),
                Role::Danger,
            )
        }
        // The window is over; the run that was confirmed in it is not.
        (None, Some(_), Some(_)) => ("ARMED run".to_owned(), Role::Danger),
        (None, _, _) => ("READ-ONLY".to_owned(), Role::Banner),
    }
}

/// The right half: worst state, mode, clock or FROZEN.
fn how(state: &State, facts: &Facts, step: usize) -> Vec<Part> {
    let worst = facts.worst();
    let mark = format!("{} {}", worst.glyph(state.look.ascii), worst.word());
    let count = format!("{}/{}", facts.worst_count(), facts.regions.len());
    let mark = if step >= 5 || worst == Mark::Ok {
        mark
    } else {
        format!("{mark} {count}")
    };
    let mut parts = vec![(mark, role_of(worst)), mode(state, step)];
    if state.fleet.pace > 1 {
        parts.push((format!("IDLE x{}", state.fleet.pace), Role::Banner));
    }
    if let Some(frozen) = &state.frozen {
        let frozen = match coarse_age(age(frozen.since, state.now)).as_str() {
            "now" => "FROZEN".to_owned(),
            since => format!("FROZEN {since}"),
        };
        parts.push((frozen, Role::Warn));
    } else if step == 0 {
        // To the minute: a second hand would repaint an idle screen.
        parts.push((state.now.strftime("%H:%MZ").to_string(), Role::Banner));
    }
    parts
}

/// The mode in the room that is left at a step.
pub fn mode(state: &State, step: usize) -> Part {
    match &state.mode {
        Mode::Live => ("LIVE".to_owned(), Role::Banner),
        Mode::Replay => ("REPLAY".to_owned(), Role::Simulated),
        Mode::Sim { scenario, seed } => {
            let elapsed = age(state.started_at, state.now).as_secs();
            let elapsed = format!("T+{:02}:{:02}", elapsed / 60, elapsed % 60);
            let text = match step {
                0..=5 => format!("SIM {scenario} #{seed} {elapsed}"),
                6..=8 => format!("SIM {scenario} {elapsed}"),
                _ => format!("SIM {elapsed}"),
            };
            (text, Role::Simulated)
        }
    }
}
