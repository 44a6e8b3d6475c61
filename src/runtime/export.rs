//! Writes what is on the screen to a new file in the working directory. Never overwrites one.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::PathBuf,
};

use crate::{
    config::theme::Theme,
    effect::{Format, Picture},
    report,
    resources::Kind,
    state::State,
    ui::{self, picture},
};

/// Writes what is in front, or else a pane, and says where.
pub fn write(state: &State, kind: Kind, format: Format) -> Result<PathBuf, String> {
    let (name, text) = report::in_front(state, kind, format)?;
    save(state, name, format.name(), &text)
}

/// Writes the screen as it is, and says where.
pub fn picture(state: &State, theme: &Theme, form: Picture) -> Result<PathBuf, String> {
    let buffer = ui::buffer(state, theme);
    let text = match form {
        Picture::Svg => picture::svg(&buffer, picture::screen_of(theme.background)),
        Picture::Ansi => picture::ansi(&buffer),
    };
    save(state, "screen", form.name(), &text)
}

/// Writes a text into a file that is named after it and the time.
fn save(state: &State, name: &str, ending: &str, text: &str) -> Result<PathBuf, String> {
    let stamp = state.now.strftime("%Y%m%dT%H%M%SZ");
    for attempt in 0..100 {
        let suffix = if attempt == 0 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let path = PathBuf::from(format!("pilothouse-{name}-{stamp}{suffix}.{ending}"));
        match File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(text.as_bytes());
                return written
                    .map(|()| path.clone())
                    .map_err(|error| format!("could not write {}: {error}", path.display()));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
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
