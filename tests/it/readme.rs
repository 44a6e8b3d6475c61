//! What the README says is what the program does: the generated parts are up to date, and the commands it names exist.

use std::collections::BTreeSet;

use clap::{CommandFactory, Parser};
use pilothouse::{
    cli::Cli,
    config::{keymap_file, library::Library, reference},
    report::policy,
    verbs,
};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

fn generated() -> [(&'static str, String); 5] {
    let keymap = keymap_file::load(&Library::default(), "default").unwrap();
    [
        ("keys", verbs::key_table(&keymap)),
        ("configuration", reference::markdown()),
        ("permissions", listed(calls(Named::Reads))),
        ("write permissions", write_permissions()),
        ("exit codes", exit_codes()),
    ]
}

/// Where a call is named in the sources, for its errors.
#[derive(Clone, Copy)]
enum Named {
    /// Where it reads what is watched.
    Reads,
    /// Where a change is sent.
    Writes,
    /// Where a change says what it is.
    Changes,
}

impl Named {
    fn within(self, path: &str) -> bool {
        let sends = path.ends_with("/write/live.rs");
        match self {
            Self::Reads => {
                (path.ends_with("live.rs") && !sends) || path.starts_with("src/provider/discover")
            }
            Self::Writes => sends,
            Self::Changes => path.ends_with("change.rs"),
        }
    }
}

/// The IAM actions of every call in the sources.
fn calls(named: Named) -> BTreeSet<String> {
    let reads = matches!(named, Named::Reads);
    let pattern = |word: &str| {
        let (service, action) = word.split_once(':')?;
        let services = [
            "sts",
            "aps",
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
            "codepipeline",
        ];
        let named = action.chars().next().is_some_and(char::is_uppercase)
            && action.chars().all(char::is_alphanumeric);
        // What is read of a cluster is told in words; what is changed there is RBAC's, by the same list.
        let of_cluster = service == "kubernetes" && !reads;
        ((services.contains(&service) || of_cluster) && named).then(|| word.to_owned())
    };
    let mut actions = BTreeSet::new();
    for (path, text) in super::boundaries::sources() {
        if named.within(&path) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            actions.extend(code.split('"').filter_map(pattern));
        }
    }
    actions
}

fn listed<T: AsRef<str>>(calls: impl IntoIterator<Item = T>) -> String {
    let list: Vec<String> = calls
        .into_iter()
        .map(|call| format!("`{}`", call.as_ref()))
        .collect();
    list.join(" ") + "\n"
}

fn write_permissions() -> String {
    let row = |name: &str| {
        let calls = policy::of_action(name).unwrap();
        format!("| `{name}` | {}", listed(calls).replace('\n', " |\n"))
    };
    let rows: String = policy::action_names().map(row).collect();
    format!("| action | calls |\n|---|---|\n{rows}")
}

/// The line of `--help`, as a table.
fn exit_codes() -> String {
    let help = Cli::command().render_help().to_string();
    let line = help.split("Exit codes: ").nth(1).unwrap();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rows = String::from("| code | meaning |\n|---|---|\n");
    for code in 0..=8 {
        let (_, rest) = line.split_once(&format!("{code} ")).unwrap();
        let next = format!(", {} ", code + 1);
        let meaning = rest.split(&next).next().unwrap().trim_end_matches('.');
        rows.push_str(&format!("| {code} | {meaning} |\n"));
    }
    rows
}

#[test]
fn every_call_of_the_sources_is_in_the_policy() {
    let reads: BTreeSet<String> = policy::READS
        .iter()
        .map(|call| (*call).to_owned())
        .collect();
    assert_eq!(calls(Named::Reads), reads);
    let writes: BTreeSet<String> = policy::writes().into_iter().map(str::to_owned).collect();
    let operations = calls(Named::Changes);
    assert!(operations.len() > 10, "{operations:?}");
    // A write may look at what it replaces first, by calls that are reads as well.
    let sent: BTreeSet<String> = calls(Named::Writes).union(&operations).cloned().collect();
    let unread: BTreeSet<String> = sent.difference(&reads).cloned().collect();
    assert_eq!(unread, writes);
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
