//! `pilothouse init`: discovers an estate and writes its configuration. Reads only; never replaces a file unasked.

use std::path::Path;

use super::Failure;
use crate::cli::Common;

/// Discovers and writes.
pub async fn run(_common: &Common, _output: &Path, _force: bool) -> Result<u8, Failure> {
    Err(Failure::Said("not merged yet".to_owned()))
}
