//! What is sent: whole frames, no colour where none is wanted, little for a key, and nothing for nothing.

use super::Session;

#[test]
fn every_synchronized_update_is_closed() {
    let mut session = Session::demo(&[], &[], (120, 40));
    session.wait_for("eu-west-1");
    session.press("?");
    session.wait_for("Help (keymap");
    session.press("\x03");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}

/// Every parameter of every SGR sequence.
fn sgr(text: &str) -> Vec<String> {
    let sequences = text.split("\x1b[").skip(1);
    let parameters = |sequence: &str| {
        let end = sequence.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        sequence[end..]
            .starts_with('m')
            .then(|| sequence[..end].to_owned())
    };
    let all: Vec<String> = sequences.filter_map(parameters).collect();
    all.iter()
        .flat_map(|one| one.split(';'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn without_colour_only_bold_dim_underline_and_reverse_are_sent() {
    let mut session = Session::demo(&[], &[("NO_COLOR", "1")], (80, 24));
    session.wait_for("eu-west-1");
    session.press("j");
    // What a terminal makes of it: the row that is selected is reversed, all of its name.
    session.wait("the selection is reversed", |screen| {
        let rows = screen.rows(0, 80).zip(0..);
        let names = rows.filter_map(|(text, row)| Some((row, text.find("eu-west-1")? as u16)));
        names.into_iter().any(|(row, at)| {
            (at..at + 9).all(|column| screen.cell(row, column).is_some_and(vt100::Cell::inverse))
        })
    });
    session.press("q");
    assert_eq!(session.end(), 0);
    let text = session.text();
    let mut sent = sgr(&text);
    sent.sort_unstable();
    sent.dedup();
    let known = ["", "0", "1", "2", "4", "7", "22", "24", "27"];
    assert!(
        sent.iter().all(|one| known.contains(&one.as_str())),
        "{sent:?}"
    );
}
