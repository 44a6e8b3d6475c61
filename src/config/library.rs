//! Where keymaps and themes are found: those embedded in the program, and the user's own, which come first. Owns inheritance between files.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    document::Document,
    problem::{Problem, Report, nearest},
};

/// A kind of data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// `keymaps/NAME.toml`.
    Keymaps,
    /// `themes/NAME.toml`.
    Themes,
}

macro_rules! embedded {
    ($folder:literal: $($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../", $folder, "/", $name, ".toml"))),)*]
    };
}

impl Shelf {
    /// The folder below the configuration folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Keymaps => "keymaps",
            Self::Themes => "themes",
        }
    }

    /// The files that are part of the program, as name and text.
    pub fn embedded(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Keymaps => embedded!("keymaps": "default", "emacs"),
            Self::Themes => {
                embedded!("themes": "dark", "light", "high-contrast", "colour-blind", "mono")
            }
        }
    }

    /// One of them, in the singular.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keymaps => "keymap",
            Self::Themes => "theme",
        }
    }
}

/// A data file with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The name by which it is chosen.
    pub name: String,
    /// The file as shown in problems.
    pub file: String,
    /// Its content.
    pub text: String,
}

/// The embedded files and the user's folder.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// The user's configuration folder; `None` for the embedded files only.
    pub folder: Option<PathBuf>,
}

impl Library {
    /// Every name on a shelf, sorted.
    pub fn names(&self, on: Shelf) -> Vec<String> {
        let embedded = on.embedded().iter().map(|(name, _)| (*name).to_owned());
        let mut names: BTreeSet<String> = embedded.collect();
        if let Some(entries) = self.path(on).and_then(|path| fs::read_dir(path).ok()) {
            let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
            let toml = paths.filter(|path| path.extension().is_some_and(|end| end == "toml"));
            names.extend(toml.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())));
        }
        names.into_iter().collect()
    }

    /// A file by name: the user's own, or else the embedded one; `None` when there is neither.
    pub fn find(&self, on: Shelf, name: &str) -> Option<Result<Text, Problem>> {
        self.own(on, name).or_else(|| embedded(on, name).map(Ok))
    }

    /// The file by that name and those that it inherits from, the most basic one first; empty, with a problem, when there is none.
    pub fn lineage(&self, on: Shelf, name: &str, problems: &mut Vec<Problem>) -> Vec<Text> {
        match self.find(on, name) {
            Some(Ok(text)) => self.lineage_of(on, text, problems),
            Some(Err(problem)) => {
                problems.push(problem);
                Vec::new()
            }
            None => {
                let names = self.names(on);
                let text = format!("there is no {} `{name}`", on.word());
                let suggestion = nearest(name, names.iter().map(String::as_str));
                problems.push(Problem::general(on.folder(), text).suggesting(suggestion));
                Vec::new()
            }
        }
    }

    /// A file and those that it inherits from, the most basic one first.
    pub fn lineage_of(&self, on: Shelf, first: Text, problems: &mut Vec<Problem>) -> Vec<Text> {
        let mut lineage = vec![first];
        while let Some(parent) = self.parent(on, &lineage, problems) {
            lineage.push(parent);
        }
        lineage.reverse();
        lineage
    }

    fn parent(&self, on: Shelf, lineage: &[Text], problems: &mut Vec<Problem>) -> Option<Text> {
        let child = lineage.last()?;
        // Its other problems are reported when it is read for its content.
        let silent = Report::new(&child.file, &child.text);
        let document = Document::parse(&child.text, &silent);
        let found = document.root(&silent).text("inherits")?;
        let known = |text: &Text| lineage.iter().any(|seen| seen.file == text.file);
        // A user's `dark` may build on the embedded `dark`.
        let parent = match self.find(on, found.value) {
            Some(Ok(text)) if known(&text) => embedded(on, found.value).or(Some(text)).map(Ok),
            other => other,
        };
        let report = Report::new(&child.file, &child.text);
        let word = on.word();
        let parent = match parent {
            Some(Ok(text)) if known(&text) => {
                report.at(&found.span, format!("this {word} inherits from itself"));
                None
            }
            Some(Ok(text)) => Some(text),
            Some(Err(problem)) => {
                problems.push(problem);
                None
            }
            None => {
                let names = self.names(on);
                let suggestion = nearest(found.value, names.iter().map(String::as_str));
                let text = format!("there is no {word} `{}`", found.value);
                report.suggest(&found.span, text, suggestion);
                None
            }
        };
        problems.extend(report.into_problems());
        parent
    }

    fn own(&self, on: Shelf, name: &str) -> Option<Result<Text, Problem>> {
        let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
        let path = self
            .path(on)
            .filter(|_| plain)?
            .join(format!("{name}.toml"));
        match read(&path) {
            Ok(text) => Some(Ok(Text {
                name: name.to_owned(),
                file: path.display().to_string(),
                text,
            })),
            Err(None) => None,
            Err(Some(problem)) => Some(Err(problem)),
        }
    }

    fn path(&self, on: Shelf) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(on.folder()))
    }
}

fn embedded(on: Shelf, name: &str) -> Option<Text> {
    let (name, text) = on.embedded().iter().find(|(known, _)| *known == name)?;
    Some(Text {
        name: (*name).to_owned(),
        file: format!("{}/{name}.toml", on.folder()),
        text: (*text).to_owned(),
    })
}

/// No file that people write comes near this; what is larger was named by mistake, and a device never ends.
pub const LARGEST: u64 = 4 * 1024 * 1024;

/// The content of a file that is no larger than people write them. A pipe or a device is refused before it is opened: that alone may wait for ever.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    // A folder gets the error of the system.
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    // Read with one byte to spare: a file may grow after its size was asked.
    fs::File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let limit = LARGEST / 1024 / 1024;
        return Err(io::Error::other(format!("it is larger than {limit} MiB")));
    }
    Ok(bytes)
}

/// The text of a file; `Err(None)` when there is no such file, otherwise why it cannot be read.
pub fn read(path: &Path) -> Result<String, Option<Problem>> {
    let name = || path.display().to_string();
    let bytes = read_bounded(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => None,
        _ => Some(Problem::general(name(), format!("cannot be read: {error}"))),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = String::from_utf8_lossy(valid).matches('\n').count();
        Some(Problem::general(
            name(),
            format!("is not UTF-8 (line {})", line + 1),
        ))
    })
}
