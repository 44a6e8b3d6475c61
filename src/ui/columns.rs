//! How the columns of a table share its width. Owns which column is dropped and which one grows; draws nothing.

use crate::resources::cell::{Align, Cut};

/// Cells between two columns: one for the mark of a value (`~`, `!`) and one of air.
pub const GAP: u16 = 2;

/// What a column of the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Where the row was listed.
    Place,
    /// The cell of a column of the kind.
    Cell(usize),
    /// Why the row is in its state.
    Why,
}

/// A column of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// What it shows.
    pub content: Content,
    /// Its heading.
    pub title: &'static str,
    /// Alignment.
    pub align: Align,
    /// What goes when a text is too long.
    pub cut: Cut,
    /// The cells it needs.
    pub least: u16,
    /// The cells that its present texts would fill.
    pub wanted: u16,
    /// Whether it grows before the others: a word is shown whole before a name is.
    pub first: bool,
    /// Slots with the highest number go first when the room is short; 0 stays always.
    pub drop: u8,
}

/// Drops what does not fit, and gives each slot that stays its width.
pub fn fit(mut slots: Vec<Slot>, room: u16) -> Vec<(Slot, u16)> {
    let total = |slots: &[Slot]| {
        slots.iter().map(|slot| slot.least).sum::<u16>()
            + GAP * slots.len().saturating_sub(1) as u16
    };
    while total(&slots) > room {
        let last = slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.drop > 0)
            .max_by_key(|(index, slot)| (slot.drop, *index));
        let Some((index, _)) = last else { break };
        slots.remove(index);
    }
    let mut widths: Vec<u16> = slots.iter().map(|slot| slot.least).collect();
    let mut over = total(&slots).saturating_sub(room);
    // Only what must stay is left. The widest gives way first.
    while over > 0 {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > 1) else {
            break;
        };
        *widest -= 1;
        over -= 1;
    }
    let mut spare = room.saturating_sub(total(&slots));
    for first in [true, false] {
        for (slot, width) in slots.iter().zip(&mut widths) {
            if slot.first == first {
                let more = slot.wanted.saturating_sub(*width).min(spare);
                *width += more;
                spare -= more;
            }
        }
    }
    slots.into_iter().zip(widths).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slot(least: u16, wanted: u16, drop: u8) -> Slot {
        Slot {
            content: Content::Why,
            title: "x",
            align: Align::Left,
            cut: Cut::End,
            least,
            wanted,
            first: false,
            drop,
        }
    }

    #[test]
    fn the_least_important_goes_first_and_the_rest_grows() {
        let slots = vec![slot(8, 20, 0), slot(5, 5, 2), slot(5, 5, 9), slot(5, 5, 1)];
        let widths: Vec<(u8, u16)> = fit(slots.clone(), 25)
            .iter()
            .map(|(slot, width)| (slot.drop, *width))
            .collect();
        assert_eq!(widths, [(0, 11), (2, 5), (1, 5)]);
        assert_eq!(fit(slots, 6).len(), 1);
    }

    proptest! {
        #[test]
        fn a_table_never_exceeds_its_room(sizes in prop::collection::vec((1u16..30, 0u16..60, 0u8..9), 0..12), room in 0u16..200) {
            let slots: Vec<Slot> = sizes.iter().map(|(least, wanted, drop)| slot(*least, *wanted, *drop)).collect();
            let permanent = slots.iter().filter(|slot| slot.drop == 0).count() as u16;
            let fitted = fit(slots, room);
            let used = fitted.iter().map(|(_, width)| width).sum::<u16>() + GAP * (fitted.len() as u16).saturating_sub(1);
            // Columns that must stay keep one cell each, however narrow the room.
            prop_assert!(used <= room.max(permanent * (GAP + 1)));
        }
    }
}
