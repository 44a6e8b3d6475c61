//! Writes what a pane shows to a new file in the working directory. Never overwrites one.

use std::{fs::File, io::Write, path::PathBuf};

use crate::{effect::Format, report, resources::Kind, state::State};

/// Writes a pane and says where.
pub fn write(state: &State, kind: Kind, format: Format) -> Result<PathBuf, String> {
    let stamp = state.now.strftime("%Y%m%dT%H%M%SZ");
    let text = report::pane(state, kind, format);
    for attempt in 0..100 {
        let suffix = if attempt == 0 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let path = PathBuf::from(format!(
            "pilothouse-{}-{stamp}{suffix}.{}",
            kind.name(),
            format.name()
        ));
        match File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(text.as_bytes());
                return written
                    .map(|()| path.clone())
                    .map_err(|error| format!("could not write {}: {error}", path.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(format!(
                    "could not create {} in the working directory: {error}",
                    path.display()
                ));
            }
        }
    }
    Err("100 exports of this second exist already".to_owned())
}
