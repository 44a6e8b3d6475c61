//! Everything about one row: its state and why, where it was read and when, all fields with their history, and the alarms that concern it.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    pane,
    paragraph::{Line, Part},
    spark, text,
};
use crate::{
    config::theme::Role,
    glyph::Mark,
    resources::{
        Fleet, Kind, Place, Resource, Source, age,
        cell::{Field, RowId, ShownRow, coarse_age},
        shown,
    },
    state::{Charts, Look, State},
};

/// From this width on, the fields stand in two columns.
const TWO_COLUMNS: u16 = 110;

/// Cells of a sparkline.
const SPARK: u16 = 20;

/// Draws the detail of a row from a line on.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, id: &RowId, scroll: u16, area: Rect) {
    let line = Rect { height: 1, ..area };
    canvas.rule(line);
    let title = title(id, canvas.look, area.width);
    canvas.put(area.x + 1, area.y, &title, area.width - 2, Role::Focus);
    let body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    super::paragraph::draw(canvas, &lines(state, id, area.width), scroll, body, 2);
}

/// Its title on a screen of this many columns.
pub fn title(id: &RowId, look: Look, screen: u16) -> String {
    let name = text::safe(&id.key, look);
    let room = usize::from(screen).saturating_sub(id.kind.title().len() + 8);
    let name = text::shorten(&name, room, look.ascii);
    format!(" {} {name} ", id.kind.title())
}

/// The lines of a row's detail on a screen of this many columns.
pub fn lines(state: &State, id: &RowId, screen: u16) -> Vec<Line> {
    let fleet = state.shown();
    let Some(row) = shown::find(fleet, id)
        .and_then(|row| shown::show(fleet, id.kind, &row).map(|shown| (row, shown)))
    else {
        let text = format!("{} no longer lists it in {}", id.source.name(), id.place);
        return vec![Vec::new(), vec![Part::text(0, &text, Role::Warn)]];
    };
    let (reference, shown) = row;
    let width = screen.saturating_sub(4);
    let sources = shown::sources(fleet, id.kind, &reference);
    let mut lines = origin(fleet, &shown, &sources, width, state.look);
    let fields = shown::detail(fleet, id.kind, &reference);
    lines.extend(in_columns(fleet, &shown, &fields, width, state.look));
    lines.extend(alarms(fleet, &shown, width, state.look));
    lines
}

/// State, reason, and where the values come from.
fn origin(
    fleet: &Fleet,
    row: &ShownRow,
    sources: &[(Source, Place)],
    width: u16,
    look: Look,
) -> Vec<Line> {
    let mark = pane::mark(row);
    let mut lines = vec![vec![Part::mark(0, mark)]];
    // A region lists all its reasons among its fields.
    let reason = row.judgement.reason.as_str();
    let reason = match row.id.kind {
        Kind::Regions => reason.split("; ").next().unwrap_or(reason),
        _ => reason,
    };
    let reason = text::safe(reason, look);
    for (index, piece) in text::wrap(&reason, usize::from(width.saturating_sub(9)))
        .iter()
        .enumerate()
    {
        match (index, lines.last_mut()) {
            (0, Some(line)) => line.push(Part::text(9, piece, Role::Text)),
            _ => lines.push(vec![Part::text(9, piece, Role::Text)]),
        }
    }
    for piece in text::wrap(
        &told(fleet, row, sources),
        usize::from(width.saturating_sub(9)),
    ) {
        lines.push(vec![Part::text(9, &piece, Role::Muted)]);
    }
    let statuses = sources.iter();
    let statuses = statuses.map(|(source, place)| fleet.status(*source, place));
    for error in statuses.flat_map(|status| status.error.into_iter().chain(status.problems)) {
        let sentence = format!("{error}: {}", error.advice());
        let sentence = text::safe(&sentence, look);
        for piece in text::wrap(&sentence, usize::from(width.saturating_sub(9))) {
            lines.push(vec![Part::text(9, &piece, Role::Warn)]);
        }
    }
    lines.push(Vec::new());
    lines
}

/// Places that are named one by one.
const NAMED: usize = 4;

/// From where a row is known, and when that was seen: `deployments in eu-west-1, seen 4s ago, in 12 ms`, `derived from deployments, metrics in …`.
fn told(fleet: &Fleet, row: &ShownRow, sources: &[(Source, Place)]) -> String {
    let seen = |at: Option<Timestamp>| {
        at.map_or_else(
            || "never seen".to_owned(),
            |at| match coarse_age(age(at, fleet.now)).as_str() {
                "now" => "seen just now".to_owned(),
                age => format!("seen {age} ago"),
            },
        )
    };
    let own = (row.id.source, &row.id.place);
    if matches!(sources, [(source, place)] if (*source, place) == own) {
        let took = fleet.status(own.0, own.1).took;
        let took = took.map_or(String::new(), |took| {
            format!(", in {} ms", took.as_millis())
        });
        return format!(
            "{} in {}, {}{took}",
            own.0.name(),
            own.1,
            seen(row.observed_at)
        );
    }
    let mut names: Vec<&str> = Vec::new();
    let mut places: Vec<String> = Vec::new();
    for (source, place) in sources {
        if !names.contains(&source.name()) {
            names.push(source.name());
        }
        if !places.contains(&place.to_string()) {
            places.push(place.to_string());
        }
    }
    let places = match places.len() {
        few if few <= NAMED => places.join(", "),
        many => format!("{many} regions"),
    };
    // What was never seen is older than everything.
    let times = sources.iter();
    let oldest = times.map(|(source, place)| fleet.status(*source, place).observed_at);
    let oldest = seen(oldest.min().flatten());
    format!(
        "derived from {} in {places}; the oldest {oldest}",
        names.join(", ")
    )
}

/// The fields in one column, or in two where there is room.
fn in_columns(
    fleet: &Fleet,
    row: &ShownRow,
    fields: &[Field],
    width: u16,
    look: Look,
) -> Vec<Line> {
    let longest = |fields: &[Field]| {
        let widths = fields
            .iter()
            .map(|field| text::width(&text::safe(&field.name, look)));
        widths.max().unwrap_or(0).min(22) as u16
    };
    let column = |fields: &[Field], width: u16| -> Vec<Line> {
        let names = longest(fields);
        fields
            .iter()
            .flat_map(|field| field_lines(fleet, row, field, names, width, look))
            .collect()
    };
    if width < TWO_COLUMNS || fields.len() < 4 {
        return column(fields, width);
    }
    let half = width / 2;
    let (left, right) = fields.split_at(fields.len().div_ceil(2));
    let (left, right) = (column(left, half - 2), column(right, width - half));
    (0..left.len().max(right.len()))
        .map(|index| {
            let mut line = left.get(index).cloned().unwrap_or_default();
            let right = right.get(index).into_iter().flatten();
            line.extend(right.map(|part| part.shifted(half)));
            line
        })
        .collect()
}

/// One field: name, value with its sign, history; a long value goes on below.
fn field_lines(
    fleet: &Fleet,
    row: &ShownRow,
    field: &Field,
    names: u16,
    width: u16,
    look: Look,
) -> Vec<Line> {
    let freshness = pane::freshness(row, &field.cell);
    let (sign, shown, role) = pane::appearance(&field.cell, freshness, look.ascii);
    // The last known value may be seen here, where its age stands beside it.
    let known = shown == "?" && field.cell.text != "?";
    let value = if known {
        format!("? (was {})", field.cell.text)
    } else {
        format!("{sign}{shown}")
    };
    let start = names + 2;
    let history = field
        .series
        .as_deref()
        .and_then(|key| history(fleet, &row.id.place, key, look));
    let safe = text::safe(&value, look);
    let room = width.saturating_sub(start).max(4);
    let mut lines: Vec<Line> = text::wrap(&safe, usize::from(room))
        .iter()
        .map(|piece| vec![Part::text(start, piece, role)])
        .collect();
    if let Some(first) = lines.first_mut() {
        first.insert(0, Part::named(0, &field.name, names, Role::Muted));
    }
    if let Some((drawn, axis)) = history {
        let after = start + (text::width(&safe) as u16).max(9) + 2;
        let needed = text::width(&drawn) as u16 + 2 + text::width(&axis) as u16;
        let at = if lines.len() == 1 && after + needed <= width {
            after
        } else {
            lines.push(Vec::new());
            start
        };
        if let Some(last) = lines.last_mut() {
            let axis_width = text::width(&axis) as u16;
            let room = width.saturating_sub(at + axis_width + 2);
            // The newest values are at the right: they stay when the room is short.
            let skip = text::width(&drawn).saturating_sub(usize::from(room));
            let drawn: String = drawn.chars().skip(skip).collect();
            last.push(Part::text(at, &drawn, Role::Accent));
            let behind = at + text::width(&drawn) as u16 + 2;
            last.push(Part::text(behind, &axis, Role::Muted));
        }
    }
    lines
}

/// A sparkline with its lowest and highest value and how far back it reaches.
fn history(fleet: &Fleet, place: &Place, key: &str, look: Look) -> Option<(String, String)> {
    let series = fleet.series(place, key)?;
    let charts = if look.ascii {
        Charts::Ascii
    } else {
        look.charts
    };
    let values = spark::history(series, fleet.now, spark::slots(SPARK, charts));
    let (low, high) = spark::range(&values)?;
    let span = coarse_age(spark::span(series, values.len()));
    let dots = if look.ascii { ".." } else { "…" };
    Some((
        spark::line(&values, charts),
        format!("{}{dots}{} in {span}", number(low), number(high)),
    ))
}

/// A number in the metric's own unit, to three digits.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.1}M", value / 1e6),
        size if size >= 1e4 => format!("{:.1}k", value / 1e3),
        size if size >= 100.0 || value.fract().abs() < f64::EPSILON => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The alarms that concern a row: all that are not OK for a region; for others those whose name or dimensions hold its name.
fn alarms(fleet: &Fleet, row: &ShownRow, width: u16, look: Look) -> Vec<Line> {
    let name = row.id.key.rsplit('/').next().unwrap_or_default();
    let related = fleet.alarms.rows().filter(|(_, place, alarm)| {
        if row.id.kind == Kind::Alarms
            || (row.id.place.region().is_some() && **place != row.id.place)
        {
            return false;
        }
        if row.id.kind == Kind::Regions {
            return alarm.state != "OK";
        }
        let named = alarm.name.contains(name);
        !name.is_empty() && (named || alarm.dimensions.iter().any(|(_, value)| value == name))
    });
    let mut found: Vec<(Mark, String)> = related
        .map(|(source, place, alarm)| {
            let judgement = alarm.judge(fleet, place);
            let mark = Mark::of(judgement.severity, fleet.freshness(source, place));
            let reason = alarm.reason.as_deref().unwrap_or_default();
            (mark, format!("{}  {}  {reason}", alarm.name, alarm.state))
        })
        .collect();
    if found.is_empty() {
        return Vec::new();
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut lines = vec![Vec::new(), vec![Part::text(0, "Alarms", Role::Title)]];
    for (mark, sentence) in found {
        let sentence = text::safe(&sentence, look);
        let sentence = text::cut(&sentence, usize::from(width.saturating_sub(9)), look.ascii);
        lines.push(vec![
            Part::mark(0, mark),
            Part::text(9, &sentence, Role::Text),
        ]);
    }
    lines
}
