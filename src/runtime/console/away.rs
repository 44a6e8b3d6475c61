//! Another program has the terminal: the user's pager or editor. Owns how the terminal is lent and taken back; meanwhile the loop goes on without a screen,
//! so that a run in hand is not held up by somebody who reads.

use std::{
    io::{self, Write},
    path::Path,
    process::{ExitStatus, Stdio},
};

use tokio::process::{Child, Command};

use super::{GONE, Loop, Way};
use crate::{event::Event, report, runtime::terminal};

/// A program that has the terminal.
pub(super) struct Away {
    child: Child,
    errand: Errand,
}

/// Why it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    Read,
    Configure,
}

/// Ends with the program that has the terminal; never, while none has it.
pub(super) async fn returned(away: Option<&mut Away>) -> io::Result<ExitStatus> {
    match away {
        Some(away) => away.child.wait().await,
        None => std::future::pending().await,
    }
}

/// The first of these variables that names a program, or else the usual one.
fn program(variables: &[&str], usual: &str) -> String {
    let named = variables.iter().find_map(|name| {
        let program = std::env::var(name).ok()?;
        (!program.trim().is_empty()).then_some(program)
    });
    named.unwrap_or_else(|| usual.to_owned())
}

impl Loop {
    /// Shows what is in front in the pager.
    pub(super) fn page(&mut self) -> Way {
        let text = report::front(&self.state);
        // The text is clean, so a pager that lets escapes through is safe, too.
        let either = "if command -v less >/dev/null 2>&1; then exec less; else exec more; fi";
        let pager = program(&["PAGER"], either);
        let mut command = Command::new("sh");
        command.args(["-c", &pager]).stdin(Stdio::piped());
        self.lend(command, Errand::Read, Some(text))
    }

    /// Opens the configuration in the editor.
    pub(super) fn edit(&mut self) -> Way {
        let Some(file) = &self.outside.config else {
            let text = "there is no configuration file; `pilothouse init` writes one";
            self.note(Err(text.to_owned()));
            return Way::On;
        };
        let editor = program(&["VISUAL", "EDITOR"], "vi");
        let command = editing(&editor, &file.path);
        self.lend(command, Errand::Configure, None)
    }

    fn lend(&mut self, mut command: Command, errand: Errand, text: Option<String>) -> Way {
        // Answers that the terminal owes are taken in before nobody listens any more.
        terminal::restore();
        let begun = self.ears.close().and_then(|()| command.spawn());
        let fed = begun.and_then(|mut child| {
            if let (Some(pipe), Some(text)) = (child.stdin.take(), text) {
                feed(pipe, text)?;
            }
            Ok(child)
        });
        match fed {
            Ok(child) => {
                self.away = Some(Away { child, errand });
                Way::On
            }
            Err(error) => {
                let way = self.take_back();
                self.note(Err(format!("could not start it: {error}")));
                way
            }
        }
    }

    fn take_back(&mut self) -> Way {
        if self.screen.retake().is_err() {
            return Way::Lost(GONE);
        }
        self.ears.open();
        self.rhythm.change();
        Way::On
    }

    /// The program has ended: the terminal is ours again.
    pub(super) fn back(&mut self, status: io::Result<ExitStatus>) -> Way {
        let errand = self.away.take().map(|away| away.errand);
        let way = self.take_back();
        if way != Way::On {
            return way;
        }
        let failed = match status {
            Ok(status) if status.success() => None,
            Ok(status) => Some(format!("it ended with {status}")),
            Err(error) => Some(error.to_string()),
        };
        match (failed, errand, &self.outside.config) {
            (Some(text), ..) => {
                self.note(Err(text));
                Way::On
            }
            (None, Some(Errand::Configure), Some(file)) => {
                let lines = (file.check)();
                let title = format!("{} was checked", file.path.display());
                self.apply(Event::Told { title, lines })
            }
            (None, ..) => Way::On,
        }
    }
}

/// The editor may be given with arguments of its own, so a shell takes it apart; the path stays one word, whatever is in it.
fn editing(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\""));
    command.arg("sh").arg(path);
    command
}

/// Writes a text to a program that may not want all of it.
fn feed(pipe: tokio::process::ChildStdin, text: String) -> io::Result<()> {
    let mut pipe = std::fs::File::from(pipe.into_owned_fd()?);
    std::thread::Builder::new()
        .name("pager".to_owned())
        .spawn(move || {
            // A pager that is left early closes its end.
            let _ = pipe.write_all(text.as_bytes());
        })?;
    Ok(())
}
