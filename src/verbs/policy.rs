//! `pilothouse iam-policy`: the policy of the role that the console needs. Asks nobody.

use std::io::Write;

use super::Failure;
use crate::{cli::exit, report::policy};

/// Prints the policy.
pub fn run(actions: &[String]) -> Result<u8, Failure> {
    let policy = policy::policy(actions).map_err(Failure::Usage)?;
    writeln!(std::io::stdout(), "{policy:#}")?;
    Ok(exit::OK)
}
