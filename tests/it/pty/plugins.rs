//! Credential processes and plugins: whatever they write or read, nothing of it reaches the screen, and no key reaches them.

use super::{BINARY, Session};

/// They ask a question, as those for multi-factor codes do, and wait for the answer; the second wherever its standard input leads.
#[test]
fn a_credential_process_neither_writes_on_the_screen_nor_takes_keys() {
    credential_process("", ">&2");
    credential_process("< /dev/tty", "> /dev/tty");
}

fn credential_process(input: &str, output: &str) {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    let script = folder.path().join("plugin");
    let text = format!(
        "echo NOISE {output}\nread answer {input} || echo closed > '{0}'\ntest -z \"$answer\" || echo \"$answer\" > '{0}'\nexit 1\n",
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

#[test]
fn a_plugin_of_a_kubeconfig_that_opens_the_terminal_itself_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // As those do that ask for a password whatever their standard input is.
    let plugin = format!(
        "echo > '{}'; echo NOISE > /dev/tty; read key < /dev/tty; echo > '{}'",
        at("started"),
        at("passed")
    );
    std::fs::write(at("plugin"), plugin).unwrap();
    let kubeconfig = format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: shop, cluster: {{server: 'http://127.0.0.1:9'}}}}]
users: [{{name: ops, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: ['{}'], interactiveMode: IfAvailable}}}}}}]
contexts: [{{name: shop, context: {{cluster: shop, user: ops}}}}]
",
        at("plugin")
    );
    std::fs::write(at("kubeconfig"), kubeconfig).unwrap();
    let config =
        "environment = \"test\"\n[[region]]\nlabel = \"on-premises\"\nkube_contexts = [\"shop\"]\n";
    std::fs::write(at("pilothouse.toml"), config).unwrap();
    let environment = [
        ("KUBECONFIG", at("kubeconfig")),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let arguments = ["--config", &at("pilothouse.toml")];
    let mut session = Session::start(BINARY, &arguments, &environment, (80, 24));
    session.wait_for("on-premises");
    let end = std::time::Instant::now() + super::SOON;
    while !std::path::Path::new(&at("started")).exists() {
        assert!(std::time::Instant::now() < end, "it was not asked");
        std::thread::yield_now();
    }
    // Keys are ours.
    session.press("?");
    session.wait_for("Help (keymap");
    session.press("\x1b");
    session.wait("help is closed", |screen| {
        !screen.contents().contains("Help (keymap")
    });
    session.press("\x03");
    assert_eq!(session.end(), 0);
    assert!(!session.text().contains("NOISE"));
    assert!(!std::path::Path::new(&at("passed")).exists());
}
