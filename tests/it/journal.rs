//! The journal and the plans of the built binary, without a terminal: reading, proving, settling, several processes at once, a disk that is full.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use jiff::Timestamp;
use pilothouse::{
    plan::{
        Blast, Intent, OnBreach, Plan,
        entry::{Entry, What},
    },
    report::plan::PlanFile,
    runtime::journal::{Book, Who, verify},
};

const BINARY: &str = env!("CARGO_BIN_EXE_pilothouse");

fn at() -> Timestamp {
    Timestamp::from_second(1_767_581_580).unwrap()
}

fn plan(title: &str) -> Plan {
    Plan {
        intent: Intent {
            action: "drain-region".to_owned(),
            target: "eu-west-1".to_owned(),
            ..Intent::default()
        },
        title: title.to_owned(),
        environment: "prod".to_owned(),
        account: Some("111122223333".to_owned()),
        made_at: at(),
        steps: Vec::new(),
        forecast: Vec::new(),
        remarks: Vec::new(),
        blast: Blast::L3,
        phrase: "eu-west-1 38%".to_owned(),
        loss_phrase: String::new(),
        on_breach: OnBreach::Hold,
        marks: Vec::new(),
        until: None,
    }
}

/// A home with a journal of runs that were interrupted.
fn home(runs: usize) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home
        .path()
        .join(".local/state/pilothouse")
        .join("journal.jsonl");
    let (mut book, _) = Book::open(&path).unwrap();
    for run in 0..runs {
        let plan = plan(&format!("Drain \u{1b}[31mred {run}"));
        let entry = Entry {
            at: at(),
            run: Some(format!("run{run}")),
            step: None,
            what: What::Confirmed {
                hash: plan.hash(),
                plan: Box::new(plan),
                guards: Vec::new(),
                overrides: Default::default(),
                typed: "eu-west-1 38%".to_owned(),
                reason: "region down | at once".to_owned(),
            },
        };
        let who = Who {
            caller: Some("arn:aws:sts::111122223333:assumed-role/oncall/ana".to_owned()),
            ..Who::of_process()
        };
        book.append(entry, &who).unwrap();
    }
    (home, path)
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_format_carries_the_journal_and_no_escape_sequence() {
    let (home, _) = home(2);
    for format in ["table", "json", "csv", "md"] {
        for verb in ["list", "export"] {
            let output = run(home.path(), &["journal", verb, "--output", format]);
            let printed = text(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "{verb} {format}");
            assert!(!printed.contains('\u{1b}'), "{verb} {format}");
            assert!(
                printed.contains("run1") && printed.contains("red 0"),
                "{verb} {format}: {printed}"
            );
            let masked = run(home.path(), &["--privacy", "journal", verb, "-o", format]);
            assert!(
                !text(&masked.stdout).contains("111122223333"),
                "{verb} {format}"
            );
        }
    }
    let shown = text(&run(home.path(), &["journal", "show", "run1"]).stdout);
    assert!(
        shown.contains("red 1") && !shown.contains("red 0"),
        "{shown}"
    );
    assert!(shown.contains("region down"), "{shown}");
    let list = text(&run(home.path(), &["journal", "list"]).stdout);
    assert!(list.contains("not ended; no change is in doubt"), "{list}");
    assert_eq!(
        run(home.path(), &["journal", "show", "nope"]).status.code(),
        Some(1)
    );
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        run(empty.path(), &["journal", "list"]).status.code(),
        Some(0)
    );
    assert!(
        empty.path().read_dir().unwrap().next().is_none(),
        "reading makes no file"
    );
}

#[test]
fn verify_proves_the_chain_or_names_the_line() {
    let (home, path) = home(3);
    let good = run(home.path(), &["journal", "verify"]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    let head = verify(&path, None).unwrap().unwrap().chain.head;
    assert!(text(&good.stdout).contains(&head));
    let kept = run(home.path(), &["journal", "verify", "--head", &head]);
    assert_eq!(kept.status.code(), Some(0));
    let other = run(home.path(), &["journal", "verify", "--head", "0123"]);
    assert_eq!(other.status.code(), Some(1));
    let altered = std::fs::read_to_string(&path)
        .unwrap()
        .replacen("red 1", "red 7", 1);
    std::fs::write(&path, altered).unwrap();
    let bad = run(home.path(), &["journal", "verify"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        text(&bad.stderr).contains("line 2 is broken"),
        "{}",
        text(&bad.stderr)
    );
}

#[test]
fn many_processes_write_one_chain() {
    let (home, path) = home(8);
    let writers: Vec<_> = (0..8)
        .map(|run| {
            let arguments = ["journal", "settle", &format!("run{run}"), "looked at it"];
            command(home.path(), &arguments).spawn().unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let proof = verify(&path, None).unwrap().unwrap();
    assert_eq!((proof.chain.sequence, proof.chain.torn.len()), (16, 0));
    let again = run(home.path(), &["journal", "settle", "run3", "again"]);
    assert_eq!(again.status.code(), Some(1), "it is settled");
}

#[test]
fn a_full_disk_is_said_with_the_file_and_leaves_no_half_line() {
    let (home, path) = home(1);
    let before = std::fs::read(&path).unwrap();
    // A limit of the process stands in for a full disk: the write fails half-way in the same manner.
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$@\"",
        before.len() / 1_024 + 1
    );
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script, "bash", BINARY, "journal", "settle", "run0"])
        .arg("x".repeat(4_096))
        .env_clear()
        .env("HOME", home.path())
        .current_dir(home.path());
    let output = shell.output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("journal.jsonl") && error.contains("os error"),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn an_altered_plan_is_refused_before_anything_is_asked() {
    let (home, _) = home(0);
    let file = PlanFile::new(plan("Drain eu-west-1"), Vec::new());
    assert_eq!(PlanFile::read(&file.json()).unwrap(), file);
    let path = home.path().join("plan.json");
    let altered = file.json().replace("eu-west-1 38%", "eu-west-1 1%");
    std::fs::write(&path, altered).unwrap();
    let output = run(
        home.path(),
        &[
            "apply",
            "plan.json",
            "--confirm",
            "eu-west-1 1%",
            "--reason",
            "x",
        ],
    );
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("altered"));
}

#[test]
fn wrong_arguments_are_said_before_anything_is_asked() {
    let (home, _) = home(0);
    for arguments in [
        vec!["plan", "no-such-action", "eu-west-1"],
        vec!["plan", "drain-region", "eu-west-1", "--percent", "101"],
        vec!["plan", "drain-region", "eu-west-1", "-o", "csv"],
        vec![
            "plan",
            "drain-region",
            "eu-west-1",
            "-o",
            "json",
            "--privacy",
        ],
        vec!["apply", "plan.json", "--confirm", "x"],
        vec!["apply", "plan.json", "--override", "G-NOPE=x"],
        vec!["apply", "plan.json", "--override", "G-CAP= "],
        vec!["iam-policy", "--actions", "nope"],
    ] {
        let output = run(home.path(), &arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn the_policy_is_json_that_iam_takes() {
    let (home, _) = home(0);
    let output = run(
        home.path(),
        &["iam-policy", "--actions", "drain-region,mute-alarms"],
    );
    let policy: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    let read_only: serde_json::Value =
        serde_json::from_slice(&run(home.path(), &["iam-policy"]).stdout).unwrap();
    assert_eq!(read_only["Statement"].as_array().unwrap().len(), 1);
}
