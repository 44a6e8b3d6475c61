//! `[console]`: how the console looks and starts. Owns these settings; applies none of them.

use super::{
    depth::ColorChoice,
    document::{Found, Section, pick},
    reference,
};
use crate::resources::Kind;

/// Which glyphs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Unicode where the locale and the terminal allow it.
    #[default]
    Auto,
    /// Unicode.
    Unicode,
    /// ASCII.
    Ascii,
}

impl Glyphs {
    /// The words of the configuration.
    pub const CHOICES: &'static [(&'static str, Glyphs)] = &[
        ("auto", Self::Auto),
        ("unicode", Self::Unicode),
        ("ascii", Self::Ascii),
    ];

    /// Whether only ASCII may be drawn, by the locale and the terminal where the user has not decided.
    pub fn ascii(self, variable: &dyn Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::Ascii => true,
            Self::Unicode => false,
            Self::Auto => {
                // The first of these that is set decides, as in the C library.
                let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
                    .into_iter()
                    .filter_map(variable)
                    .find(|value| !value.is_empty())
                    .unwrap_or_default()
                    .to_lowercase();
                let utf8 = locale.contains("utf-8") || locale.contains("utf8");
                let term = variable("TERM").unwrap_or_default();
                // The Linux console has no font for braille and little else.
                !utf8 || term == "linux" || term == "dumb"
            }
        }
    }
}

/// How somebody who looks elsewhere is told that they are needed: a region turned BAD, a run stopped or ended, credentials run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alerts {
    /// Not at all.
    Off,
    /// By the bell.
    Bell,
    /// By the bell, and by a notification where the terminal has them (OSC 9).
    #[default]
    Notify,
}

impl Alerts {
    /// The words of the configuration.
    pub const CHOICES: &'static [(&'static str, Alerts)] = &[
        ("off", Self::Off),
        ("bell", Self::Bell),
        ("notify", Self::Notify),
    ];
}

/// How the console looks and starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Name of the theme; default `dark`.
    pub theme: String,
    /// Name of the keymap; default `default`.
    pub keymap: String,
    /// Which glyphs are drawn.
    pub glyphs: Glyphs,
    /// How many colours.
    pub color: ColorChoice,
    /// Whether the mouse is captured; off by default, so that the terminal's own selection works.
    pub mouse: bool,
    /// Whether the title of the terminal says how bad it is.
    pub title: bool,
    /// How somebody who looks elsewhere is told.
    pub alerts: Alerts,
    /// Whether names are links to the AWS console (OSC 8); off by default, because not every terminal leaves them alone.
    pub links: bool,
    /// The pane that fills the screen at the start; `None` is home.
    pub start: Option<Kind>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: "dark".to_owned(),
            keymap: "default".to_owned(),
            glyphs: Glyphs::default(),
            color: ColorChoice::default(),
            mouse: false,
            title: true,
            alerts: Alerts::default(),
            links: false,
            start: None,
        }
    }
}

/// The settings of a file, and where it names a theme and a keymap, so that a missing one is reported there.
#[derive(Debug, Default)]
pub struct Read<'d> {
    /// The settings.
    pub settings: Settings,
    /// Where the theme is named.
    pub theme: Option<Found<&'d str>>,
    /// Where the keymap is named.
    pub keymap: Option<Found<&'d str>>,
}

/// The words for `start`: home, or a pane.
pub fn starts() -> Vec<(&'static str, Option<Kind>)> {
    let panes = Kind::ALL.iter().map(|kind| (kind.name(), Some(*kind)));
    [("home", None)].into_iter().chain(panes).collect()
}

/// Reads `[console]`.
pub fn read(mut section: Section<'_>) -> Read<'_> {
    let mut settings = Settings::default();
    let theme = section.text("theme");
    let keymap = section.text("keymap");
    if let Some(found) = &theme {
        found.value.clone_into(&mut settings.theme);
    }
    if let Some(found) = &keymap {
        found.value.clone_into(&mut settings.keymap);
    }
    settings.glyphs = section
        .choice("glyphs", Glyphs::CHOICES)
        .unwrap_or_default();
    settings.color = section
        .choice("color", ColorChoice::CHOICES)
        .unwrap_or_default();
    settings.mouse = section.boolean("mouse").unwrap_or_default();
    settings.title = section.boolean("title").unwrap_or(true);
    settings.alerts = section
        .choice("alerts", Alerts::CHOICES)
        .unwrap_or_default();
    settings.links = section.boolean("links").unwrap_or_default();
    let report = section.report();
    if let Some(found) = section.text("start") {
        settings.start = pick(report, &found, "`start`", &starts()).flatten();
    }
    section.finish(&reference::place_of);
    Read {
        settings,
        theme,
        keymap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascii(glyphs: Glyphs, environment: &[(&str, &str)]) -> bool {
        glyphs.ascii(&|name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_locale_decides_about_glyphs_and_the_user_overrules() {
        let utf8 = [("LANG", "de_DE.UTF-8"), ("TERM", "xterm")];
        assert!(!ascii(Glyphs::Auto, &utf8));
        assert!(ascii(Glyphs::Ascii, &utf8));
        assert!(ascii(Glyphs::Auto, &[("LC_ALL", "C"), utf8[0]]));
        assert!(ascii(Glyphs::Auto, &[utf8[0], ("TERM", "linux")]));
        assert!(ascii(Glyphs::Auto, &[]));
        assert!(!ascii(Glyphs::Unicode, &[]));
    }
}
