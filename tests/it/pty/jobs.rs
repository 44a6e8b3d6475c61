//! Stopped and continued: by the key, as a job of the shell, and by somebody else's signal.

use rustix::process::Signal;

use super::{BINARY, Session};

#[test]
fn it_stops_and_continues_as_a_job_of_the_shell() {
    let script =
        format!("'{BINARY}' demo; echo stopped-$?; read line; fg >/dev/null; echo left-$?");
    let mut session = Session::start("/bin/sh", &["-mc", &script], &[], (80, 24));
    session.wait_for("eu-west-1");
    session.press("\x1a");
    session.wait("stopped", |screen| {
        !screen.alternate_screen() && screen.contents().contains("stopped-")
    });
    session.assert_given_back();
    let before = session.bytes.len();
    session.press("\n");
    session.wait_for("continued");
    session.wait_for("eu-west-1");
    let again = String::from_utf8_lossy(&session.bytes[before..]).into_owned();
    assert!(
        again.contains("\x1b[?1049h") && again.contains("\x1b[2J"),
        "everything is drawn again"
    );
    session.press("q");
    session.wait_for("left-0");
    session.assert_given_back();
}

#[test]
fn a_signal_that_stops_it_is_survived() {
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    session.signal(Signal::STOP);
    session.signal(Signal::CONT);
    session.wait_for("continued");
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}

#[test]
fn without_a_shell_nothing_stops_and_the_screen_comes_back() {
    // A process group without a parent in its session is never stopped by the terminal's signal.
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    session.press("\x1a");
    session.wait_for("continued");
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}
