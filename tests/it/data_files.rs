//! Every data file is sound: keymaps, themes, good configurations load; bad ones are explained in exactly the words beside them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pilothouse::{
    command::Command,
    config::{
        self,
        depth::{Depth, LEAST_CONTRAST, contrast},
        keymap::{Context, Keymap},
        keymap_file,
        layers::Flags,
        library::{Library, Shelf},
        problem::Problem,
        theme::{Background, Colour, Paint, Role, Theme},
        theme_file,
    },
};

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == ending))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no {ending} files in {folder}");
    files
}

fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files(folder, ending).into_iter().map(stem).collect()
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}

/// Problems name the file alone, so that their texts do not depend on where the project lies.
fn read(path: &Path) -> Result<config::Config, Vec<Problem>> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let text = fs::read_to_string(path).unwrap();
    config::parse(name, &text, &Flags::default(), &Library::default())
}

fn themes() -> Vec<Theme> {
    let names = Library::default().names(Shelf::Themes);
    let load = |name: &String| theme_file::load(&Library::default(), name);
    names
        .iter()
        .map(|name| load(name).unwrap_or_else(|found| panic!("{}", lines(&found))))
        .collect()
}

fn keymaps() -> Vec<Keymap> {
    let names = Library::default().names(Shelf::Keymaps);
    let load = |name: &String| keymap_file::load(&Library::default(), name);
    names
        .iter()
        .map(|name| load(name).unwrap_or_else(|found| panic!("{}", lines(&found))))
        .collect()
}

#[test]
fn good_configurations_load() {
    for path in files("tests/configs/good", "toml") {
        if let Err(problems) = read(&path) {
            panic!("{}", lines(&problems));
        }
    }
}

#[test]
fn bad_configurations_are_explained_in_exactly_these_words() {
    assert_eq!(
        stems("tests/configs/bad", "toml"),
        stems("tests/configs/bad", "txt"),
        "each bad file has its text beside it"
    );
    for path in files("tests/configs/bad", "toml") {
        let problems = read(&path).expect_err(&path.display().to_string());
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
        assert_eq!(lines(&problems), expected, "{}", path.display());
    }
}

#[test]
fn every_file_on_the_shelves_is_embedded() {
    for shelf in [Shelf::Keymaps, Shelf::Themes] {
        let embedded: BTreeSet<String> = Library::default().names(shelf).into_iter().collect();
        assert_eq!(embedded, stems(shelf.folder(), "toml"));
    }
}

#[test]
fn every_command_is_bound_or_wants_a_word() {
    // These take an argument that only the user can give, or are asked for too rarely for a key.
    let typed = [
        Command::Theme,
        Command::Privacy,
        Command::Export,
        Command::Arm,
        Command::Settle,
        Command::Link,
    ];
    for keymap in keymaps() {
        let bound: BTreeSet<Command> = keymap.iter().map(|(_, _, bound)| bound.command).collect();
        for &command in Command::ALL {
            assert_eq!(
                bound.contains(&command),
                !typed.contains(&command),
                "{} in {}",
                command.name(),
                keymap.name
            );
        }
    }
}

#[test]
fn every_keymap_gets_in_and_out_everywhere() {
    for keymap in keymaps() {
        for context in [Context::Global, Context::Detail, Context::Dialog] {
            for command in [Command::Back, Command::Quit, Command::Down, Command::Up] {
                assert!(
                    !keymap.keys(context, command).is_empty(),
                    "{} {context:?}",
                    keymap.name
                );
            }
        }
    }
}

#[test]
fn every_role_is_legible_at_every_depth() {
    for theme in themes() {
        for depth in [Depth::True, Depth::Indexed, Depth::Ansi16, Depth::Mono] {
            let reduced = theme.reduce(depth);
            for &role in Role::ALL {
                let ratio = contrast(reduced.paint(role), theme.background);
                assert!(
                    ratio.is_none_or(|ratio| ratio >= LEAST_CONTRAST),
                    "{} of {} at {depth:?}: {ratio:?}",
                    role.name(),
                    theme.name
                );
            }
        }
    }
}

#[test]
fn the_high_contrast_theme_is_what_it_says() {
    let theme = theme_file::load(&Library::default(), "high-contrast").unwrap();
    for &role in Role::ALL {
        let ratio = contrast(theme.paint(role), theme.background);
        assert!(
            ratio.is_none_or(|ratio| ratio >= 7.0),
            "{}: {ratio:?}",
            role.name()
        );
    }
}

#[test]
fn each_terminal_background_has_a_theme() {
    let backgrounds: Vec<Background> = themes().iter().map(|theme| theme.background).collect();
    for background in [Background::Black, Background::White, Background::Any] {
        assert!(backgrounds.contains(&background), "{background:?}");
    }
}

#[test]
fn the_mono_theme_and_depth_send_no_colour() {
    let mono = theme_file::load(&Library::default(), "mono").unwrap();
    for theme in themes()
        .iter()
        .map(|theme| theme.reduce(Depth::Mono))
        .chain([mono])
    {
        for &role in Role::ALL {
            let Paint { fg, bg, .. } = theme.paint(role);
            assert_eq!(
                (fg, bg),
                (Colour::Reset, Colour::Reset),
                "{} of {}",
                role.name(),
                theme.name
            );
        }
    }
}

#[test]
fn states_differ_from_each_other_at_every_depth() {
    for theme in themes() {
        let depths = [Depth::True, Depth::Indexed, Depth::Ansi16, Depth::Mono];
        for reduced in depths.map(|depth| theme.reduce(depth)) {
            let ok = reduced.paint(Role::Ok);
            for role in [Role::Warn, Role::Bad, Role::Unknown, Role::Stale] {
                assert_ne!(reduced.paint(role), ok, "{} of {}", role.name(), theme.name);
            }
            assert_ne!(
                reduced.paint(Role::Warn),
                reduced.paint(Role::Bad),
                "{}",
                theme.name
            );
        }
    }
}
