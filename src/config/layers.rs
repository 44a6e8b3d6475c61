//! The layers of configuration, default < file < flags, and where the file is. Owns precedence; the file's format is read elsewhere.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{
    console::{Glyphs, Settings, starts},
    depth::ColorChoice,
    library::{Library, Shelf},
    problem::{Problem, nearest},
};
use crate::resources::{Estate, RegionLabel};

/// The name of the file, and the variable that points to another.
pub const FILE: &str = "pilothouse.toml";
/// The variable that points to the file.
pub const VARIABLE: &str = "PILOTHOUSE_CONFIG";

/// What the command line says. `None` and empty lists leave the file's word standing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--profile`: for every region that the file gives no profile of its own.
    pub profile: Option<String>,
    /// `--regions`: watch only these labels.
    pub regions: Vec<String>,
    /// `--theme`.
    pub theme: Option<String>,
    /// `--keymap`.
    pub keymap: Option<String>,
    /// `--ascii` or `--glyphs`.
    pub glyphs: Option<Glyphs>,
    /// `--color`.
    pub color: Option<ColorChoice>,
    /// `--mouse`.
    pub mouse: Option<bool>,
    /// `--start`.
    pub start: Option<String>,
}

/// Where configuration comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// The command line.
    pub flags: Flags,
    /// The value of PILOTHOUSE_CONFIG, if set and not empty.
    pub variable: Option<PathBuf>,
    /// The working directory.
    pub directory: PathBuf,
    /// The user's `pilothouse` folder in the XDG configuration directory.
    pub folder: Option<PathBuf>,
}

impl Layers {
    /// The layers of this process.
    pub fn of_process(flags: Flags) -> Self {
        let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        let strategy = etcetera::choose_base_strategy().ok();
        Self {
            flags,
            variable: variable.map(PathBuf::from),
            directory: PathBuf::from("."),
            folder: strategy.map(|strategy| strategy.config_dir().join("pilothouse")),
        }
    }

    /// The file to read, and whether it was asked for by name (then it must exist). The first that exists counts.
    pub(super) fn file(&self) -> Option<(PathBuf, bool)> {
        let named = self.flags.config.as_ref().or(self.variable.as_ref());
        if let Some(path) = named {
            return Some((path.clone(), true));
        }
        let near = tidy(&self.directory).join(FILE);
        let far = self.folder.as_ref().map(|folder| folder.join(FILE));
        let found = [Some(near), far]
            .into_iter()
            .flatten()
            .find(|path| path.exists());
        found.map(|path| (path, false))
    }

    /// What to tell a user who has no file.
    pub(super) fn nothing_found(&self) -> Problem {
        let mut places = vec![format!("./{FILE}")];
        places.extend(
            self.folder
                .as_ref()
                .map(|folder| folder.join(FILE).display().to_string()),
        );
        let text = format!(
            "not found (looked for {}); run `pilothouse init` to write one from your AWS account, or `pilothouse demo` to look around without one",
            places.join(" and ")
        );
        Problem::general(FILE, text)
    }

    /// Embedded keymaps and themes, and the user's.
    pub fn library(&self) -> Library {
        Library {
            folder: self.folder.clone(),
        }
    }
}

/// `.` is left out, so that problems name the file as the user would.
fn tidy(directory: &Path) -> PathBuf {
    if directory == Path::new(".") {
        PathBuf::new()
    } else {
        directory.to_owned()
    }
}

impl Flags {
    /// Lays the flags over the settings.
    pub(super) fn settle(&self, settings: &mut Settings, library: &Library) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (shelf, flag, setting) in [
            (Shelf::Themes, &self.theme, &mut settings.theme),
            (Shelf::Keymaps, &self.keymap, &mut settings.keymap),
        ] {
            let Some(name) = flag else { continue };
            name.clone_into(setting);
            if library.find(shelf, name).is_none() {
                problems.push(missing(library, shelf, name));
            }
        }
        settings.glyphs = self.glyphs.unwrap_or(settings.glyphs);
        settings.color = self.color.unwrap_or(settings.color);
        settings.mouse = self.mouse.unwrap_or(settings.mouse);
        if let Some(start) = &self.start {
            let known = starts();
            match known.iter().find(|(name, _)| name == start) {
                Some((_, kind)) => settings.start = *kind,
                None => problems.push(unknown(
                    "--start",
                    start,
                    known.iter().map(|(name, _)| *name),
                )),
            }
        }
        problems
    }

    /// Lays the flags over the estate.
    pub(super) fn narrow(&self, estate: &mut Estate) -> Vec<Problem> {
        if let Some(profile) = &self.profile {
            let base = estate.access.profile.replace(profile.clone());
            for region in &mut estate.regions {
                // Those that had the file's general profile follow it.
                if region.access.profile == base {
                    region.access.profile = Some(profile.clone());
                }
            }
        }
        if self.regions.is_empty() {
            return Vec::new();
        }
        let labels: Vec<RegionLabel> = estate.regions.iter().map(|r| r.label.clone()).collect();
        let known = || labels.iter().map(RegionLabel::as_str);
        let wrong = self
            .regions
            .iter()
            .filter(|typed| !known().any(|label| label == *typed));
        let problems = wrong
            .map(|typed| unknown("--regions", typed, known()))
            .collect();
        estate.regions.retain(|region| {
            self.regions
                .iter()
                .any(|label| label == region.label.as_str())
        });
        problems
    }
}

fn missing(library: &Library, shelf: Shelf, name: &str) -> Problem {
    let names = library.names(shelf);
    unknown(
        &format!("--{}", shelf.word()),
        name,
        names.iter().map(String::as_str),
    )
}

fn unknown<'n>(flag: &str, typed: &str, known: impl Iterator<Item = &'n str> + Clone) -> Problem {
    let names: Vec<&str> = known.clone().collect();
    let text = format!(
        "{flag}: there is no `{typed}`; there is {}",
        names.join(", ")
    );
    Problem::general("command line", text).suggesting(nearest(typed, known))
}
