//! x
use super::Fleet;
use std::time::Duration;
/// x
pub fn lines(_fleet: &Fleet, _elapsed: Duration) -> Vec<String> {
    Vec::new()
}
