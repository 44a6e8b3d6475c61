//! `pilothouse replay`: a recorded session, drawn again. Asks nobody.

use std::{path::Path, sync::Arc};

use super::{Failure, layers, look, on_terminal, show};
use crate::{
    cli::{Common, exit},
    config,
    runtime::{console::Feed, recording::Recording},
    state::{Mode, State},
};

/// Shows a recording.
pub async fn run(common: &Common, file: &Path, speed: f64) -> Result<u8, Failure> {
    let recording = Recording::open(file)?;
    let config = config::load_console(&layers(common))?;
    if !on_terminal() {
        return Err(Failure::Said("a replay needs a terminal".to_owned()));
    }
    let estate = Arc::new(recording.head.estate.clone());
    let mut state = State::new(
        estate,
        recording.head.started_at,
        Mode::Replay,
        config.keymap.clone(),
        look(common, &config),
        (80, 24),
    );
    // A recording is only looked at.
    state.conduct.read_only = true;
    show(
        common,
        &config,
        state,
        Feed::Recording(Box::new(recording), speed),
        None,
    )
    .await?;
    Ok(exit::OK)
}
