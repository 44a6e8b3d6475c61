//! `pilothouse check`: all problems of configuration, keymaps and themes at once. Changes nothing.

use std::io::Write;

use super::{Failure, layers};
use crate::{
    cli::{Common, exit},
    config,
};

/// Validates.
pub fn run(common: &Common) -> Result<u8, Failure> {
    let problems = config::check(&layers(common));
    if problems.is_empty() {
        writeln!(std::io::stdout(), "no problems")?;
        Ok(exit::OK)
    } else {
        Err(Failure::Config(problems))
    }
}
