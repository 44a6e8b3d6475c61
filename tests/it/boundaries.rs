//! Who may import whom (the table in `src/lib.rs`), and the house rules that a test can see. Reads the sources as text.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Every source file with its path, tests left out.
pub fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    let name = |path: &Path| {
        path.strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    // Test modules in files of their own follow the rules of tests.
    found.retain(|path| !path.ends_with("tests.rs") && !path.to_string_lossy().contains("/tests/"));
    found.retain(|path| {
        !path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with("_tests"))
    });
    let mut sources: Vec<_> = found
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect();
    sources.sort();
    sources
}

/// The code of a file without its tests and comments.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Files whose path satisfies `applies` must not mention any of `words`.
fn forbid(applies: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let offences = |(path, text): &(String, String)| {
        let code = code(text);
        words
            .iter()
            .filter(|word| code.contains(**word))
            .map(|word| format!("{path} mentions `{word}`"))
            .collect::<Vec<_>>()
    };
    sources()
        .iter()
        .filter(|(path, _)| applies(path))
        .flat_map(offences)
        .collect()
}

fn is_live(path: &str) -> bool {
    path.ends_with("/live.rs") || path.starts_with("src/provider/")
}

fn is_view(path: &str) -> bool {
    path.starts_with("src/resources/") && path.ends_with("/view.rs")
}

fn is_sim(path: &str) -> bool {
    path.starts_with("src/sim/")
        || (path.starts_with("src/resources/") && path.ends_with("/sim.rs"))
}

fn is_model(path: &str) -> bool {
    path.starts_with("src/resources/") && !is_live(path) && !is_view(path) && !is_sim(path)
}

const CLOCKS: &[&str] = &["Timestamp::now", "Instant::now", "SystemTime", "Zoned::now"];
const FILES: &[&str] = &["std::fs", "fs::read", "fs::write", "File::"];
const SDK: &[&str] = &[
    "aws_sdk_",
    "aws_config",
    "aws_runtime",
    "aws_types",
    "aws_smithy",
    "kube::",
    "k8s_openapi",
];
const SCREEN: &[&str] = &["ratatui", "crossterm"];

#[test]
fn the_sdk_and_kube_stay_behind_the_provider() {
    assert_eq!(forbid(|path| !is_live(path), SDK), Vec::<String>::new());
}

#[test]
fn models_are_pure() {
    let words: Vec<&str> = [
        CLOCKS,
        FILES,
        SCREEN,
        &[
            "tokio",
            "async ",
            "crate::state",
            "crate::provider",
            "crate::runtime",
            "crate::ui",
        ],
    ]
    .concat();
    assert_eq!(forbid(is_model, &words), Vec::<String>::new());
}

#[test]
fn the_state_is_pure() {
    let words: Vec<&str> = [
        CLOCKS,
        FILES,
        SCREEN,
        &["tokio", "async ", "crate::provider", "crate::runtime"],
    ]
    .concat();
    let is_state = |path: &str| {
        path.starts_with("src/state/")
            || [
                "src/event.rs",
                "src/effect.rs",
                "src/command.rs",
                "src/completion.rs",
            ]
            .contains(&path)
    };
    assert_eq!(forbid(is_state, &words), Vec::<String>::new());
}

#[test]
fn live_reads_know_neither_screen_nor_state() {
    assert_eq!(
        forbid(
            is_live,
            &[
                "ratatui",
                "crossterm",
                "crate::state",
                "crate::plan",
                "crate::ui"
            ]
        ),
        Vec::<String>::new()
    );
}

#[test]
fn the_simulator_has_no_wall_clock() {
    let words: Vec<&str> = [CLOCKS, SCREEN, &["crate::state", "crate::ui"]].concat();
    assert_eq!(forbid(is_sim, &words), Vec::<String>::new());
}

#[test]
fn drawing_asks_nobody() {
    let words: Vec<&str> = [
        CLOCKS,
        FILES,
        &["tokio", "async ", "crate::provider", "crate::runtime"],
    ]
    .concat();
    assert_eq!(
        forbid(|path| path.starts_with("src/ui/") || is_view(path), &words),
        Vec::<String>::new()
    );
}

#[test]
fn only_main_uses_color_eyre() {
    assert_eq!(
        forbid(|path| path != "src/main.rs", &["color_eyre"]),
        Vec::<String>::new()
    );
}

#[test]
fn every_file_says_what_it_owns_and_stays_readable() {
    let bad = |(path, text): &(String, String)| {
        let lines = text
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .lines()
            .count();
        let silent = (!text.starts_with("//!")).then(|| format!("{path} does not open with `//!`"));
        let long = (lines > 400).then(|| format!("{path} has {lines} lines before its tests"));
        [silent, long].into_iter().flatten().collect::<Vec<_>>()
    };
    assert_eq!(
        sources().iter().flat_map(bad).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

#[test]
fn one_name_per_thing() {
    const AVOIDED: &[&str] = &[
        "message", "task", "job", "request", "handler", "manager", "service", "helper", "util",
        "utils",
    ];
    let stem = |path: &str| {
        Path::new(path)
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    let bad: Vec<String> = sources()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| AVOIDED.contains(&stem(path).as_str()))
        .collect();
    assert_eq!(bad, Vec::<String>::new());
}

/// `cargo test` must not build the SDK again that `cargo run` has built: both must ask the same features of every crate that they share.
#[test]
fn both_commands_share_one_build() {
    let tree = |edges: &str| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([
                "tree", "--locked", "--prefix", "none", "-f", "{p} {f}", "-e", edges,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = cargo.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| line.trim_end_matches(" (*)").to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (run, test) = (tree("normal,build"), tree("normal,build,dev"));
    let lost: Vec<_> = run.difference(&test).collect();
    assert!(
        lost.is_empty(),
        "`cargo test` asks other features of these; add them to [dependencies]: {lost:#?}"
    );
}
