//! `pilothouse`: the console on the configured estate. Makes no call before the first frame.

use std::{path::PathBuf, sync::Arc};

use super::{Failure, Session, layers, records};
use crate::{
    cli::{Common, exit},
    config,
    provider::live::LiveProvider,
    runtime::clock::Clock,
    state::Mode,
};

/// Opens the console.
pub async fn run(common: &Common, record: Option<PathBuf>) -> Result<u8, Failure> {
    let config = config::load(&layers(common))?;
    let provider = Arc::new(LiveProvider::new(Arc::new(config.estate.clone())));
    Session {
        config,
        mode: Mode::Live,
        provider,
        clock: Clock::wall(),
        records: records(common, false)?,
        record,
        tour: false,
    }
    .run(common)
    .await?;
    Ok(exit::OK)
}
