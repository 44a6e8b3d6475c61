//! A panic: the terminal is given back before its report is printed, and one in a part of the console does not end it.

use super::Session;

const FAULT: &str = "PILOTHOUSE_FAULT";

#[test]
fn a_panic_gives_the_terminal_back_and_says_where_the_journal_is() {
    let mut session = Session::demo(&[], &[(FAULT, "loop")], (80, 24));
    session.wait_for("eu-west-1");
    session.press("\x1b[24~");
    assert_eq!(session.end(), 101);
    session.assert_given_back();
    let text = session.text();
    let (_, report) = text.rsplit_once("\x1b[?1049l").unwrap();
    assert!(
        report.contains("PILOTHOUSE_FAULT") && report.contains("The journal is"),
        "{report}"
    );
}

#[test]
fn a_panic_in_a_part_is_said_and_reported_at_the_end() {
    let mut session = Session::demo(&[], &[(FAULT, "part")], (80, 24));
    session.wait_for("eu-west-1");
    session.press("\x1b[24~");
    session.wait_for("a part of the console failed");
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
    let text = session.text();
    let (_, report) = text.rsplit_once("\x1b[?1049l").unwrap();
    assert!(report.contains("PILOTHOUSE_FAULT"), "{report}");
}
