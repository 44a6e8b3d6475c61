//! The file format of themes: `[palette]` names colours, `[roles]` paints them, `inherits` builds on another theme. Owns nothing that is drawn.

use std::collections::BTreeMap;

use toml::{Spanned, de::DeValue};

use super::{
    document::{Document, Found, Section},
    library::{Library, Shelf, Text},
    problem::{Problem, Report, nearest, sorted},
    theme::{Background, Colour, Paint, Role, Theme},
    value::text_of,
};

const BACKGROUNDS: &[(&str, Background)] = &[
    ("black", Background::Black),
    ("white", Background::White),
    ("any", Background::Any),
];

/// The names of the 16 ANSI colours in theme files, in their order.
const ANSI: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// A theme by name, the user's own first.
pub fn load(library: &Library, name: &str) -> Result<Theme, Vec<Problem>> {
    let mut problems = Vec::new();
    let lineage = library.lineage(Shelf::Themes, name, &mut problems);
    build(name, &lineage, problems)
}

/// A theme from its text; what it inherits from comes from the library.
pub fn parse(library: &Library, text: Text) -> Result<Theme, Vec<Problem>> {
    let mut problems = Vec::new();
    let name = text.name.clone();
    let lineage = library.lineage_of(Shelf::Themes, text, &mut problems);
    build(&name, &lineage, problems)
}

/// What the files read so far say.
#[derive(Default)]
struct Draft {
    background: Background,
    palette: BTreeMap<String, Colour>,
    paints: BTreeMap<&'static str, Paint>,
}

fn build(name: &str, lineage: &[Text], mut problems: Vec<Problem>) -> Result<Theme, Vec<Problem>> {
    let mut draft = Draft::default();
    for text in lineage {
        let report = Report::new(&text.file, &text.text);
        let document = Document::parse(&text.text, &report);
        draft.read(document.root(&report));
        problems.extend(report.into_problems());
    }
    let mut theme = Theme::new(name, [Paint::default(); Role::ALL.len()]);
    theme.background = draft.background;
    let mut missing = Vec::new();
    for &role in Role::ALL {
        match draft.paints.get(role.name()) {
            Some(paint) => theme.set(role, *paint),
            None => missing.push(role.name()),
        }
    }
    // With other problems in the way, a role may only seem to be missing.
    if problems.is_empty() && !missing.is_empty() {
        let file = lineage.last().map_or(name, |text| &text.file);
        let text = format!(
            "paints no {}; add it under [roles], or inherit from a theme that does",
            missing.join(", ")
        );
        problems.push(Problem::general(file, text));
    }
    if problems.is_empty() {
        Ok(theme)
    } else {
        Err(sorted(problems))
    }
}

impl Draft {
    fn read(&mut self, mut root: Section<'_>) {
        // The library follows it; here it only has to be known.
        let _ = root.text("inherits");
        if let Some(background) = root.choice("background", BACKGROUNDS) {
            self.background = background;
        }
        if let Some(palette) = root.table("palette") {
            self.read_palette(palette);
        }
        if let Some(roles) = root.table("roles") {
            self.read_roles(roles);
        }
        root.finish(&|key| {
            let role = Role::ALL.iter().any(|role| role.name() == key);
            role.then_some("in [roles]")
        });
    }

    fn read_palette(&mut self, palette: Section<'_>) {
        let report = palette.report();
        for (name, colour) in palette.text_entries() {
            let known = ["default"]
                .iter()
                .chain(&ANSI)
                .any(|known| *known == name.value);
            if known {
                let text = format!("`{}` is a colour already; choose another name", name.value);
                report.at(&name.span, text);
            } else if let Some(colour) = self.colour(report, &colour) {
                self.palette.insert(name.value.to_owned(), colour);
            }
        }
    }

    fn read_roles(&mut self, roles: Section<'_>) {
        let report = roles.report();
        for (name, value) in roles.entries() {
            let known = Role::ALL.iter().map(|role| role.name());
            let Some(role) = known.clone().find(|known| *known == name.value) else {
                let text = format!("there is no role `{}`", name.value);
                report.suggest(&name.span, text, nearest(name.value, known));
                continue;
            };
            let Some(paint) = self.paint(report, value) else {
                continue;
            };
            if role == Role::Selection.name() && !paint.reverse && paint.bg == Colour::Reset {
                let text = "the selection must be seen without colours too: add `reverse = true` or a `bg`";
                report.at(&value.span(), text);
            }
            self.paints.insert(role, paint);
        }
    }

    /// A colour alone is the foreground; a table says everything.
    fn paint<'d>(&self, report: &'d Report<'d>, value: &'d Spanned<DeValue<'d>>) -> Option<Paint> {
        if let Some(found) = text_of(value) {
            let fg = self.colour(report, &found)?;
            return Some(Paint {
                fg,
                ..Paint::default()
            });
        }
        let Some(table) = value.get_ref().as_table() else {
            let text =
                "a role is a colour in quotes, or a table like { fg = \"red\", bold = true }";
            report.at(&value.span(), text);
            return None;
        };
        let mut section = Section::new("roles", table, value.span(), report);
        let fg = section.text("fg");
        let bg = section.text("bg");
        let paint = Paint {
            fg: fg
                .and_then(|found| self.colour(report, &found))
                .unwrap_or_default(),
            bg: bg
                .and_then(|found| self.colour(report, &found))
                .unwrap_or_default(),
            bold: section.boolean("bold").unwrap_or_default(),
            dim: section.boolean("dim").unwrap_or_default(),
            reverse: section.boolean("reverse").unwrap_or_default(),
            underline: section.boolean("underline").unwrap_or_default(),
        };
        section.finish(&|_| None);
        Some(paint)
    }

    fn colour(&self, report: &Report<'_>, found: &Found<&str>) -> Option<Colour> {
        let colour = named(found.value).or_else(|| self.palette.get(found.value).copied());
        if colour.is_none() {
            let known = ["default"].into_iter().chain(ANSI);
            let known = known.chain(self.palette.keys().map(String::as_str));
            let text = format!(
                "`{}` is no colour; write `default`, an ANSI name like `bright-red`, 0 to 255 like `208`, `#rrggbb`, or a name of [palette]",
                found.value
            );
            report.suggest(&found.span, text, nearest(found.value, known));
        }
        colour
    }
}

fn named(text: &str) -> Option<Colour> {
    if text == "default" {
        return Some(Colour::Reset);
    }
    if let Some(index) = (0_u8..).zip(ANSI).find(|(_, name)| *name == text) {
        return Some(Colour::Ansi(index.0));
    }
    if let Some(hex) = text.strip_prefix('#') {
        let digits = hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(hex, 16).ok().filter(|_| digits)?;
        let [_, r, g, b] = number.to_be_bytes();
        return Some(Colour::Rgb(r, g, b));
    }
    text.parse().ok().map(Colour::Indexed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Theme, Vec<String>> {
        let text = Text {
            name: "mine".to_owned(),
            file: "mine.toml".to_owned(),
            text: text.to_owned(),
        };
        parse(&Library::default(), text)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_theme_builds_on_another() {
        let theme = read(
            "inherits = \"mono\"\n[palette]\ncalm = \"#0a0B0c\"\n[roles]\nok = \"calm\"\nbad = { bg = \"208\", bold = true }",
        )
        .unwrap();
        assert_eq!(theme.paint(Role::Ok).fg, Colour::Rgb(10, 11, 12));
        assert_eq!(theme.paint(Role::Bad).bg, Colour::Indexed(208));
        assert!(theme.paint(Role::Selection).reverse, "inherited");
    }

    #[test]
    fn every_mistake_is_told() {
        let problems = read(
            "inherits = \"drak\"\nbackground = \"blue\"\nok = \"green\"\n[palette]\nred = \"#ff0000\"\nx = \"#ff00\"\n[roles]\nwran = \"green\"\nbad = \"rde\"\nwarn = { fg = 3, blod = true }\nselection = \"red\"",
        )
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "mine.toml:1:12: there is no theme `drak`; did you mean `dark`?",
                "mine.toml:2:14: `background` must be one of black, white, any, not `blue`",
                "mine.toml:3:1: there is no key `ok` at the top of the file; it belongs in [roles]",
                "mine.toml:5:1: `red` is a colour already; choose another name",
                "mine.toml:6:5: `#ff00` is no colour; write `default`, an ANSI name like `bright-red`, 0 to 255 like `208`, `#rrggbb`, or a name of [palette]",
                "mine.toml:8:1: there is no role `wran`; did you mean `warn`?",
                "mine.toml:9:7: `rde` is no colour; write `default`, an ANSI name like `bright-red`, 0 to 255 like `208`, `#rrggbb`, or a name of [palette]; did you mean `red`?",
                "mine.toml:10:15: `fg` must be a text in quotes, not an integer",
                "mine.toml:10:18: there is no key `blod` in [roles]; did you mean `bold`?",
                "mine.toml:11:13: the selection must be seen without colours too: add `reverse = true` or a `bg`",
            ]
        );
    }

    #[test]
    fn a_role_that_is_never_painted_is_a_problem() {
        let problems = read("[roles]\nselection = { reverse = true }").unwrap_err();
        assert!(problems[0].starts_with("mine.toml: paints no text, muted, title"));
    }
}
