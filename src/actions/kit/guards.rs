//! Lists of guards that add to other lists. Owns how they are put together: at compile time, so that a list reads as what it adds.

use crate::plan::GuardId;

/// How many guards some lists have together.
pub const fn count(lists: &[&[GuardId]]) -> usize {
    let (mut sum, mut list) = (0, 0);
    while list < lists.len() {
        sum += lists[list].len();
        list += 1;
    }
    sum
}

/// Some lists as one of that many.
pub const fn joined<const N: usize>(lists: &[&[GuardId]]) -> [GuardId; N] {
    let mut all = [GuardId::Stale; N];
    let (mut list, mut next) = (0, 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            all[next] = lists[list][index];
            next += 1;
            index += 1;
        }
        list += 1;
    }
    all
}

/// Lists of guards, one after the other: `guards!(PLAIN, &[GuardId::Capacity])`.
macro_rules! guards {
    ($($list:expr),+ $(,)?) => {{
        const LISTS: &[&[$crate::plan::GuardId]] = &[$($list),+];
        const ALL: [$crate::plan::GuardId; $crate::actions::kit::guards::count(LISTS)] =
            $crate::actions::kit::guards::joined(LISTS);
        &ALL
    }};
}
pub(in crate::actions) use guards;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stand_one_after_the_other_and_none_is_lost() {
        const TWO: &[GuardId] = &[GuardId::Last, GuardId::Zero];
        const MORE: &[GuardId] = guards!(TWO, &[], &[GuardId::Soak]);
        assert_eq!(MORE, [GuardId::Last, GuardId::Zero, GuardId::Soak]);
        let mut lists = [
            super::super::pace::DRAIN,
            super::super::pace::RESTORE,
            super::super::pace::SHIFT,
            super::super::deployment::FORWARD,
        ]
        .into_iter();
        let once = |list: &[GuardId]| (1..list.len()).all(|at| !list[..at].contains(&list[at]));
        assert!(lists.all(once), "a guard is judged once");
    }
}
