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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{check, load, load_console};

    const REGION: &str = "[[region]]\nlabel = \"eu-west-1\"\n";

    fn layers(root: &Path) -> Layers {
        fs::create_dir_all(root.join("work")).unwrap();
        fs::create_dir_all(root.join("user/themes")).unwrap();
        Layers {
            directory: root.join("work"),
            folder: Some(root.join("user")),
            ..Layers::default()
        }
    }

    fn texts(problems: &[Problem]) -> Vec<String> {
        problems
            .iter()
            .map(|problem| problem.text.clone())
            .collect()
    }

    #[test]
    fn the_nearest_file_counts() {
        let root = tempfile::tempdir().unwrap();
        let mut layers = layers(root.path());
        let path = |layers: &Layers| load(layers).ok().and_then(|config| config.path);
        assert_eq!(path(&layers), None);
        for place in [
            "user/pilothouse.toml",
            "work/pilothouse.toml",
            "variable.toml",
            "flag.toml",
        ] {
            fs::write(root.path().join(place), REGION).unwrap();
            match place {
                "variable.toml" => layers.variable = Some(root.path().join(place)),
                "flag.toml" => layers.flags.config = Some(root.path().join(place)),
                _ => {}
            }
            assert_eq!(path(&layers), Some(root.path().join(place)));
        }
    }

    #[test]
    fn without_a_file_the_way_on_is_told_and_the_demo_goes() {
        let root = tempfile::tempdir().unwrap();
        let mut layers = layers(root.path());
        let problems = load(&layers).unwrap_err();
        assert!(problems[0].text.contains("pilothouse init"), "{problems:?}");
        assert!(problems[0].text.contains("pilothouse demo"), "{problems:?}");
        let config = load_console(&layers).unwrap();
        assert_eq!((config.theme.name.as_str(), config.path), ("dark", None));
        // A file that is asked for by name must be there.
        layers.flags.config = Some(root.path().join("gone.toml"));
        assert!(
            load_console(&layers).unwrap_err()[0]
                .text
                .starts_with("no such file")
        );
    }

    #[test]
    fn flags_lie_over_the_file() {
        let root = tempfile::tempdir().unwrap();
        let mut layers = layers(root.path());
        let text = format!(
            "{REGION}[[region]]\nlabel = \"b\"\nprofile = \"own\"\n[aws]\nprofile = \"file\"\n[console]\ntheme = \"light\"\nmouse = true\n"
        );
        fs::write(root.path().join("work/pilothouse.toml"), text).unwrap();
        layers.flags = Flags {
            profile: Some("flag".to_owned()),
            theme: Some("mono".to_owned()),
            start: Some("caches".to_owned()),
            ..Flags::default()
        };
        let config = load(&layers).unwrap();
        assert_eq!(
            (config.theme.name.as_str(), config.settings.mouse),
            ("mono", true)
        );
        assert_eq!(config.settings.start, Some(crate::resources::Kind::Caches));
        let profiles: Vec<_> = config
            .estate
            .regions
            .iter()
            .map(|r| r.access.profile.as_deref())
            .collect();
        assert_eq!(profiles, [Some("flag"), Some("own")]);

        layers.flags.regions = vec!["b".to_owned()];
        assert_eq!(load(&layers).unwrap().estate.regions.len(), 1);
        layers.flags = Flags {
            regions: vec!["eu-west-2".to_owned()],
            ..Flags::default()
        };
        let problems = load(&layers).unwrap_err();
        assert_eq!(problems[0].suggestion.as_deref(), Some("eu-west-1"));
        layers.flags = Flags {
            theme: Some("drak".to_owned()),
            keymap: Some("vim".to_owned()),
            start: Some("cache".to_owned()),
            ..Flags::default()
        };
        assert_eq!(load(&layers).unwrap_err().len(), 3);
    }

    #[test]
    fn check_reads_every_file_of_the_user() {
        let root = tempfile::tempdir().unwrap();
        let layers = layers(root.path());
        fs::write(
            root.path().join("work/pilothouse.toml"),
            "[[region]]\nlable = \"x\"\n",
        )
        .unwrap();
        fs::write(
            root.path().join("user/themes/dark.toml"),
            "inherits = \"dark\"\n[roles]\nok = \"blue\"\n",
        )
        .unwrap();
        fs::write(
            root.path().join("user/themes/mine.toml"),
            "inherits = \"mine\"\n",
        )
        .unwrap();
        fs::write(
            root.path().join("user/themes/raw.toml"),
            [b'#', b'\n', 0xff],
        )
        .unwrap();
        let problems = check(&layers);
        assert_eq!(
            texts(&problems),
            [
                "this theme inherits from itself",
                "is not UTF-8 (line 2)",
                "this region has no `label`",
                "there is no key `lable` in [[region]]",
            ]
            .map(ToOwned::to_owned),
            "{problems:#?}"
        );
    }
}
