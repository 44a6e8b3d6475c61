//! What leaves the screen: the title of the window, links, and the screen as plain text or as a buffer for pictures. Pure.

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
};

use super::{canvas::Canvas, detail, dialog, draw, kept::Kept, layout, pages, paragraph, text};
use crate::{
    config::theme::Theme,
    state::{Dialog, Mode, Screen, State},
};

/// Columns of a page that is read elsewhere.
const READING: u16 = 100;

/// A link on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its first column.
    pub x: u16,
    /// Its row.
    pub y: u16,
    /// Where it leads.
    pub url: String,
}

/// How bad it is, and where, in the words of a window title.
pub fn window_title(state: &State) -> String {
    let facts = state.facts.current(state.shown());
    let worst = facts.worst();
    let mode = match state.mode {
        Mode::Live => "",
        Mode::Sim { .. } => " SIM",
        Mode::Replay => " REPLAY",
    };
    let title = format!(
        "{} {} {}{mode} pilothouse",
        worst.glyph(state.look.ascii),
        worst.word(),
        state.shown().estate.environment
    );
    text::safe(&title, state.look).into_owned()
}

/// The screen as it is now.
pub fn buffer(state: &State, theme: &Theme) -> Buffer {
    let (width, height) = state.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let mut canvas = Canvas::new(&mut buffer, theme, state.look);
    draw(state, &mut canvas, &mut Kept::default());
    buffer
}

/// The links of the screen, with the cells that they cover: the title of a detail leads to the AWS console.
pub fn links(state: &State, buffer: &Buffer) -> Vec<(Link, Vec<Cell>)> {
    let Screen::Detail(id, _) = &state.screen else {
        return Vec::new();
    };
    if state.look.privacy || !state.dialogs.is_empty() || layout::too_small(state.size) {
        return Vec::new();
    }
    let Some(url) = state.arn(id).and_then(|arn| console(&arn)) else {
        return Vec::new();
    };
    let facts = state.facts.current(state.shown());
    let body = layout::of(state.size, state.needs(&facts)).body;
    let title = detail::title(id, state.look, body.width);
    let (x, y) = (body.x + 2, body.y);
    let cells = (x..x + text::width(title.trim()) as u16)
        .filter_map(|x| buffer.cell((x, y)).cloned())
        .collect();
    vec![(Link { x, y, url }, cells)]
}

/// The page of the AWS console about a resource. The ARN goes into an escape sequence, so only what belongs into one is let through.
fn console(arn: &str) -> Option<String> {
    let host = match arn.split(':').nth(1)? {
        "aws" => "console.aws.amazon.com",
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => return None,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=,@~*".contains(c);
    arn.chars()
        .all(plain)
        .then(|| format!("https://{host}/go/view?arn={arn}"))
}

/// What is in front as plain text, with its title: the topmost text, a detail or a page. `None` where panes are.
pub fn plain(state: &State) -> Option<(String, String)> {
    let (title, lines) = match (state.dialogs.last(), &state.screen) {
        (Some(dialog @ Dialog::Text { title, .. }), _) => {
            (title.clone(), dialog::lines(state, dialog, (READING, 60)))
        }
        (_, Screen::Detail(id, _)) => (
            format!("{} {}", id.kind.title(), id.key),
            detail::lines(state, id, READING),
        ),
        (_, Screen::Page(page, _)) => {
            (page.title().to_owned(), pages::lines(state, *page, READING))
        }
        (_, Screen::Home | Screen::Zoom(_)) => return None,
    };
    let title = text::safe(&title, state.look).into_owned();
    Some((title, paragraph::plain(&lines, state.look)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_into_an_arn_becomes_a_link() {
        let arn = "arn:aws:rds:eu-west-1:123456789012:cluster:orders";
        assert_eq!(
            console(arn),
            Some(format!("https://console.aws.amazon.com/go/view?arn={arn}"))
        );
        assert_eq!(console("arn:aws:x:\u{1b}\\owned"), None);
        assert_eq!(console("arn:elsewhere:x"), None);
        assert_eq!(console("orders"), None);
    }
}
