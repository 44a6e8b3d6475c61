//! The pictures of the README: real screens of the simulator, kept in `.github/screens`.
//!
//! `cargo test --test it screens -- --ignored` writes them anew, and every other frame to `target/pictures`.

use std::path::{Path, PathBuf};

use pilothouse::{
    config::{library::Library, theme::Theme, theme_file},
    ui::picture::{self, DARK, LIGHT},
};

use super::{buffer, console, drill, frames};
use crate::scenarios::drill::Drill;

const SIZE: (u16, u16) = (100, 30);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/screens")
}

fn theme(name: &str) -> Theme {
    theme_file::load(&Library::default(), name).unwrap()
}

/// A drain that is about to be confirmed.
fn plan(drill: &mut Drill) {
    drill.until(120);
    drill.command("arm a bad deployment, incident 4711");
    drill.plan("drain-region ap-southeast-1 now");
}

/// The same on its way.
fn run(drill: &mut Drill) {
    plan(drill);
    drill.confirm();
    drill.advance(75);
}

/// What a newcomer sees when the region has turned BAD.
fn tour(drill: &mut Drill) {
    drill.command("tour on");
    drill.until(120);
    drill.press("1 g w");
    drill.press("esc");
}

/// Every picture of the README, by file name.
fn pictures() -> Vec<(&'static str, String)> {
    let dark = |scenario, seconds, keys: &[&str]| {
        let state = drill::watched(scenario, seconds, SIZE, keys);
        picture::svg(&buffer(&state, &theme("dark")), DARK)
    };
    let light = drill::watched("bad-canary", 300, SIZE, &[]);
    let acted = |name: &str, look: fn(&mut Drill)| {
        let mut drill = Drill::acting(name, 0);
        drill.state.size = SIZE;
        look(&mut drill);
        drill.state.settle();
        picture::svg(&buffer(&drill.state, &theme("dark")), DARK)
    };
    vec![
        ("home.svg", dark("calm", 120, &[])),
        ("region-down.svg", dark("region-down", 150, &["j"])),
        ("detail.svg", dark("region-down", 150, &["enter"])),
        ("plan.svg", acted("tour", plan)),
        ("run.svg", acted("tour", run)),
        ("tour.svg", acted("tour", tour)),
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
