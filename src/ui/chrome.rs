//! The lines around the panes: who and where we are, contradictions, levers, notice and key hints. Owns the order in which their parts give way on a narrow screen.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, role_of},
    text::{self, width},
};
use crate::{
    command::Command,
    config::{
        key::{Key, KeyCode},
        keymap::{Context, Keymap},
        theme::Role,
    },
    facts::{Facts, judge_credentials},
    glyph::Mark,
    resources::{Severity, age, cell::coarse_age},
    state::{Mode, Screen, State},
};

/// Steps in which the top line gives way; each drops or shortens one more part.
const STEPS: usize = 10;

/// The top line: environment, account, role, READ-ONLY, credentials, worst state, mode, clock.
pub fn top(canvas: &mut Canvas<'_>, state: &State, facts: &Facts, area: Rect) {
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

type Part = (String, Role);

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
        x += canvas.put(x, area.y, part, room, *role) + 1;
    }
    x
}

/// The left half: environment, account, role, READ-ONLY, credentials.
fn who(state: &State, facts: &Facts, step: usize) -> Vec<Part> {
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
    let mut parts = vec![
        (environment, Role::Accent),
        (account, Role::Banner),
        (caller, Role::Banner),
        ("READ-ONLY".to_owned(), Role::Banner),
    ];
    if let Some(expiry) = facts.credentials_expire_at {
        let left = Duration::try_from(expiry.duration_since(state.now)).unwrap_or_default();
        let text = if left.is_zero() {
            "creds EXPIRED".to_owned()
        } else {
            format!("creds {}", coarse_age(left))
        };
        parts.push((text, severity_role(judge_credentials(left))));
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
    if state.frozen.is_some() {
        let since = age(state.shown().now, state.now);
        let frozen = match coarse_age(since).as_str() {
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

fn mode(state: &State, step: usize) -> Part {
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

/// The role of a severity, ordinary for what is fine.
pub fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Ok => Role::Text,
        Severity::Unknown => Role::Unknown,
        Severity::Warn => Role::Warn,
        Severity::Bad => Role::Bad,
    }
}

/// One line for each contradiction that fits; the last one counts the rest.
pub fn contradictions(canvas: &mut Canvas<'_>, facts: &Facts, area: Rect) {
    let lines = usize::from(area.height);
    let hidden = facts.contradictions.len().saturating_sub(lines);
    for (index, (mark, contradiction)) in facts.contradictions.iter().take(lines).enumerate() {
        let y = area.y + index as u16;
        let more = (index + 1 == lines && hidden > 0).then(|| format!("+{hidden} more "));
        let right = more.map_or(area.right(), |more| {
            canvas.put_right(area.x, area.right(), y, &more, Role::Muted)
        });
        let glyph = if canvas.look.ascii { "<>" } else { "≠" };
        let x = area.x + 1 + canvas.put(area.x + 1, y, glyph, 2, role_of(*mark)) + 1;
        let room = right.saturating_sub(x + 1);
        canvas.say(x, y, contradiction, room, Role::Text);
    }
}

/// The lever row: what can still be used to change something. What works is quiet; what does not stands out.
pub fn levers(canvas: &mut Canvas<'_>, facts: &Facts, area: Rect) {
    if area.height == 0 {
        return;
    }
    let right = area.right().saturating_sub(1);
    let mut x = area.x + 1;
    x += canvas.put(x, area.y, "levers", right.saturating_sub(x), Role::Muted) + 2;
    for (mark, text) in &facts.levers {
        let room = |x: u16| right.saturating_sub(x);
        let glyph = mark.glyph(canvas.look.ascii);
        let needed = width(text) as u16 + 2;
        if needed > room(x) {
            canvas.put(
                x,
                area.y,
                if canvas.look.ascii { ".." } else { "…" },
                room(x),
                Role::Muted,
            );
            return;
        }
        x += canvas.put(x, area.y, glyph, room(x), role_of(*mark)) + 1;
        let role = match mark {
            Mark::Ok => Role::Text,
            worse => role_of(*worse),
        };
        x += canvas.put(x, area.y, text, room(x), role) + 2;
    }
}

/// The line above the hints: a notice, or why the selected row is in its state.
pub fn status(canvas: &mut Canvas<'_>, state: &State, area: Rect, why: Option<(Mark, String)>) {
    if area.height == 0 {
        return;
    }
    let (mark, sentence) = match (&state.notice, why) {
        (Some(notice), _) => {
            let role = if notice.failed { Role::Bad } else { Role::Text };
            canvas.say(area.x + 1, area.y, &notice.text, area.width - 2, role);
            return;
        }
        (None, Some(why)) => why,
        (None, None) => return,
    };
    let x = area.x + 1 + canvas.mark(area.x + 1, area.y, mark, area.width - 2) + 1;
    canvas.say(
        x,
        area.y,
        &sentence,
        area.right().saturating_sub(x + 1),
        Role::Text,
    );
}

/// The hints: what the most useful commands here are bound to.
pub fn hints(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    use Command::{Back, Filter, Freeze, Help, NextPane, Open, Palette, Quit, Sort, Why, Zoom};
    let (context, commands): (Context, &[(Command, &str)]) =
        match (state.dialogs.last(), &state.screen) {
            (Some(_), _) => (Context::Dialog, &[(Back, "close"), (Quit, "quit")]),
            (None, Screen::Detail(..)) => (
                Context::Detail,
                &[
                    (Back, "back"),
                    (Why, "why"),
                    (Help, "help"),
                    (Palette, "command"),
                    (Quit, "quit"),
                ],
            ),
            (None, Screen::Home) => (
                Context::Global,
                &[
                    (Help, "help"),
                    (Palette, "command"),
                    (Filter, "filter"),
                    (Open, "open"),
                    (Zoom, "zoom"),
                    (NextPane, "next"),
                    (Why, "why"),
                    (Quit, "quit"),
                    (Freeze, "freeze"),
                ],
            ),
            (None, Screen::Zoom(_)) => (
                Context::Global,
                &[
                    (Back, "back"),
                    (Help, "help"),
                    (Palette, "command"),
                    (Filter, "filter"),
                    (Open, "open"),
                    (Sort, "sort"),
                    (Why, "why"),
                    (Quit, "quit"),
                ],
            ),
        };
    let mut x = area.x + 1;
    for (command, word) in commands {
        let Some(key) = usual_key(&state.keymap, context, *command) else {
            continue;
        };
        let key = key.to_string();
        if usize::from(x) + key.len() + word.len() + 1 > usize::from(area.right()) {
            break;
        }
        x += canvas.put(x, area.y, &key, area.width, Role::Accent) + 1;
        x += canvas.put(x, area.y, word, area.width, Role::Muted) + 2;
    }
}

/// The key by which a command is known: Esc or Enter where it is one of them, else the shortest.
pub fn usual_key(keymap: &Keymap, context: Context, command: Command) -> Option<Key> {
    let keys = keymap.keys(context, command);
    let known = |key: &&Key| matches!(key.code, KeyCode::Esc | KeyCode::Enter);
    keys.iter().find(known).or(keys.first()).copied()
}

/// Everything that matters in one line, for a screen too small for more.
pub fn one_line(canvas: &mut Canvas<'_>, state: &State, facts: &Facts, area: Rect) {
    canvas.clear(area);
    let mut x = area.x;
    let mut put = |canvas: &mut Canvas<'_>, text: &str, role| {
        let room = area.right().saturating_sub(x);
        x += canvas.put(x, area.y, text, room, role);
        x += 1;
    };
    let ascii = canvas.look.ascii;
    let worst = facts.worst();
    put(
        canvas,
        &format!("{} {}", worst.glyph(ascii), worst.word()),
        role_of(worst),
    );
    let kinds = [Mark::Bad(false), Mark::Warn(false), Mark::Unknown, Mark::Ok];
    for mark in kinds {
        let count = facts
            .regions
            .iter()
            .filter(|region| **region == mark)
            .count();
        if count > 0 && mark != worst {
            put(
                canvas,
                &format!("{}{count}", mark.glyph(ascii)),
                role_of(mark),
            );
        }
    }
    put(
        canvas,
        &format!("{}/{} regions", facts.worst_count(), facts.regions.len()),
        Role::Text,
    );
    let (mode, role) = mode(state, STEPS);
    put(canvas, &mode, role);
    put(canvas, &state.shown().estate.environment, Role::Muted);
}
