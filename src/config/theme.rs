//! Colours by meaning. Owns the roles; the file format is read in `config`, the terminal's colours are applied in `ui`.

use serde::{Deserialize, Serialize};

/// A colour of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Colour {
    /// The terminal's own; no colour command is sent for it (product section 5, NO_COLOR).
    #[default]
    Reset,
    /// One of the 16 ANSI colours.
    Ansi(u8),
    /// One of the 256.
    Indexed(u8),
    /// True colour.
    Rgb(u8, u8, u8),
}

/// How something is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paint {
    /// Foreground.
    pub fg: Colour,
    /// Background.
    pub bg: Colour,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Reverse video.
    pub reverse: bool,
    /// Underlined.
    pub underline: bool,
}

macro_rules! roles {
    ($($variant:ident, $name:literal, $doc:literal;)*) => {
        /// What a colour means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Role { $(#[doc = $doc] $variant,)* }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$variant,)*];

            /// Its name in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Role::$variant => $name,)* }
            }
        }
    };
}

roles! {
    Text, "text", "Ordinary text.";
    Muted, "muted", "Less important text: units, hints.";
    Title, "title", "Pane titles and column heads.";
    Border, "border", "Frames.";
    Focus, "focus", "Title and frame of the focused pane.";
    Selection, "selection", "The selected row; must reverse or carry its own background.";
    Accent, "accent", "Keys in hints, matches, the prompt.";
    Ok, "ok", "Fine.";
    Warn, "warn", "Degraded.";
    Bad, "bad", "Broken.";
    Unknown, "unknown", "Not known.";
    Stale, "stale", "Seen, but long ago.";
    Banner, "banner", "The top line.";
    Danger, "danger", "ARMED, and everything that writes.";
    Simulated, "simulated", "SIM and REPLAY, so that they are never taken for LIVE.";
}

/// The terminal background that a theme is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Dark terminals.
    #[default]
    Black,
    /// Light terminals.
    White,
    /// Both.
    Any,
}

/// A theme: a paint for each role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// The background that it is made for.
    pub background: Background,
    paints: [Paint; Role::ALL.len()],
}

impl Theme {
    /// A theme from a paint per role, in the order of `Role::ALL`.
    pub fn new(name: impl Into<String>, paints: [Paint; Role::ALL.len()]) -> Self {
        Self {
            name: name.into(),
            background: Background::default(),
            paints,
        }
    }

    /// The paint of a role.
    pub fn paint(&self, role: Role) -> Paint {
        self.paints[role as usize]
    }

    /// Paints a role in another way.
    pub fn set(&mut self, role: Role, paint: Paint) {
        self.paints[role as usize] = paint;
    }
}
