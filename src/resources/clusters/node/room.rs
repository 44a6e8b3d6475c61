//! Room on nodes: what pods ask for, and what nodes give. Owns the arithmetic and whether pods find a place by their size; every other rule of a scheduler
//! (selectors, taints, zones of volumes) is not known here.

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use super::{Node, Occupant};

/// An amount of what is shared out on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Room {
    /// Thousandths of a core.
    pub cpu_milli: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Pods.
    pub pods: u64,
}

impl Room {
    /// Whether an amount fits into it.
    fn holds(self, wanted: Self) -> bool {
        wanted.cpu_milli <= self.cpu_milli
            && wanted.memory_bytes <= self.memory_bytes
            && wanted.pods <= self.pods
    }

    /// What is left of it; nothing where more is taken than there is.
    fn without(self, taken: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_sub(taken.cpu_milli),
            memory_bytes: self.memory_bytes.saturating_sub(taken.memory_bytes),
            pods: self.pods.saturating_sub(taken.pods),
        }
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.max(other.cpu_milli),
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            pods: self.pods.max(other.pods),
        }
    }
}

impl Add for Room {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            pods: self.pods.saturating_add(other.pods),
        }
    }
}

impl AddAssign for Room {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Room {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// `1.5 cores, 4.0 GiB`.
impl std::fmt::Display for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cores = self.cpu_milli as f64 / 1_000.0;
        let gib = self.memory_bytes as f64 / f64::from(1 << 30);
        write!(f, "{cores:.1} cores, {gib:.1} GiB")
    }
}

impl Node {
    /// What new pods can have of it; `None` where it is not known.
    pub fn free(&self) -> Option<Room> {
        Some(self.allocatable?.without(self.requested?))
    }
}

/// The pods that find no place on the nodes, the largest first; `None` where the room of none of them is known.
///
/// Each pod, the largest first, goes to the node with the most memory left, as a scheduler that spreads would put it: what fits so does fit,
/// and what does not might with a better order.
pub fn homeless<'a>(pods: &[&'a Occupant], nodes: &[&Node]) -> Option<Vec<&'a Occupant>> {
    let mut free: Vec<Room> = nodes.iter().filter_map(|node| node.free()).collect();
    if free.is_empty() {
        return None;
    }
    let mut pods = pods.to_vec();
    pods.sort_by_key(|pod| std::cmp::Reverse((pod.requests.memory_bytes, pod.requests.cpu_milli)));
    pods.retain(|pod| {
        let fitting = free.iter_mut().filter(|room| room.holds(pod.requests));
        match fitting.max_by_key(|room| room.memory_bytes) {
            Some(room) => {
                *room = room.without(pod.requests);
                false
            }
            None => true,
        }
    });
    Some(pods)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn room(cpu_milli: u64, gib: u64, pods: u64) -> Room {
        Room {
            cpu_milli,
            memory_bytes: gib * GIB,
            pods,
        }
    }

    fn node(allocatable: Option<Room>, requested: Option<Room>) -> Node {
        Node {
            name: "a".to_owned(),
            zone: None,
            group: None,
            ready: Some(true),
            cordoned: false,
            allocatable,
            requested,
            pods: None,
        }
    }

    fn pod(name: &str, requests: Room) -> Occupant {
        Occupant {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            uid: name.to_owned(),
            controller: None,
            stays: false,
            leaving: false,
            scratch: false,
            requests,
        }
    }

    #[test]
    fn large_pods_are_placed_first_and_each_resource_counts() {
        let nodes = [
            node(Some(room(4_000, 16, 10)), Some(room(1_000, 12, 8))),
            node(Some(room(4_000, 16, 10)), Some(room(3_500, 2, 2))),
        ];
        let nodes: Vec<&Node> = nodes.iter().collect();
        let (big, wide) = (pod("big", room(200, 10, 1)), pod("wide", room(3_000, 4, 1)));
        assert_eq!(homeless(&[&wide, &big], &nodes), Some(Vec::new()));
        // 4 GiB are free on each, but not with three cores.
        let second = pod("second", room(2_000, 1, 1));
        assert_eq!(
            homeless(&[&second, &wide, &big], &nodes),
            Some(vec![&second])
        );
        let many: Vec<Occupant> = (0..11).map(|_| pod("tiny", room(0, 0, 1))).collect();
        let many: Vec<&Occupant> = many.iter().collect();
        assert_eq!(homeless(&many, &nodes).map(|left| left.len()), Some(1));
    }

    #[test]
    fn a_node_that_does_not_tell_has_no_room_and_nothing_is_known_where_none_does() {
        let (dark, full) = (
            node(None, Some(room(0, 0, 0))),
            node(Some(room(1, 1, 1)), None),
        );
        let small = pod("small", room(0, 0, 1));
        assert_eq!(homeless(&[&small], &[&dark, &full]), None);
        let over = node(Some(room(1_000, 1, 1)), Some(room(2_000, 0, 0)));
        assert_eq!(over.free(), Some(room(0, 1, 1)));
        assert_eq!(homeless(&[&small], &[&dark, &over]), Some(Vec::new()));
    }
}
