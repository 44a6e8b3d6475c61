//! What the hands of the user need besides keys: pager, editor, mouse, and a title that tells how bad it is.

use super::Session;

#[test]
fn the_pager_gets_the_text_and_the_keys_and_the_console_comes_back() {
    let pager = "cat; echo PAGED; read line </dev/tty; echo got-$line; read line </dev/tty";
    let mut session = Session::demo(&[], &[("PAGER", pager)], (80, 24));
    session.wait_for("eu-west-1");
    session.press("w");
    session.wait_for("Why us-east-1");
    session.press("|");
    session.wait("paged", |screen| {
        !screen.alternate_screen() && screen.contents().contains("PAGED")
    });
    // What is typed now belongs to the pager, and Ctrl-C in it does not end the console.
    session.press("q?j\n");
    session.wait_for("got-q?j");
    session.press("\n");
    session.wait("back", |screen| {
        screen.alternate_screen() && screen.contents().contains("Why us-east-1")
    });
    session.press("\x03");
    assert_eq!(session.end(), 0);
}

#[test]
fn the_configuration_is_edited_and_checked_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pilothouse.toml");
    std::fs::write(&file, "[console]\ntheme = \"dark\"\n").unwrap();
    let arguments = ["--config", file.to_str().unwrap()];
    let editor = [("EDITOR", "sed -i s/dark/drak/")];
    let mut session = Session::demo(&arguments, &editor, (80, 24));
    session.wait_for("eu-west-1");
    session.press("E");
    session.wait_for("there is no theme `drak`");
    session.press("\x03");
    assert_eq!(session.end(), 0);
}

#[test]
fn the_mouse_is_captured_where_it_is_wanted_and_given_back() {
    let mut session = Session::demo(&["--mouse"], &[], (80, 24));
    session.wait_for("ap-southeast-1");
    let rows: Vec<String> = session.screen.screen().rows(0, 80).collect();
    let row = rows.iter().position(|row| row.contains("ap-southeast-1"));
    let row = row.unwrap() as u16;
    let selected = |screen: &vt100::Screen| {
        let mark = screen.cell(row, 0);
        mark.is_some_and(|mark| mark.contents() == "▌")
    };
    assert!(!selected(session.screen.screen()));
    session.press(&format!("\x1b[<0;20;{}M\x1b[<0;20;{}m", row + 1, row + 1));
    session.wait("selected", selected);
    session.press("q");
    assert_eq!(session.end(), 0);
    let none = vt100::MouseProtocolMode::None;
    assert_eq!(session.screen.screen().mouse_protocol_mode(), none);
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    session.press("q");
    assert_eq!(session.end(), 0);
    assert!(!session.text().contains("\x1b[?1000h"), "off by default");
}

#[test]
fn the_title_says_how_bad_it_is_and_is_given_back() {
    let mut session = Session::demo(&["--speed", "100"], &[], (80, 24));
    session.wait_for("BAD");
    session.press("q");
    assert_eq!(session.end(), 0);
    let text = session.text();
    assert!(text.contains("\x1b[22;2t") && text.contains("BAD drill SIM pilothouse\x07"));
    assert!(
        text.ends_with("\x1b[23;2t") || text.contains("\x1b[23;2t"),
        "given back"
    );
}
