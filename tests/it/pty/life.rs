//! It starts, draws what there is, and leaves the terminal as it found it; without one it prints lines.

use super::{BINARY, Session};

#[test]
fn it_draws_all_regions_and_gives_the_terminal_back() {
    let mut session = Session::demo(&[], &[], (80, 24));
    for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
        session.wait_for(region);
    }
    assert!(session.screen.screen().alternate_screen() && session.screen.screen().hide_cursor());
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}

#[test]
fn a_drill_ends_with_its_score_where_that_was_asked_for() {
    let mut session = Session::demo(&["--scenario", "calm", "--score"], &[], (80, 24));
    session.wait_for("eu-west-1");
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
    let text = session.text();
    let (_, after) = text.rsplit_once("\x1b[?1049l").unwrap();
    for part in [
        "detection ",
        "RTO ",
        "0 of 0 changes not in the journal",
        "100 of 100",
    ] {
        assert!(after.contains(part), "{part}: {after}");
    }
}

#[test]
fn a_key_after_a_resize_is_not_lost() {
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    for size in [(81, 24), (80, 24)] {
        // Both signal and key are waiting when the input thread looks.
        session.resize(size);
        session.press("?");
        session.wait_for("Help (keymap");
        session.press("\x1b");
        session.wait("closed", |screen| {
            !screen.contents().contains("Help (keymap")
        });
    }
    session.press("q");
    assert_eq!(session.end(), 0);
}

#[test]
fn without_a_terminal_it_prints_lines() {
    let mut command = std::process::Command::new(BINARY);
    command
        .args(["demo", "--speed", "20", "--scenario", "calm", "--score"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let line = lines
        .find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.contains("region eu-west-1"))
        })
        .unwrap()
        .unwrap();
    assert!(!line.contains('\x1b'), "{line:?}");
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let score = rest.last().unwrap();
    assert!(
        score.starts_with("score ") && score.contains("of 100"),
        "{rest:?}"
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Keys without a screen, or a screen without keys: lines, and no sequence. `script` says how the two differ from a terminal.
fn lines(script: &str, environment: &[(&str, &str)]) {
    let script = script.replace("BINARY", BINARY);
    let mut session = Session::start("/bin/sh", &["-c", &script], environment, (80, 24));
    session.wait_for("region eu-west-1");
    session.press("\x03");
    session.end();
    assert!(!session.text().contains("\x1b["), "{}", session.text());
}

#[test]
fn without_keys_it_prints_lines_on_the_terminal() {
    lines("'BINARY' demo --speed 20 </dev/null", &[]);
}

#[test]
fn without_a_screen_it_prints_lines_into_the_pipe() {
    lines("'BINARY' demo --speed 20 | cat", &[]);
}

#[test]
fn a_dumb_terminal_gets_lines() {
    lines("exec 'BINARY' demo --speed 20", &[("TERM", "dumb")]);
}
