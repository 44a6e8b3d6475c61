//! The pictures of the README: real screens of the simulator, kept in `.github/screens`.
//!
//! `cargo test --test it screens -- --ignored` writes them anew, and every other frame to `target/pictures`.

use std::path::{Path, PathBuf};

use pilothouse::{
    config::{library::Library, theme::Theme, theme_file},
    ui::picture::{self, DARK, LIGHT},
};

use super::{buffer, console, drill, frames};

const SIZE: (u16, u16) = (100, 30);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/screens")
}

fn theme(name: &str) -> Theme {
    theme_file::load(&Library::default(), name).unwrap()
}

/// Every picture of the README, by file name.
fn pictures() -> Vec<(&'static str, String)> {
    let dark = |scenario, seconds, keys: &[&str]| {
        let state = drill::watched(scenario, seconds, SIZE, keys);
        picture::svg(&buffer(&state, &theme("dark")), DARK)
    };
    let light = drill::watched("bad-canary", 300, SIZE, &[]);
    vec![
        ("home.svg", dark("calm", 120, &[])),
        ("region-down.svg", dark("region-down", 150, &["j"])),
        ("detail.svg", dark("region-down", 150, &["enter"])),
        (
            "light.svg",
            picture::svg(&buffer(&light, &theme("light")), LIGHT),
        ),
    ]
}

#[test]
#[ignore = "writes the pictures"]
fn screens_are_written() {
    std::fs::create_dir_all(folder()).unwrap();
    for (name, svg) in pictures() {
        std::fs::write(folder().join(name), svg).unwrap();
    }
    let others = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
    std::fs::create_dir_all(&others).unwrap();
    for (name, state) in frames() {
        let svg = picture::svg(&buffer(&state, &console::colours()), DARK);
        std::fs::write(others.join(format!("{name}.svg")), svg).unwrap();
    }
}

#[test]
fn screens_are_up_to_date() {
    for (name, svg) in pictures() {
        let kept = std::fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(
            kept == svg,
            "{name} shows another screen than the console does: look at it after `cargo test --test it screens -- --ignored`"
        );
    }
}
