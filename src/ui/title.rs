//! The title line of a pane, and what it says when it has no rows. Owns how failing, partial and waiting sources are told.

use std::{collections::BTreeSet, time::Duration};

use ratatui::layout::Rect;

use super::{canvas::Canvas, layout, text};
use crate::{
    command::Command,
    config::theme::Role,
    resources::{Fleet, Kind, ProviderError, Source, age, cell::coarse_age, shown},
    state::{Pane, State},
};

/// What the sources of a kind say of themselves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health<'a> {
    /// Places asked by any source.
    pub asked: usize,
    /// Of these, those that have answered at least once.
    pub answered: usize,
    /// Rows held.
    pub rows: usize,
    /// Failing reads: where, why, and for how long; `None` when there never was a good one.
    pub failing: Vec<(String, &'a ProviderError, Option<Duration>)>,
    /// Parts missing from good answers.
    pub partial: Vec<(String, &'a ProviderError)>,
}

impl<'a> Health<'a> {
    /// The health of the sources of a kind.
    pub fn of(fleet: &'a Fleet, kind: Kind) -> Self {
        let mut health = Self::default();
        let told = kind.told_by();
        for &source in Source::ALL.iter().filter(|source| source.kind() == told) {
            for place in fleet.estate.places(source) {
                let status = fleet.status(source, &place);
                health.asked += 1;
                health.answered += usize::from(status.observed_at.is_some());
                health.rows += status.rows;
                if let Some(error) = status.error {
                    let since = status.observed_at.map(|at| age(at, fleet.now));
                    health.failing.push((place.to_string(), error, since));
                } else if let Some(problem) = status.problems.first() {
                    health.partial.push((place.to_string(), problem));
                }
            }
        }
        if told != kind {
            health.rows = shown::all(fleet, kind).len();
        }
        health
    }

    /// A phrase for the title, from long to short: what fails, else what is partial or awaited.
    fn phrases(&self) -> Option<(Vec<String>, Role)> {
        // Several reads of one place fail together: places are counted, not reads.
        let others =
            |places: &mut dyn Iterator<Item = &String>| match places.collect::<BTreeSet<_>>().len()
            {
                0..=1 => String::new(),
                count => format!(" +{}", count - 1),
            };
        if let Some((place, error, since)) = self.failing.first() {
            let word = error.class.word();
            let more = others(&mut self.failing.iter().map(|(place, ..)| place));
            let since = since.map_or_else(|| "never seen".to_owned(), coarse_age);
            let label = place.rsplit(' ').next().unwrap_or(place);
            let short = text::region(label, 6, true);
            let phrases = [
                format!("{place} {word} {since}{more}"),
                format!("{short} {word} {since}{more}"),
                format!("{short} {word}{more}"),
                format!("{word}{more}"),
                format!("{} fail", self.failing.len()),
            ];
            return Some((phrases.to_vec(), Role::Warn));
        }
        if let Some((place, error)) = self.partial.first() {
            let word = error.class.word();
            let more = others(&mut self.partial.iter().map(|(place, _)| place));
            let phrases = [
                format!("{place} partial: {word}{more}"),
                format!("{place} partial{more}"),
                format!("partial{more}"),
            ];
            return Some((phrases.to_vec(), Role::Warn));
        }
        let waiting = self.answered < self.asked && self.answered > 0;
        waiting.then(|| {
            let phrase = format!("{} of {} answered", self.answered, self.asked);
            (vec![phrase], Role::Muted)
        })
    }
}

/// Draws the title line: key, name, count, filter; at the right what fails and what lies beyond the edge.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &State,
    kind: Kind,
    pane: &Pane,
    area: Rect,
    focused: bool,
) {
    let line = Rect { height: 1, ..area };
    canvas.rule(line);
    let health = Health::of(state.shown(), kind);
    let role = if focused { Role::Focus } else { Role::Title };
    let name = match key(state, kind) {
        Some(key) => format!(" {key} {} ", kind.title()),
        None => format!(" {} ", kind.title()),
    };
    let mut x = line.x + 1;
    x += canvas.put(x, line.y, &name, line.width.saturating_sub(2), role);
    let room = |x: u16| line.right().saturating_sub(x + 1);
    let (shown, all) = (pane.order.len(), health.rows);
    let (count, role) = if health.answered == 0 && all == 0 {
        // Nobody has counted yet: no number is better than a wrong one.
        (String::new(), Role::Muted)
    } else if pane.filter.is_empty() {
        (format!(" {shown} "), Role::Muted)
    } else {
        let filter = text::safe(&pane.filter, canvas.look);
        let filter = text::shorten(&filter, 24, canvas.look.ascii);
        (format!(" /{filter} ({shown} of {all}) "), Role::Accent)
    };
    x += canvas.put(x, line.y, &count, room(x), role);
    let mut right = line.right().saturating_sub(1);
    if let Some(position) = position(pane, area, focused) {
        right = canvas.put_right(x, right, line.y, &format!(" {position} "), Role::Muted);
        right = right.saturating_sub(1);
    }
    if let Some((phrases, role)) = health.phrases() {
        let room = usize::from(right.saturating_sub(x + 3));
        let fitting = phrases
            .iter()
            .map(|phrase| text::safe(phrase, canvas.look))
            .find(|phrase| text::width(phrase) <= room);
        if let Some(phrase) = fitting {
            canvas.put_right(x, right, line.y, &format!(" {phrase} "), role);
        }
    }
}

/// The key that goes to a pane.
fn key(state: &State, kind: Kind) -> Option<String> {
    let goes =
        |command: Command, argument: &str| command == Command::Pane && argument == kind.name();
    state
        .keymap
        .iter()
        .filter(|(_, _, invocation)| goes(invocation.command, &invocation.argument))
        .map(|(_, key, _)| key.to_string())
        .min_by_key(String::len)
}

/// Where the rows on screen lie among all of them.
fn position(pane: &Pane, area: Rect, focused: bool) -> Option<String> {
    let (rows, count) = (layout::rows_in(area), pane.order.len());
    if count <= rows {
        return None;
    }
    let first = layout::first_row(count, pane.cursor, rows);
    if focused {
        Some(format!("{}/{count}", pane.cursor + 1))
    } else if first == 0 {
        let word = if area.width < 60 { "" } else { " more" };
        Some(format!("+{}{word}", count - rows))
    } else {
        Some(format!("{}-{}/{count}", first + 1, first + rows))
    }
}

/// What a pane without rows says: nobody asked, no answer yet, it failed, nothing is there, or the filter hides all.
pub fn nothing(canvas: &mut Canvas<'_>, state: &State, kind: Kind, pane: &Pane, area: Rect) {
    let health = Health::of(state.shown(), kind);
    let (headline, role, more) = if health.asked == 0 {
        (
            "not configured in this estate".to_owned(),
            Role::Muted,
            None,
        )
    } else if !pane.filter.is_empty() && health.rows > 0 {
        (
            format!("no row matches /{}", pane.filter),
            Role::Muted,
            None,
        )
    } else if let Some((place, error, _)) = health.failing.first() {
        let headline = format!("no data: {place} {error}");
        (headline, Role::Bad, Some(error.advice()))
    } else if health.answered < health.asked {
        let text = format!(
            "waiting for an answer ({} of {})",
            health.answered, health.asked
        );
        (text, Role::Muted, None)
    } else {
        ("none found".to_owned(), Role::Muted, None)
    };
    let x = area.x + 2;
    let room = area.width.saturating_sub(3);
    if area.height > 0 {
        canvas.say(x, area.y, &headline, room, role);
    }
    if let (Some(advice), 2..) = (more, area.height) {
        canvas.say(x, area.y + 1, advice, room, Role::Muted);
    }
}
