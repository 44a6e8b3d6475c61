//! What the README says is what the program does: the generated parts are up to date, and the commands it names exist.

use std::collections::BTreeSet;

use clap::{CommandFactory, Parser};
use pilothouse::{
    cli::Cli,
    config::{keymap_file, library::Library, reference},
    verbs,
};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

fn generated() -> [(&'static str, String); 3] {
    let keymap = keymap_file::load(&Library::default(), "default").unwrap();
    [
        ("keys", verbs::key_table(&keymap)),
        ("configuration", reference::markdown()),
        ("permissions", permissions()),
    ]
}

/// The IAM actions of every call in the sources: each is named where it is made, for its errors.
fn permissions() -> String {
    let pattern = |word: &str| {
        let (service, action) = word.split_once(':')?;
        let services = [
            "sts",
            "eks",
            "route53",
            "route53-recovery-cluster",
            "globalaccelerator",
            "cloudfront",
            "elasticloadbalancing",
            "lambda",
            "rds",
            "dynamodb",
            "elasticache",
            "memorydb",
            "cloudwatch",
        ];
        let named = action.chars().next().is_some_and(char::is_uppercase)
            && action.chars().all(char::is_alphanumeric);
        (services.contains(&service) && named).then(|| word.to_owned())
    };
    let mut actions = BTreeSet::new();
    for (path, text) in super::boundaries::sources() {
        if path.ends_with("live.rs") || path.starts_with("src/provider/discover") {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            actions.extend(code.split('"').filter_map(pattern));
        }
    }
    let list: Vec<String> = actions.iter().map(|action| format!("`{action}`")).collect();
    list.join(" ") + "\n"
}

#[test]
fn the_generated_parts_are_up_to_date() {
    let mut text = std::fs::read_to_string(README).unwrap();
    let before = text.clone();
    for (name, content) in generated() {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let start = text.find(&open).unwrap_or_else(|| panic!("no {open}")) + open.len();
        let end = text.find(&close).unwrap_or_else(|| panic!("no {close}"));
        text.replace_range(start..end, &format!("\n{content}\n"));
    }
    if std::env::var_os("README_UPDATE").is_some() {
        std::fs::write(README, text).unwrap();
    } else {
        assert!(
            text == before,
            "run: README_UPDATE=1 cargo test --test it readme"
        );
    }
}

#[test]
fn every_command_line_of_the_readme_parses() {
    let text = std::fs::read_to_string(README).unwrap();
    let mut seen = BTreeSet::new();
    for code in text.split('`').chain(text.lines()) {
        let code = code.split('#').next().unwrap_or_default().trim();
        let Some(arguments) = code
            .strip_prefix("pilothouse")
            .filter(|rest| rest.is_empty() || rest.starts_with(' '))
        else {
            continue;
        };
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let parsed = Cli::try_parse_from([&["pilothouse"], words.as_slice()].concat());
        assert!(parsed.is_ok(), "{code}: {}", parsed.unwrap_err());
        seen.extend(words.first().map(|word| (*word).to_owned()));
    }
    let known: BTreeSet<String> = Cli::command()
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    assert!(seen.is_subset(&known) && seen.len() >= 6, "{seen:?}");
}

#[test]
fn the_two_commands_are_those_of_ci() {
    let text = std::fs::read_to_string(README).unwrap();
    assert!(
        text.contains("```sh\ncargo run -- demo\n```") && text.contains("```sh\ncargo test\n```")
    );
    let ci = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/run")).unwrap();
    assert!(ci.contains("cargo test"));
}
