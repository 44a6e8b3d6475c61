//! Credential processes: whatever they write or read, nothing of it reaches the screen, and no key reaches them.

use super::{BINARY, Session};

#[test]
fn a_credential_process_neither_writes_on_the_screen_nor_takes_keys() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    let script = folder.path().join("plugin");
    // It asks a question, as those for multi-factor codes do, and waits for the answer.
    let text = format!(
        "echo NOISE >&2\nread answer || echo closed > '{0}'\ntest -z \"$answer\" || echo \"$answer\" > '{0}'\nexit 1\n",
        taken.display()
    );
    std::fs::write(&script, text).unwrap();
    let file = folder.path().join("pilothouse.toml");
    std::fs::write(
        &file,
        "environment = \"test\"\n[[region]]\nlabel = \"eu-west-1\"\n",
    )
    .unwrap();
    let aws = folder.path().join("config");
    let process = format!(
        "[default]\ncredential_process = /bin/sh {}\n",
        script.display()
    );
    std::fs::write(&aws, process).unwrap();
    let environment = [
        ("AWS_CONFIG_FILE", aws.to_str().unwrap()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    let arguments = ["--config", file.to_str().unwrap()];
    let mut session = Session::start(BINARY, &arguments, &environment, (80, 24));
    session.wait_for("eu-west-1");
    // The process has run when its end is seen.
    let end = std::time::Instant::now() + super::SOON;
    while !taken.exists() {
        assert!(std::time::Instant::now() < end, "it waits for keys");
        std::thread::yield_now();
    }
    session.press("?");
    session.wait_for("Help (keymap");
    session.press("\x03");
    assert_eq!(session.end(), 0);
    assert!(!session.text().contains("NOISE"));
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "closed\n");
}
