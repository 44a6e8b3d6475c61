//! Nothing confirms but keys that answer what stands on the screen: no paste, and nothing that was typed ahead.

use std::path::Path;

use super::Session;

const PLAN: &str = ":shift-weights api.shop.example. A/eu-west-1 percent=30\r";
const PHRASE: &str = "eu-west-1";
const LAST: &str = "y: carry it out now";

fn pasted(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

/// Asks a question of the confirmation, answers it wrongly, and closes it: what was answered has been taken in by then.
fn wrongly(session: &mut Session, question: &str, answer: &str) {
    session.press("c");
    session.wait_for(question);
    session.press(answer);
    closed(session);
}

fn closed(session: &mut Session) {
    session.press("\x1b");
    session.wait("the question is closed, the plan is there", |screen| {
        let text = screen.contents();
        text.contains("valid for") && !text.contains("Confirm") && !text.contains("Run ")
    });
}

fn runs(journal: &Path) -> usize {
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    text.matches("\"confirmed\"").count()
}

#[test]
fn neither_a_paste_nor_what_was_typed_ahead_confirms() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.jsonl");
    let arguments = ["--scenario", "calm", "--journal", journal.to_str().unwrap()];
    let mut session = Session::demo(&arguments, &[], (100, 30));
    // The metrics have been read: a plan is judged by them.
    session.wait_for("0.06%");
    let not_armed = "Not armed.";
    // Everything at once, before any of it was asked.
    let ahead = format!("{PLAN}carm ahead\r{PHRASE}y\r");
    session.press(&ahead);
    session.wait_for(not_armed);
    closed(&mut session);
    wrongly(&mut session, not_armed, &pasted("arm pasted\r"));
    wrongly(&mut session, not_armed, &(pasted("arm pasted") + "\r"));
    wrongly(&mut session, not_armed, &format!("{PHRASE}y\r"));
    session.wait_for("READ-ONLY");
    // Armed by hand; the phrase and the last key came too early.
    session.press("c");
    session.wait_for(not_armed);
    session.press(&format!("arm a test\r{PHRASE}y"));
    session.wait_for("to go on:");
    closed(&mut session);
    session.wait_for("ARMED");
    wrongly(&mut session, "to go on:", &pasted(&format!("{PHRASE}\ry")));
    session.press("c");
    session.wait_for("to go on:");
    session.press(&format!("{PHRASE}y"));
    session.wait_for(LAST);
    session.press(&pasted("y"));
    session.press("\r");
    closed(&mut session);
    assert_eq!(runs(&journal), 0);
    // And as it is meant.
    session.press("c");
    session.wait_for("to go on:");
    session.press(PHRASE);
    session.wait_for(LAST);
    session.press("y");
    session.wait_for("Run ");
    session.wait_for("VERIFYING");
    assert_eq!(runs(&journal), 1);
    session.press("\x03");
    session.end();
}
