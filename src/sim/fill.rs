//! Further rows for big worlds: things that are simply there and healthy. Owns their names and numbers; they take no part in any fault but that of their region.

use super::world::World;

/// How many further rows each of the four kinds that are filled gets in a region.
pub fn count(world: &World) -> u32 {
    world.shape.rows / 4
}

/// The name of a further thing: `db-007`.
pub fn name(prefix: &str, index: u32) -> String {
    format!("{prefix}-{index:03}")
}

/// Whether a name is that of a further thing of a world.
pub fn knows(world: &World, prefix: &str, name: &str) -> bool {
    let number = name
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'));
    number
        .and_then(|number| number.parse::<u32>().ok())
        .is_some_and(|number| number < count(world))
}
