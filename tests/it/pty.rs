//! The binary in a real pseudo-terminal. Owns the terminal at its other end: it reads, answers as terminals do, or stalls.

mod bytes;
mod confirm;
mod crash;
mod hands;
mod jobs;
mod life;
mod lost;
mod plugins;
mod storm;

use std::{
    io::{Read, Write},
    num::NonZero,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const BINARY: &str = env!("CARGO_BIN_EXE_pilothouse");
/// A deadline for things that take milliseconds; generous, because these machines are shared.
const SOON: Duration = Duration::from_secs(20);

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

fn size_of((columns, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

type Keys = Arc<Mutex<Box<dyn Write + Send>>>;

pub struct Session {
    master: Box<dyn MasterPty + Send>,
    pub child: Box<dyn Child + Send + Sync>,
    keys: Keys,
    output: Receiver<Vec<u8>>,
    /// Whoever holds it keeps the terminal from reading.
    gate: Arc<Mutex<()>>,
    /// The terminal reads no more.
    over: Arc<AtomicBool>,
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

impl Session {
    pub fn start(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        size: (u16, u16),
    ) -> Self {
        let pair = native_pty_system().openpty(size_of(size)).unwrap();
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
        let keys: Keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let (gate, over) = (Arc::new(Mutex::new(())), Arc::new(AtomicBool::new(false)));
        let (sender, output) = channel();
        let (answers, passes, ends) = (Arc::clone(&keys), Arc::clone(&gate), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            let mut before = Vec::new();
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                drop(passes.lock());
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let bytes = buffer[..count].to_vec();
                before.extend_from_slice(&bytes);
                answer(&mut before, &answers);
                if sender.send(bytes).is_err() {
                    return;
                }
            }
        });
        let (columns, rows) = size;
        Self {
            master: pair.master,
            child,
            keys,
            output,
            gate,
            over,
            bytes: Vec::new(),
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
        }
    }

    fn demo(arguments: &[&str], environment: &[(&str, &str)], size: (u16, u16)) -> Self {
        Self::start(BINARY, &[&["demo"], arguments].concat(), environment, size)
    }

    pub fn press(&mut self, keys: &str) {
        self.keys
            .lock()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Tells the program a new size. The emulator keeps its own: only what is drawn after the last one is looked at.
    fn resize(&mut self, size: (u16, u16)) {
        self.master.resize(size_of(size)).unwrap();
    }

    /// The terminal reads nothing while this is held.
    fn stall(gate: &Mutex<()>) -> MutexGuard<'_, ()> {
        gate.lock().unwrap()
    }

    /// The terminal goes away without a word: nobody holds its end any more.
    pub fn vanish(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Something to read, so that the reader sees that it is over and lets go.
        self.press("?");
        *self.keys.lock().unwrap() = Box::new(std::io::sink());
        self.master = native_pty_system()
            .openpty(PtySize::default())
            .unwrap()
            .master;
        while self.output.recv_timeout(SOON).is_ok() {}
    }

    fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Reads until the screen satisfies a condition, at the end of a frame: what is typed before a question stands there whole is rightly not heard.
    fn wait(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + SOON;
        while self.in_frame() || !condition(self.screen.screen()) {
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

    /// Whether the last synchronized update is still open.
    fn in_frame(&self) -> bool {
        const UPDATE: &[u8] = b"\x1b[?2026";
        let mut windows = self.bytes.windows(UPDATE.len() + 1).rev();
        let last = windows.find(|window| window.starts_with(UPDATE));
        last.is_some_and(|window| window.ends_with(b"h"))
    }

    pub fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    /// Reads to the end and returns the exit code. One that does not leave by itself fails its test instead of hanging it.
    pub fn end(&mut self) -> u32 {
        let end = Instant::now() + SOON;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.bytes.extend(bytes);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    panic!("it does not leave");
                }
            }
        }
        self.child.wait().unwrap().exit_code()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Synchronized updates are opened and closed in turn, and none is open at the end.
    fn assert_updates_closed(&self) {
        let text = self.text();
        let (mut open, mut frames) = (false, 0);
        for (at, _) in text.match_indices("\x1b[?2026") {
            match text.as_bytes().get(at + 7) {
                Some(b'h') => {
                    assert!(!open, "opened twice");
                    (open, frames) = (true, frames + 1);
                }
                Some(b'l') => open = false,
                other => panic!("cut off: {other:?}"),
            }
        }
        assert!(
            !open && frames > 0,
            "{frames} frames, the last one open: {open}"
        );
    }

    /// The terminal is as it was before.
    fn assert_given_back(&self) {
        self.assert_updates_closed();
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        // The emulator does not know this one: letters from right to left.
        let text = self.text();
        let last = |sequence| text.rfind(sequence);
        assert!(last("\x1b[8l") < last("\x1b[8h") && last("\x1b[8l").is_some());
    }
}

/// Answers "what are you?" as often as it was asked.
fn answer(bytes: &mut Vec<u8>, keys: &Keys) {
    const QUESTION: &[u8] = b"\x1b[c";
    while let Some(at) = bytes.windows(3).position(|window| window == QUESTION) {
        bytes.drain(..at + 3);
        // Who has left cannot be answered.
        let _ = keys.lock().unwrap().write_all(b"\x1b[?62;22c");
    }
    bytes.drain(..bytes.len().saturating_sub(2));
}

impl Drop for Session {
    fn drop(&mut self) {
        // Only a session whose test failed is still there.
        let _ = self.child.kill();
    }
}
