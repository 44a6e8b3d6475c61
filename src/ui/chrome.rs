//! The lines around the panes: contradictions, levers and notice. Owns what each says.

use ratatui::layout::Rect;

use super::{
    banner,
    canvas::{Canvas, role_of},
    hints::usual_key,
    pane::Why,
    text::{self, width},
};
use crate::{
    command::Command,
    config::{keymap::Context, theme::Role},
    facts::Facts,
    glyph::Mark,
    resources::Severity,
    state::State,
};

/// The role of a severity, ordinary for what is fine.
pub fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Ok => Role::Text,
        Severity::Unknown => Role::Unknown,
        Severity::Warn => Role::Warn,
        Severity::Bad => Role::Bad,
    }
}

/// One line for each run in hand that fits, the worst first; the last one counts the rest.
pub fn runs(canvas: &mut Canvas<'_>, facts: &Facts, area: Rect) {
    let glyph = if canvas.look.ascii { ">" } else { "▶" };
    flagged(canvas, facts.runs.iter().map(|run| (glyph, run)), area);
}

/// One line for each contradiction and reminder that fits; the last one counts the rest.
pub fn contradictions(canvas: &mut Canvas<'_>, facts: &Facts, area: Rect) {
    let ascii = canvas.look.ascii;
    let unequal = if ascii { "<>" } else { "≠" };
    let flag = if ascii { "!" } else { "⚑" };
    let found = facts.contradictions.iter().map(|found| (unequal, found));
    let kept = facts.reminders.iter().map(|kept| (flag, kept));
    flagged(canvas, found.chain(kept), area);
}

/// Lines with a glyph before each; the last one that fits counts the rest.
fn flagged<'a>(
    canvas: &mut Canvas<'_>,
    all: impl Iterator<Item = (&'a str, &'a (Mark, String))> + Clone,
    area: Rect,
) {
    let lines = usize::from(area.height);
    let hidden = all.clone().count().saturating_sub(lines);
    for (index, (glyph, (mark, text))) in all.take(lines).enumerate() {
        let y = area.y + index as u16;
        let more = (index + 1 == lines && hidden > 0).then(|| format!("+{hidden} more "));
        let right = more.map_or(area.right(), |more| {
            canvas.put_right(area.x, area.right(), y, &more, Role::Muted)
        });
        let x = area.x + 1 + canvas.put(area.x + 1, y, glyph, 2, role_of(*mark)) + 1;
        let room = right.saturating_sub(x + 1);
        canvas.say(x, y, text, room, Role::Text);
    }
}

/// How closely the levers stand: what lies between two, between glyph and word, and whether what works says so.
type Spacing = (u16, u16, bool);

/// From roomy to tight.
const SPACINGS: [Spacing; 4] = [(2, 1, true), (2, 1, false), (1, 1, false), (1, 0, false)];

/// The lever row: what can still be used to change something. What works is quiet; what does not stands out.
pub fn levers(canvas: &mut Canvas<'_>, facts: &Facts, area: Rect) {
    if area.height == 0 {
        return;
    }
    let right = area.right().saturating_sub(1);
    let said = |text: &str, full: bool| match text.strip_suffix(" ok") {
        Some(name) if !full => name.to_owned(),
        Some(_) | None => text.to_owned(),
    };
    let needed = |&(between, inside, full): &Spacing| {
        let lengths = facts
            .levers
            .iter()
            .map(|(_, text)| 1 + inside + width(&said(text, full)) as u16);
        (lengths.map(|length| length + between).sum::<u16>()).saturating_sub(between)
    };
    let label = "levers";
    let mut x = area.x + 1;
    let room = right.saturating_sub(x + label.len() as u16 + 2);
    let fitting = SPACINGS.iter().find(|spacing| needed(spacing) <= room);
    let (between, inside, full) = *fitting.unwrap_or(&SPACINGS[3]);
    // Where even that is too much, the label goes, and what works gives way to what does not.
    let mut levers: Vec<&(Mark, String)> = facts.levers.iter().collect();
    if fitting.is_some() {
        x += canvas.put(x, area.y, label, right.saturating_sub(x), Role::Muted) + 2;
    } else {
        levers.sort_by_key(|(mark, _)| *mark == Mark::Ok); // stable
    }
    for (mark, text) in levers {
        let text = said(text, full);
        if 1 + inside + width(&text) as u16 > right.saturating_sub(x) {
            let dots = if canvas.look.ascii { ".." } else { "…" };
            canvas.put(x, area.y, dots, right.saturating_sub(x), Role::Muted);
            return;
        }
        let glyph = mark.glyph(canvas.look.ascii);
        let role = role_of(*mark);
        if *mark == Mark::Ok {
            canvas.put(x, area.y, glyph, 1, role);
            x += 1 + inside;
            x += canvas.put(x, area.y, &text, right - x, Role::Text) + between;
        } else {
            let air = " ".repeat(usize::from(inside));
            let text = format!("{glyph}{air}{text}");
            x += canvas.put(x, area.y, &text, right - x, role) + between;
        }
    }
}

/// At the end of the status line: how much the way to this screen carries, while it is slow; returns what is left of the line.
pub fn link(canvas: &mut Canvas<'_>, state: &State, area: Rect) -> Rect {
    let Some(rate) = state.slow_link.filter(|_| area.height > 0) else {
        return area;
    };
    // A serial line sends ten bits for a byte.
    let text = format!("link: {:.1} kbit/s", rate as f64 / 100.0);
    let start = canvas.put_right(
        area.x,
        area.right().saturating_sub(1),
        area.y,
        &text,
        Role::Warn,
    );
    Rect {
        width: start - area.x,
        ..area
    }
}

/// The line above the hints: a notice, or why the selected row is in its state: as many whole reasons as fit, and how many more there are.
pub fn status(canvas: &mut Canvas<'_>, state: &State, area: Rect, why: Option<Why>) {
    if area.height == 0 {
        return;
    }
    let why = match (&state.notice, why) {
        (Some(notice), _) => {
            let role = if notice.failed { Role::Bad } else { Role::Text };
            canvas.say(area.x + 1, area.y, &notice.text, area.width - 2, role);
            return;
        }
        (None, Some(why)) => why,
        (None, None) => return,
    };
    let mut x = area.x + 1 + canvas.mark(area.x + 1, area.y, why.mark, area.width - 2) + 1;
    let right = area.right().saturating_sub(1);
    if !why.name.is_empty() {
        let name = format!("{}: ", why.name);
        let name = text::shorten(&name, usize::from(area.width / 2), canvas.look.ascii);
        x += canvas.put(x, area.y, &name, right.saturating_sub(x), Role::Text);
    }
    let (shown, more) = whole(&why.reasons, usize::from(right.saturating_sub(x)));
    let end = match more {
        0 => right,
        more => {
            let key = usual_key(&state.keymap, Context::Global, Command::Why);
            let key = key.map_or(String::new(), |key| format!(" ({key})"));
            let more = format!("+{more}{key}");
            canvas.put_right(x, right, area.y, &more, Role::Muted) - 1
        }
    };
    canvas.say(x, area.y, &shown, end.saturating_sub(x), Role::Text);
}

/// As many whole reasons as fit, at least the first, and how many are left.
fn whole(reasons: &[String], room: usize) -> (String, usize) {
    /// Cells of ` +12 (w)`.
    const MORE: usize = 9;
    let all = reasons.join("; ");
    if width(&all) <= room {
        return (all, 0);
    }
    let mut shown = reasons.first().cloned().unwrap_or_default();
    let mut count = 1;
    for reason in reasons.iter().skip(1) {
        if width(&shown) + 2 + width(reason) + MORE > room {
            break;
        }
        shown = format!("{shown}; {reason}");
        count += 1;
    }
    (shown, reasons.len().saturating_sub(count))
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
    let (mode, role) = banner::mode(state, banner::STEPS);
    put(canvas, &mode, role);
    put(canvas, &state.shown().estate.environment, Role::Muted);
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::{
        config::theme::{Paint, Theme},
        resources::Fleet,
        state::Look,
    };

    #[test]
    fn reasons_are_shown_whole_and_the_rest_is_counted() {
        let reasons = ["errors 4.2%", "alarm x in ALARM", "p95 300ms"].map(str::to_owned);
        assert_eq!(whole(&reasons, 40).1, 0);
        assert_eq!(
            whole(&reasons, 39),
            ("errors 4.2%; alarm x in ALARM".to_owned(), 1)
        );
        assert_eq!(whole(&reasons, 5), ("errors 4.2%".to_owned(), 2));
    }

    #[test]
    fn every_failing_lever_is_seen_at_80_columns() {
        let theme = Theme::new("plain", [Paint::default(); Role::ALL.len()]);
        let area = Rect::new(0, 0, 80, 1);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut facts = Facts::of(&Fleet::new(std::sync::Arc::default(), now));
        let failing = [
            "ARC 4/5",
            "STS 28/30",
            "R53 FAIL",
            "CF FAIL",
            "K8S 28/30",
            "RDS 28/30",
            "EC 28/30",
        ];
        facts.levers = vec![(Mark::Ok, "GA ok".to_owned())];
        facts
            .levers
            .extend(failing.map(|text| (Mark::Warn(false), text.to_owned())));
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, &theme, Look::default());
        levers(&mut canvas, &facts, area);
        let line: String = buffer
            .content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert!(failing.iter().all(|text| line.contains(text)), "{line}");
        assert!(line.contains("●GA"), "{line}");
    }
}
