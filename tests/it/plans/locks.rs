//! I8: two consoles never hold one lock, and nobody waits for ever.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use jiff::Timestamp;
use pilothouse::runtime::{
    journal::Who,
    locks::{Locks, Note},
};

const TARGETS: [&str; 5] = [
    "zone/shop",
    "accelerator/shop",
    "panel",
    "global/shop",
    "pool",
];

fn note(target: &str) -> Note {
    Note {
        who: Who::default(),
        target: target.to_owned(),
        why: "a property".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        run: "1".to_owned(),
    }
}

/// A number that follows from a seed.
fn next(bits: &mut u64) -> u64 {
    *bits = bits
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *bits >> 33
}

#[test]
fn four_consoles_that_take_locks_at_random_never_hold_one_twice() {
    let folder = tempfile::tempdir().unwrap();
    let held: Arc<[AtomicBool; 5]> = Arc::default();
    let taken = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for console in 0..4_u64 {
            let (held, taken, folder) = (Arc::clone(&held), Arc::clone(&taken), folder.path());
            scope.spawn(move || {
                let mut bits = 7 + console;
                let mut locks = Locks::new(folder);
                for _ in 0..500 {
                    let mask = next(&mut bits) % 31 + 1;
                    let mine: Vec<usize> = (0..5).filter(|at| mask >> at & 1 == 1).collect();
                    let targets: Vec<String> =
                        mine.iter().map(|at| TARGETS[*at].to_owned()).collect();
                    if locks
                        .take("1", &targets, note, Timestamp::UNIX_EPOCH)
                        .is_err()
                    {
                        continue;
                    }
                    taken.fetch_add(1, Ordering::Relaxed);
                    for at in &mine {
                        let before = held[*at].swap(true, Ordering::SeqCst);
                        assert!(!before, "{} is held by two", TARGETS[*at]);
                    }
                    std::thread::yield_now();
                    for at in &mine {
                        held[*at].store(false, Ordering::SeqCst);
                    }
                    locks.release("1");
                }
            });
        }
    });
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken > 100, "{taken}");
}
