//! The terminal or everybody behind the APIs is gone, stalls, or never answers: the console leaves when it should and works on while it can.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{BINARY, SOON, Session};

/// Ticks of CPU time that a process has used, also when it has ended and waits for its parent.
#[cfg(target_os = "linux")]
fn cpu(pid: u32) -> Option<(bool, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
    Some((fields[0] == "Z", ticks))
}

#[test]
#[cfg(target_os = "linux")]
fn it_leaves_without_spinning_when_the_terminal_vanishes_without_a_signal() {
    let script = format!("trap '' HUP; exec '{BINARY}' demo");
    let mut session = Session::start("/bin/sh", &["-c", &script], &[], (80, 24));
    session.wait_for("eu-west-1");
    let before = cpu(session.pid()).unwrap().1;
    session.vanish();
    let gone = Instant::now();
    let used = loop {
        match cpu(session.pid()) {
            Some((true, ticks)) => break ticks - before,
            Some((false, _)) => assert!(gone.elapsed() < Duration::from_secs(10), "still there"),
            None => unreachable!("nobody has waited for it"),
        }
        std::thread::yield_now();
    };
    // A tick is 10 ms: one that spins for the watchdog's two seconds uses more than a hundred.
    assert!(used < 50, "{used} ticks of CPU time");
}

#[test]
fn quit_is_found_behind_a_flood_of_keys_and_resizes() {
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    for round in 0..500 {
        session.resize((80 + round % 2, 24));
    }
    let flood = "j\t".repeat(5_000);
    session.press(&flood);
    let asked = Instant::now();
    session.press("\x03");
    assert_eq!(session.end(), 0);
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(2), "it left after {took:?}");
}

#[test]
fn a_terminal_that_reads_no_more_holds_nothing_up() {
    let mut session = Session::demo(&["--speed", "20"], &[], (200, 60));
    session.wait_for("eu-west-1");
    let gate = std::sync::Arc::clone(&session.gate);
    let stalled = Session::stall(&gate);
    // Far more than any buffer on the way holds, if it were all drawn.
    for _ in 0..200 {
        session.press("z\x0c");
    }
    session.press("\x03");
    let asked = Instant::now();
    while session.child.try_wait().unwrap().is_none() {
        assert!(asked.elapsed() < SOON, "it waits for the terminal");
        std::thread::yield_now();
    }
    drop(stalled);
}

#[test]
fn a_terminal_that_reads_again_shows_the_present() {
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    let gate = std::sync::Arc::clone(&session.gate);
    let stalled = Session::stall(&gate);
    session.press(&"z\x0c".repeat(200));
    session.press(":");
    drop(stalled);
    session.press("legend\r");
    session.wait_for("Legend");
    session.press("\x03");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}

#[test]
fn asked_to_end_it_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::QUIT, Signal::HUP] {
        let mut session = Session::demo(&[], &[], (80, 24));
        session.wait_for("eu-west-1");
        session.signal(signal);
        assert_eq!(session.end(), 0, "{signal:?}");
        session.assert_given_back();
    }
}

#[test]
fn quitting_works_while_every_api_hangs() {
    for keys in ["q", "\x03"] {
        // A listener that never accepts: connections are made and then nothing comes.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pilothouse.toml");
        let estate = "environment = \"test\"\n[[region]]\nlabel = \"eu-west-1\"\n";
        std::fs::write(&file, estate).unwrap();
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ];
        let arguments = ["--config", file.to_str().unwrap()];
        let mut session = Session::start(BINARY, &arguments, &environment, (80, 24));
        session.wait_for("eu-west-1");
        session.press("?");
        session.wait_for("Help (keymap");
        session.press("\x1b");
        session.wait("closed", |screen| {
            !screen.contents().contains("Help (keymap")
        });
        let asked = Instant::now();
        session.press(keys);
        assert_eq!(session.end(), 0);
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "it waited for the APIs"
        );
        session.assert_given_back();
    }
}
