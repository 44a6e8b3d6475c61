//! The binary in a real pseudo-terminal: it starts, draws, resizes, survives the loss of its terminal, and gives the terminal back.

use std::{
    io::{Read, Write},
    num::NonZero,
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const BINARY: &str = env!("CARGO_BIN_EXE_pilothouse");
/// A deadline for things that take milliseconds; generous, because these machines are shared.
const SOON: Duration = Duration::from_secs(20);

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

struct Session {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

impl Session {
    fn start(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("LANG", "C.UTF-8"),
            ("HOME", home.path().to_str().unwrap()),
            ("PATH", "/usr/bin:/bin"),
        ]
        .iter()
        .chain(environment)
        {
            command.env(name, value);
        }
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            master: pair.master,
            child,
            keys,
            output,
            bytes: Vec::new(),
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
        }
    }

    fn demo(arguments: &[&str], environment: &[(&str, &str)], size: (u16, u16)) -> Self {
        Self::start(BINARY, &[&["demo"], arguments].concat(), environment, size)
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Tells the program a new size. The emulator keeps its own: only what is drawn after the last one is looked at.
    fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.master
            .resize(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
    }

    /// Reads until the screen satisfies a condition.
    fn wait(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + SOON;
        while !condition(self.screen.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.bytes.extend(bytes);
                }
                Err(error) => panic!(
                    "{what}: {error}; the screen is\n{}",
                    self.screen.screen().contents()
                ),
            }
        }
    }

    fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    /// Reads to the end and returns the exit code.
    fn end(&mut self) -> u32 {
        let end = Instant::now() + SOON;
        while let Ok(bytes) = self
            .output
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            self.screen.process(&bytes);
            self.bytes.extend(bytes);
        }
        // One that does not leave by itself must fail its test, not hang it.
        if Instant::now() >= end {
            let _ = self.child.kill();
        }
        self.child.wait().unwrap().exit_code()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Only a session whose test failed is still there.
        let _ = self.child.kill();
    }
}

#[test]
fn it_draws_all_regions_and_gives_the_terminal_back() {
    let mut session = Session::demo(&[], &[], (80, 24));
    for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
        session.wait_for(region);
    }
    assert!(session.screen.screen().alternate_screen() && session.screen.screen().hide_cursor());
    session.press("q");
    assert_eq!(session.end(), 0);
    let screen = session.screen.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
}

#[test]
fn every_synchronized_update_is_closed() {
    let mut session = Session::demo(&[], &[], (120, 40));
    session.wait_for("eu-west-1");
    session.press("?");
    session.wait_for("Help (keymap");
    session.press("\x03");
    assert_eq!(session.end(), 0);
    let text = session.text();
    let (opened, closed) = (
        text.matches("\x1b[?2026h").count(),
        text.matches("\x1b[?2026l").count(),
    );
    // Leaving closes once more, in case a frame was cut off.
    assert!(
        opened >= 2 && closed >= opened,
        "{opened} opened, {closed} closed"
    );
}

#[test]
fn without_colour_no_colour_command_is_sent_and_the_selection_stays_reversed() {
    let mut session = Session::demo(&[], &[("NO_COLOR", "1")], (80, 24));
    session.wait_for("eu-west-1");
    session.press("q");
    assert_eq!(session.end(), 0);
    let text = session.text();
    assert!(text.contains("\x1b[7m"), "the selection is reversed");
    // crossterm writes a colour as one of these; with NO_COLOR it writes a full reset instead, which would wipe the reverse video.
    for colour in ["\x1b[38;", "\x1b[48;", "\x1b[;m", "\x1b[39m", "\x1b[49m"] {
        assert!(!text.contains(colour), "{colour:?} was sent");
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
fn any_size_draws() {
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    let sizes = [
        (1, 1),
        (400, 200),
        (59, 14),
        (2, 100),
        (300, 3),
        (60, 15),
        (80, 24),
    ];
    for size in sizes {
        session.resize(size);
        session.press("j\x0c");
    }
    session.press("?");
    session.wait_for("Help (keymap");
    session.press("\x03");
    assert_eq!(session.end(), 0);
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
fn it_leaves_when_the_terminal_vanishes_without_a_signal() {
    let script = format!("trap '' HUP; exec '{BINARY}' demo");
    let mut session = Session::start("/bin/sh", &["-c", &script], &[], (80, 24));
    session.wait_for("eu-west-1");
    let Session {
        master,
        keys,
        output,
        child,
        ..
    } = &mut session;
    // Both ends that we hold must go for the terminal to be gone.
    *keys = Box::new(std::io::sink());
    let gone = Instant::now();
    let other = native_pty_system().openpty(PtySize::default()).unwrap();
    *master = other.master;
    drop(std::mem::replace(output, channel().1));
    let end = gone + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "still there after 10 s");
        std::thread::yield_now();
    }
}

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
    session.press("\n");
    session.wait_for("continued");
    session.press("q");
    session.wait_for("left-0");
}

#[test]
fn quitting_works_while_every_api_hangs() {
    // A listener that never accepts: connections are made and then nothing comes.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pilothouse.toml");
    std::fs::write(
        &file,
        "environment = \"test\"\n[[region]]\nlabel = \"eu-west-1\"\n",
    )
    .unwrap();
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];
    let mut session = Session::start(
        BINARY,
        &["--config", file.to_str().unwrap()],
        &environment,
        (80, 24),
    );
    session.wait_for("eu-west-1");
    session.press("?");
    session.wait_for("Help (keymap");
    let asked = Instant::now();
    session.press("\x03");
    assert_eq!(session.end(), 0);
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "it waited for the APIs"
    );
}

#[test]
fn without_a_terminal_it_prints_lines() {
    let mut command = std::process::Command::new(BINARY);
    command
        .args(["demo", "--speed", "20"])
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
    child.kill().unwrap();
    child.wait().unwrap();
}
