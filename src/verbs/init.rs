//! `pilothouse init`: discovers an estate and writes its configuration. Reads only; never replaces a file unasked.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, IsTerminal, Write},
    path::Path,
};

use super::Failure;
use crate::{
    cli::{Common, exit},
    config::init,
    provider::discover,
};

/// Discovers and writes.
pub async fn run(common: &Common, output: &Path, force: bool) -> Result<u8, Failure> {
    let to_file = output != Path::new("-");
    if to_file && !force && output.exists() {
        return Err(exists(output));
    }
    let terminal = std::io::stderr().is_terminal();
    let progress = move |line: &str| {
        // Written over on a terminal; a log gets the lines one below the other.
        let (start, end) = if terminal {
            ("\r\x1b[K", "")
        } else {
            ("", "\n")
        };
        let _ = write!(std::io::stderr(), "{start}{line}{end}");
    };
    let found =
        discover::of_profile(common.profile.clone(), common.regions.clone(), &progress).await;
    if terminal {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    let found = found.map_err(|error| Failure::Said(format!("{error}; {}", error.advice())))?;
    if let Some(error) = found.locked_out() {
        return Err(Failure::Said(format!("{error}; {}", error.advice())));
    }
    let text = init::write(&found);
    if to_file {
        save(output, &text, force)?;
    } else {
        std::io::stdout().write_all(text.as_bytes())?;
    }
    for line in init::summary(&found) {
        eprintln!("{line}");
    }
    if to_file {
        eprintln!(
            "wrote {}; look it through, then run `pilothouse check` and `pilothouse`",
            output.display()
        );
    }
    Ok(exit::OK)
}

fn save(output: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let opened = if force {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(output)
    } else {
        OpenOptions::new().write(true).create_new(true).open(output)
    };
    match opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(output)),
        Err(error) => Err(Failure::Said(format!(
            "could not write {}: {error}",
            output.display()
        ))),
        Ok(()) => Ok(()),
    }
}

fn exists(output: &Path) -> Failure {
    Failure::Said(format!(
        "{} exists; name another file with --output, or replace it with --force",
        output.display()
    ))
}
