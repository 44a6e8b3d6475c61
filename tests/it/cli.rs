//! The built binary on a command line without a terminal: exit codes, formats, masking, pipes. Calls nobody but the embedded simulator.

use std::{
    io::Read,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_pilothouse");

/// A folder that is home and working directory at once.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(folder().path(), arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Whether the account of the simulated worlds is in a text.
fn has_account(text: &str) -> bool {
    text.contains("111122223333")
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let codes: Vec<(&[&str], i32)> = vec![
        (&["status", "--scenario", "calm"], 0),
        (&["demo", "--list"], 0),
        (&["demo", "--scenario", "nope"], 1),
        (&["replay", "nope"], 1),
        (&["status"], 2),
        (&["--wrong"], 2),
        (&["status", "--scenario", "calm", "--at", "1e12"], 2),
        (&["--record", "x", "status", "--scenario", "calm"], 2),
        (&["status", "--scenario", "calm", "--fail-on", "warn"], 0),
        (
            &[
                "status",
                "--scenario",
                "region-down",
                "--at",
                "600",
                "--fail-on",
                "critical",
            ],
            3,
        ),
    ];
    for (arguments, code) in codes {
        let output = run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert_eq!(
            output.stderr.is_empty(),
            matches!(code, 0 | 3),
            "{arguments:?}"
        );
    }
}

#[test]
fn privacy_masks_every_format() {
    for format in ["json", "csv", "md", "table"] {
        let arguments = |privacy: bool| {
            let mut arguments = vec!["status", "--scenario", "calm", "--output", format];
            for pane in ["regions", "databases", "caches", "traffic", "clusters"] {
                arguments.extend(["--pane", pane]);
            }
            if privacy {
                arguments.push("--privacy");
            }
            arguments
        };
        let open = text(&run(&arguments(false)).stdout);
        let masked = text(&run(&arguments(true)).stdout);
        assert!(
            !has_account(&masked) && !masked.contains("arn:aws"),
            "{format}: {masked}"
        );
        assert_eq!(open.lines().count(), masked.lines().count(), "{format}");
        // Else the test would show nothing.
        let secret = has_account(&open) || open.contains("arn:aws");
        assert!(secret || format == "table" || format == "md", "{format}");
    }
}

#[test]
fn json_has_what_its_schema_promises_on_every_row() {
    let output = run(&[
        "status",
        "--scenario",
        "region-down",
        "--at",
        "300",
        "-o",
        "json",
    ]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    let panes = status["panes"].as_object().unwrap();
    assert_eq!(panes.len(), 11);
    for (pane, rows) in panes {
        for row in rows.as_array().unwrap() {
            for field in ["key", "severity", "freshness", "place"] {
                assert!(row[field].is_string(), "{pane} {field}: {row}");
            }
            let never = row["freshness"] == "never";
            assert!(row["observed_at"].is_string() || never, "{pane}: {row}");
        }
    }
    assert!(!status["failures"].as_array().unwrap().is_empty());
}

#[test]
fn csv_names_every_column_once_and_has_them_in_every_record() {
    for pane in ["alarms", "databases", "traffic", "health-checks"] {
        let output = run(&["status", "--scenario", "calm", "-o", "csv", "--pane", pane]);
        let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
        let names: Vec<String> = reader
            .headers()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect();
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len(), "{pane}: {names:?}");
        let records: Result<Vec<_>, _> = reader.records().collect();
        assert!(!records.unwrap().is_empty(), "{pane}");
    }
}

#[test]
fn tables_say_what_was_not_read() {
    let arguments = ["status", "--scenario", "region-down", "--at", "300"];
    assert!(text(&run(&arguments).stdout).contains("\nNOT READ\n us-east-1 "));
    let calm = text(&run(&["status", "--scenario", "calm"]).stdout);
    assert!(!calm.contains("NOT READ"), "{calm}");
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    for arguments in [
        vec!["status", "--scenario", "calm", "-o", "json"],
        vec!["demo", "--list"],
        vec!["keys"],
    ] {
        let folder = folder();
        let mut child = command(folder.path(), &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn without_utf8_a_table_is_ascii_and_a_file_keeps_its_letters() {
    let folder = folder();
    let scenario = "name = \"umlaut\"\ntitle = \"t\"\ndescription = \"d\"\nseed = 1\nduration = 600\n\
        [[estate.regions]]\nlabel = \"münchen\"\naws_region = \"eu-central-1\"\nrole = \"primary\"\nload_rps = 1000\np95_ms = 90\n\
        [[estate.regions]]\nlabel = \"paris\"\naws_region = \"eu-west-3\"\nload_rps = 1000\np95_ms = 90\n";
    std::fs::write(folder.path().join("umlaut.toml"), scenario).unwrap();
    let status = |format: &str| {
        let arguments = ["status", "--scenario", "umlaut.toml", "-o", format];
        let output = command(folder.path(), &arguments).env("LANG", "C").output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(status("table").is_ascii());
    assert!(status("table").contains("m?nchen"));
    assert!(status("csv").contains("münchen"));
}

#[test]
fn a_broken_configuration_is_told_whole() {
    let folder = folder();
    let path = folder.path().join("pilothouse.toml");
    let broken = "environment = 5\n[[region]]\nlabel = \"a\"\nrol = \"primary\"\n";
    std::fs::write(&path, broken).unwrap();
    let output = command(folder.path(), &["check"]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains(":1:15: "), "{said}");
    assert!(said.contains("did you mean `role`?"), "{said}");
    std::fs::write(&path, b"environment = \"\xff\"\n").unwrap();
    let output = command(folder.path(), &["check"]).output().unwrap();
    assert!(text(&output.stderr).contains("is not UTF-8"));
}

#[test]
fn a_file_that_never_ends_is_refused_and_not_read() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = Command::new("mkfifo").arg(path("fifo")).status().unwrap();
    assert!(made.success());
    let huge = std::fs::File::create(path("huge")).unwrap();
    huge.set_len(5 * 1024 * 1024).unwrap();
    let cases = [
        ("/dev/zero".to_owned(), "it is no regular file"),
        (path("fifo"), "it is no regular file"),
        (path("huge"), "it is larger than 4 MiB"),
    ];
    for (file, why) in cases {
        for arguments in [
            ["check", "--config", &file].as_slice(),
            &["demo", "--scenario", &file],
            &["status", "--scenario", &file],
        ] {
            let output = command(folder.path(), arguments).output().unwrap();
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(said.contains(why), "{arguments:?}: {said}");
            assert!(!output.status.success(), "{arguments:?}");
        }
    }
}

#[test]
fn a_credential_process_is_itself_and_one_that_hangs_is_ended_with_what_it_has_started() {
    let said = run(&["credential-process", "echo token; echo why >&2; exit 3"]);
    let parts = (said.status.code(), text(&said.stdout), text(&said.stderr));
    assert_eq!(parts, (Some(3), "token\n".to_owned(), "why\n".to_owned()));
    // Each of them holds our pipe: it is at its end when both have gone.
    let hung = "sleep 600 & sleep 600";
    let said = run(&["credential-process", "--within", "0.1", hung]);
    assert!(!said.status.success());
    assert!(text(&said.stderr).contains("did not end within 0.1 s"));
}

#[test]
fn a_credential_process_is_ended_though_nobody_reads_its_complaint() {
    let folder = folder();
    let hung = [
        "credential-process",
        "--within",
        "0.1",
        "sleep 600 & sleep 600",
    ];
    let mut child = command(folder.path(), &hung)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As the SDK leaves it when a load is given up.
    drop(child.stderr.take());
    let mut out = String::new();
    let mut pipe = child.stdout.take().unwrap();
    // At its end when everybody who holds it has gone.
    pipe.read_to_string(&mut out).unwrap();
    assert!(!child.wait().unwrap().success());
}
