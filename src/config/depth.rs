//! How many colours a terminal has, and what becomes of a theme there. Owns the mapping and the contrast measure; never talks to a terminal.

use super::theme::{Background, Colour, Paint, Role, Theme};

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: glyphs, words, bold, underline and reverse video only. No colour command is ever sent.
    Mono,
    /// The 16 ANSI colours.
    Ansi16,
    /// 256.
    Indexed,
    /// 24 bits.
    True,
}

/// What the user wants: `--color`, or `color` under `[console]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// What the terminal says it can, unless NO_COLOR is set.
    #[default]
    Auto,
    /// What the terminal says it can, at least 16; also with NO_COLOR.
    Always,
    /// The 16 ANSI colours.
    Ansi16,
    /// None.
    Mono,
}

impl ColorChoice {
    /// The words of the configuration and of `--color`.
    pub const CHOICES: &'static [(&'static str, ColorChoice)] = &[
        ("auto", Self::Auto),
        ("always", Self::Always),
        ("16", Self::Ansi16),
        ("mono", Self::Mono),
    ];
}

/// The contrast that every role of an embedded theme reaches (WCAG 2, level AA for text).
pub const LEAST_CONTRAST: f64 = 4.5;

impl Depth {
    /// What the terminal can show, by what the environment says about it, limited by the user's choice.
    pub fn detect(choice: ColorChoice, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let can = match variable("COLORTERM").as_deref() {
            Some("truecolor" | "24bit") => Self::True,
            _ if term.ends_with("-direct") => Self::True,
            _ if term.contains("256color") => Self::Indexed,
            _ if term == "dumb" => Self::Mono,
            _ => Self::Ansi16,
        };
        match choice {
            ColorChoice::Mono => Self::Mono,
            ColorChoice::Ansi16 => Self::Ansi16,
            ColorChoice::Always => can.max(Self::Ansi16),
            ColorChoice::Auto if no_color => Self::Mono,
            ColorChoice::Auto => can,
        }
    }
}

impl Theme {
    /// The theme as a terminal of this depth can show it. A paint that would become illegible gives up its colour, never its flags.
    #[must_use]
    pub fn reduce(&self, depth: Depth) -> Theme {
        let mut reduced = self.clone();
        for &role in Role::ALL {
            let paint = self.paint(role);
            reduced.set(role, reduce(paint, depth, self.background));
        }
        reduced
    }
}

fn reduce(paint: Paint, depth: Depth, background: Background) -> Paint {
    let reduced = Paint {
        fg: nearest(paint.fg, depth),
        bg: nearest(paint.bg, depth),
        ..paint
    };
    let legible = contrast(reduced, background).is_none_or(|ratio| ratio >= LEAST_CONTRAST);
    if reduced == paint || legible && depth != Depth::Mono {
        return reduced;
    }
    Paint {
        fg: Colour::Reset,
        bg: Colour::Reset,
        // A background is a mark of its own; reverse video keeps it one.
        reverse: paint.reverse || paint.bg != Colour::Reset,
        ..paint
    }
}

fn nearest(colour: Colour, depth: Depth) -> Colour {
    let rank = match colour {
        Colour::Reset => return colour,
        Colour::Ansi(_) => Depth::Ansi16,
        Colour::Indexed(_) => Depth::Indexed,
        Colour::Rgb(..) => Depth::True,
    };
    if rank <= depth {
        return colour;
    }
    let Some(rgb) = rgb(colour) else {
        return colour;
    };
    let among = |indices: std::ops::RangeInclusive<u8>| {
        indices.min_by_key(|index| distance(rgb, indexed(*index)))
    };
    match depth {
        Depth::Mono => Colour::Reset,
        // What has a hue keeps it: among so few, a grey may lie nearer, and would say nothing.
        Depth::Ansi16 => match hue(rgb) {
            None => among(0..=15).map_or(Colour::Reset, Colour::Ansi),
            Some(wanted) => (0..=15)
                .filter_map(|index| Some((index, hue(indexed(index))?)))
                .min_by_key(|(index, hue)| {
                    let gap = wanted.abs_diff(*hue);
                    (gap.min(360 - gap), distance(rgb, indexed(*index)))
                })
                .map_or(Colour::Reset, |(index, _)| Colour::Ansi(index)),
        },
        // The first 16 of the 256 are the user's own and may be anything.
        Depth::Indexed => among(16..=255).map_or(Colour::Reset, Colour::Indexed),
        Depth::True => colour,
    }
}

type Rgb = (u8, u8, u8);

/// The 16 ANSI colours as xterm shows them by default.
const XTERM: [Rgb; 16] = [
    (0x00, 0x00, 0x00),
    (0xcd, 0x00, 0x00),
    (0x00, 0xcd, 0x00),
    (0xcd, 0xcd, 0x00),
    (0x00, 0x00, 0xee),
    (0xcd, 0x00, 0xcd),
    (0x00, 0xcd, 0xcd),
    (0xe5, 0xe5, 0xe5),
    (0x7f, 0x7f, 0x7f),
    (0xff, 0x00, 0x00),
    (0x00, 0xff, 0x00),
    (0xff, 0xff, 0x00),
    (0x5c, 0x5c, 0xff),
    (0xff, 0x00, 0xff),
    (0x00, 0xff, 0xff),
    (0xff, 0xff, 0xff),
];

/// The red, green and blue of a colour in xterm's default palette; `None` for the terminal's own.
pub fn rgb(colour: Colour) -> Option<Rgb> {
    match colour {
        Colour::Reset => None,
        Colour::Ansi(index) => Some(XTERM[usize::from(index % 16)]),
        Colour::Indexed(index) => Some(indexed(index)),
        Colour::Rgb(r, g, b) => Some((r, g, b)),
    }
}

fn indexed(index: u8) -> Rgb {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..=15 => XTERM[usize::from(index)],
        16..=231 => {
            let cube = index - 16;
            let step = |divisor: u8| STEPS[usize::from(cube / divisor % 6)];
            (step(36), step(6), step(1))
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// The hue of a colour in degrees; none of a grey, or of what comes close to one.
fn hue((r, g, b): Rgb) -> Option<u16> {
    let [r, g, b] = [r, g, b].map(i32::from);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let range = most - least;
    if range <= 80 {
        return None;
    }
    let degrees = match most {
        most if most == r => 60 * (g - b) / range,
        most if most == g => 120 + 60 * (b - r) / range,
        _ => 240 + 60 * (r - g) / range,
    };
    u16::try_from(degrees.rem_euclid(360)).ok()
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    let part = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    // Weighted as the eye does: green counts most, blue least.
    2 * part(a.0, b.0) + 4 * part(a.1, b.1) + part(a.2, b.2)
}

/// The contrast ratio of two colours, 1 to 21 (WCAG 2).
pub fn ratio(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((r, g, b): Rgb) -> f64 {
    let part = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
}

/// The least contrast of a paint on the backgrounds that its theme states; `None` where both colours are the terminal's own.
pub fn contrast(paint: Paint, background: Background) -> Option<f64> {
    const BLACK: Rgb = (0, 0, 0);
    const WHITE: Rgb = (255, 255, 255);
    if paint.fg == Colour::Reset && paint.bg == Colour::Reset {
        return None;
    }
    let on = |own_fg: Rgb, own_bg: Rgb| {
        ratio(
            rgb(paint.fg).unwrap_or(own_fg),
            rgb(paint.bg).unwrap_or(own_bg),
        )
    };
    let (dark, light) = (on(XTERM[7], BLACK), on(BLACK, WHITE));
    Some(match background {
        Background::Black => dark,
        Background::White => light,
        Background::Any => dark.min(light),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(choice: ColorChoice, environment: &[(&str, &str)]) -> Depth {
        Depth::detect(choice, &|name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((ratio((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
        // #767676 on white is the textbook example of a grey that just passes.
        assert!((ratio((0x76, 0x76, 0x76), (255, 255, 255)) - 4.54).abs() < 0.01);
    }

    #[test]
    fn the_environment_decides_and_the_user_overrules() {
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(detect(ColorChoice::Auto, &[xterm]), Depth::Indexed);
        assert_eq!(
            detect(ColorChoice::Auto, &[xterm, ("COLORTERM", "truecolor")]),
            Depth::True
        );
        assert_eq!(
            detect(ColorChoice::Auto, &[xterm, ("NO_COLOR", "1")]),
            Depth::Mono
        );
        assert_eq!(
            detect(ColorChoice::Auto, &[xterm, ("NO_COLOR", "")]),
            Depth::Indexed
        );
        assert_eq!(
            detect(ColorChoice::Always, &[xterm, ("NO_COLOR", "1")]),
            Depth::Indexed
        );
        assert_eq!(detect(ColorChoice::Ansi16, &[xterm]), Depth::Ansi16);
        assert_eq!(detect(ColorChoice::Auto, &[("TERM", "dumb")]), Depth::Mono);
        assert_eq!(
            detect(ColorChoice::Always, &[("TERM", "dumb")]),
            Depth::Ansi16
        );
        assert_eq!(
            detect(ColorChoice::Auto, &[("TERM", "linux")]),
            Depth::Ansi16
        );
    }

    #[test]
    fn a_paint_that_would_become_illegible_gives_up_its_colours() {
        let grey = Paint {
            fg: Colour::Rgb(0x80, 0x80, 0x80),
            bg: Colour::Rgb(0x10, 0x10, 0x10),
            bold: true,
            ..Paint::default()
        };
        let reduced = reduce(grey, Depth::Ansi16, Background::Black);
        assert_eq!(
            contrast(grey, Background::Black).map(|c| c >= 4.5),
            Some(true)
        );
        // Its nearest ANSI grey on black still passes ...
        assert_eq!((reduced.fg, reduced.bg), (Colour::Ansi(8), Colour::Ansi(0)));
        // ... but dark red's nearest ANSI colour does not.
        let red = Paint {
            fg: Colour::Rgb(0xd8, 0x30, 0x20),
            ..Paint::default()
        };
        let reduced = reduce(red, Depth::Ansi16, Background::Black);
        assert_eq!(reduced.fg, Colour::Reset);
        assert!(reduce(grey, Depth::Mono, Background::Black).reverse);
        assert!(reduce(grey, Depth::Mono, Background::Black).bold);
    }

    #[test]
    fn the_cube_and_the_greys_are_those_of_xterm() {
        assert_eq!(indexed(16), (0, 0, 0));
        assert_eq!(indexed(208), (255, 135, 0));
        assert_eq!(indexed(231), (255, 255, 255));
        assert_eq!(indexed(232), (8, 8, 8));
        assert_eq!(indexed(255), (238, 238, 238));
    }
}
