//! Configuration: layers (default < file < flags), keymaps, themes. Owns every file format; all problems are reported at once.

pub mod access;
mod answers;
pub mod console;
pub mod depth;
mod document;
mod estate_file;
pub mod findings;
pub mod init;
pub mod key;
pub mod keymap;
pub mod keymap_file;
pub mod layers;
pub mod library;
mod limits;
mod matchers;
pub mod problem;
mod prometheus;
pub mod reference;
mod sequence;
pub mod syntax;
pub mod theme;
pub mod theme_file;
mod value;

use std::path::PathBuf;

use self::{
    console::Settings,
    document::{Document, Found},
    keymap::Keymap,
    layers::{Flags, Layers},
    library::{Library, Shelf},
    problem::{Problem, Report, nearest, sorted},
    theme::Theme,
};
use crate::resources::Estate;

/// Everything that is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What is watched.
    pub estate: Estate,
    /// Which key does what.
    pub keymap: Keymap,
    /// How roles are painted, before it is reduced to what the terminal can.
    pub theme: Theme,
    /// How the console looks and starts.
    pub settings: Settings,
    /// The file that was read; `None` without one.
    pub path: Option<PathBuf>,
}

/// Reads the configuration of an estate. Without a file there is nothing to watch, so that is a problem.
pub fn load(layers: &Layers) -> Result<Config, Vec<Problem>> {
    let Some((path, text)) = find(layers)? else {
        return Err(vec![layers.nothing_found()]);
    };
    let library = layers.library();
    let mut config = parse(&path.display().to_string(), &text, &layers.flags, &library)?;
    config.path = Some(path);
    Ok(config)
}

/// Reads how the console looks, for the demo: a file is welcome but not needed, and its estate does not count.
pub fn load_console(layers: &Layers) -> Result<Config, Vec<Problem>> {
    let found = find(layers)?;
    let (file, text) = match &found {
        Some((path, text)) => (path.display().to_string(), text.as_str()),
        None => (layers::FILE.to_owned(), ""),
    };
    let mut config = assemble(&file, text, &layers.flags, &layers.library(), Part::Console)?;
    config.path = found.map(|(path, _)| path);
    Ok(config)
}

/// Everything wrong with the configuration, its keymap, its theme, and with the user's other keymaps and themes.
pub fn check(layers: &Layers) -> Vec<Problem> {
    let mut problems = load(layers).err().unwrap_or_default();
    let library = layers.library();
    for name in library.names(Shelf::Keymaps) {
        problems.extend(keymap_file::load(&library, &name).err().unwrap_or_default());
    }
    for name in library.names(Shelf::Themes) {
        problems.extend(theme_file::load(&library, &name).err().unwrap_or_default());
    }
    sorted(problems)
}

/// Reads the text of a pilothouse.toml. Pure but for the user's own keymaps and themes, which come from the library.
pub fn parse(
    file: &str,
    text: &str,
    flags: &Flags,
    library: &Library,
) -> Result<Config, Vec<Problem>> {
    assemble(file, text, flags, library, Part::Whole)
}

/// How much of a file counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Console,
}

fn find(layers: &Layers) -> Result<Option<(PathBuf, String)>, Vec<Problem>> {
    let Some((path, named)) = layers.file() else {
        return Ok(None);
    };
    let general = |text: &str| vec![Problem::general(path.display().to_string(), text)];
    match library::read(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(Some(problem)) => Err(vec![problem]),
        Err(None) if named => Err(general(
            "no such file; run `pilothouse init` to write one, or `pilothouse demo` to look around without one",
        )),
        Err(None) => Ok(None),
    }
}

fn assemble(
    file: &str,
    text: &str,
    flags: &Flags,
    library: &Library,
    part: Part,
) -> Result<Config, Vec<Problem>> {
    let report = Report::new(file, text);
    let document = Document::parse(text, &report);
    let mut root = document.root(&report);
    // A file that is only about the console needs no region.
    let whole = document.is_whole() && part == Part::Whole;
    let mut estate = estate_file::read(&mut root, whole);
    let console = root.table("console").map(console::read).unwrap_or_default();
    let mut settings = console.settings;
    let mut problems = Vec::new();
    named(&report, library, Shelf::Themes, console.theme.as_ref());
    named(&report, library, Shelf::Keymaps, console.keymap.as_ref());
    problems.extend(flags.settle(&mut settings, library));

    let theme = theme_file::load(library, &settings.theme);
    let keymap = keymap_file::load(library, &settings.keymap);
    let exists = |shelf, name: &str| library.find(shelf, name).is_some();
    let theme = keep(theme, exists(Shelf::Themes, &settings.theme), &mut problems);
    let keymap = keep(
        keymap,
        exists(Shelf::Keymaps, &settings.keymap),
        &mut problems,
    );
    let mut keymap = keymap.unwrap_or_default();
    if let Some(keys) = root.table("keys") {
        let span = keys.span().clone();
        keymap_file::bind_all(keys, library, &mut keymap);
        if report.is_clean()
            && problems.is_empty()
            && let Err(text) = keymap_file::leaves_a_way_out(&keymap)
        {
            report.at(&span, text);
        }
    }
    root.finish(&reference::place_of);
    problems.extend(report.into_problems());
    if part == Part::Console {
        estate = Estate::default();
    } else if problems.is_empty() {
        problems.extend(flags.narrow(&mut estate));
    }
    match theme {
        Some(theme) if problems.is_empty() => Ok(Config {
            estate,
            keymap,
            theme,
            settings,
            path: None,
        }),
        _ => Err(sorted(problems)),
    }
}

/// Reports a keymap or theme that does not exist where the file names it.
fn named(report: &Report<'_>, library: &Library, shelf: Shelf, found: Option<&Found<&str>>) {
    let Some(found) = found.filter(|found| library.find(shelf, found.value).is_none()) else {
        return;
    };
    let names = library.names(shelf);
    let text = format!(
        "there is no {} `{}`; there is {}",
        shelf.word(),
        found.value,
        names.join(", ")
    );
    let suggestion = nearest(found.value, names.iter().map(String::as_str));
    report.suggest(&found.span, text, suggestion);
}

/// What was read, or its problems noted; those of a file that does not exist are noted where it is named.
fn keep<T>(read: Result<T, Vec<Problem>>, exists: bool, problems: &mut Vec<Problem>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(found) => {
            problems.extend(found.into_iter().filter(|_| exists));
            None
        }
    }
}
