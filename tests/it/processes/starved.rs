//! What a console lives on is taken away: the disk in the middle of a run, and its credentials. Nothing is sent without its line, and what was begun can be gone on with.

use std::{process::Command, time::Duration};

use pilothouse::plan::entry::{Entry, What};

use super::{
    Story,
    hosts::{BINARY, Host, applied, code, credentials_of, text},
};

pub const STORIES: &[Story] = &[
    ("a disk that fills up before the confirmation", || {
        full(Until::Confirmed, false);
    }),
    ("a disk that fills up before the change", || {
        full(Until::Sending, false);
    }),
    (
        "the same where the signal about it kills by default",
        || {
            full(Until::Sending, true);
        },
    ),
    ("credentials that expire between two changes", expired),
];

const SHIFT: &[&str] = &[
    "shift-weights",
    "api.shop.example. A/eu-west-1",
    "--percent",
    "10",
    "--bake",
    "0s",
];

/// Which line does not fit on the disk any more.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    Confirmed,
    Sending,
}

/// How long the journal of a run is before a line, by one that went well.
fn before(until: Until, journal: &str) -> usize {
    let mut bytes = 0;
    for line in journal.lines() {
        let entry: Entry = serde_json::from_str(line).unwrap();
        let found = match until {
            Until::Confirmed => matches!(entry.what, What::Confirmed { .. }),
            Until::Sending => matches!(entry.what, What::Sending { .. }),
        };
        if found {
            return bytes + line.len() / 2;
        }
        bytes += line.len() + 1;
    }
    panic!("it has no such line");
}

fn full(until: Until, by_signal: bool) {
    let well = Host::new(&["api"]);
    let output = applied(well.act(SHIFT));
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    let length = before(until, &std::fs::read_to_string(well.journal()).unwrap());
    let host = Host::new(&["api"]);
    let planned = host.plan(SHIFT).map_err(|output| text(&output)).unwrap();
    let (file, confirmation) = &planned;
    // A limit on the length of files is the disk that every account can fill.
    let mut command = Command::new("/bin/sh");
    let trap = if by_signal { "" } else { "trap '' XFSZ; " };
    // In blocks of 512 bytes.
    let script = format!("{trap}ulimit -f {}; exec \"$@\"", length / 512);
    command
        .args(["-c", &script, "sh", BINARY, "apply", file.to_str().unwrap()])
        .args(confirmation)
        .current_dir(host.file(""))
        .env_clear()
        .envs(host.environment());
    let output = command.output().unwrap();
    assert_eq!(code(&output), Some(5), "{}", text(&output));
    assert!(
        text(&output).contains("the journal cannot be written, so nothing was sent"),
        "{}",
        text(&output)
    );
    assert_eq!(host.zone.log(), [], "nothing was sent");
    assert_eq!(host.zone.sets(), host.untouched());
    host.agree(0).unwrap();
    // There is room again: the same is planned and done.
    let output = applied(host.act(SHIFT));
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    host.agree(0).unwrap();
}

/// Domain X3: the credentials expire in the middle of a plan; the journal knows where it stood, and with new ones it goes on.
fn expired() {
    let host = Host::new(&["api", "www"]);
    let mut child = host.act(&["drain-region", "eu-west-1", "--now"]);
    if !host.zone.await_writes(1, Duration::from_secs(30)) {
        let _ = child.kill();
        panic!("nothing was sent: {}", text(&applied(child)));
    }
    host.wire.expire("AKIDWIRE");
    let renewed = host.file("credentials");
    // Whoever renews them needs a while; the console asks again meanwhile.
    std::thread::sleep(Duration::from_secs(3));
    std::fs::write(renewed, credentials_of("AKIDNEW")).unwrap();
    let output = applied_when(child, &host, 2);
    assert_eq!(host.zone.log().len(), 2, "{output}");
    assert!(
        host.zone
            .sets()
            .iter()
            .all(|set| (set.id == "eu-west-1") == (set.weight == "0")),
        "{output}"
    );
    host.agree(0).unwrap();
}

/// Lets a drain go on until so many of its changes were seen, for a minute at most, and asks it to end, for it waits long for its last users. One that has not done all is planned again.
fn applied_when(mut child: std::process::Child, host: &Host, changes: usize) -> String {
    let mut said = String::new();
    for _ in 0..3 {
        host.zone.await_writes(changes, Duration::from_secs(60));
        let id = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        // It may have ended by itself.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let output = applied(child);
        said.push_str(&text(&output));
        if host.zone.log().len() >= changes {
            break;
        }
        child = host.act(&["drain-region", "eu-west-1", "--now"]);
    }
    said
}
