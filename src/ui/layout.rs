//! x
use crate::{resources::Kind, state::State};
/// x
pub fn home_kinds(_size: (u16, u16)) -> &'static [Kind] {
    &[Kind::Regions, Kind::Databases, Kind::Caches, Kind::Traffic]
}
/// x
pub fn page(_state: &State) -> usize {
    10
}
/// x
pub fn last_line(_state: &State) -> usize {
    100
}
/// x
pub fn legend(_ascii: bool) -> Vec<String> {
    Vec::new()
}
