//! The built binary acting on an AWS behind a local port, as processes that are killed, doubled, meddled with and starved. The emulator keeps a log of its own,
//! and it must tell the same story as the journal, call by call.
//!
//! They mostly wait, for the budget of Route 53 and for time-outs, so several live at once in one test. `PILOTHOUSE_KILLS=300` kills that many runs instead of
//! a handful, `PILOTHOUSE_SEED` chooses other moments; a failure prints the seed of its case. `PILOTHOUSE_SLOW` adds those that wait for minutes.

mod foreign;
mod hosts;
mod kills;
mod pairs;
mod sessions;
mod starved;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Stories at once: a console that starts is busy for a moment, and too many of them time each other out.
const AT_ONCE: usize = 5;

/// A story and its name.
type Story = (&'static str, fn());

#[test]
fn processes_keep_every_promise_when_they_are_killed_doubled_meddled_with_and_starved() {
    let slow = std::env::var_os("PILOTHOUSE_SLOW").is_some();
    let stories = [
        kills::STORIES,
        starved::STORIES,
        foreign::STORIES,
        pairs::STORIES,
        sessions::STORIES,
        if slow { foreign::SLOW } else { &[] },
    ];
    let only = std::env::var("PILOTHOUSE_STORY").unwrap_or_default();
    // The kills take longest, and come first.
    let mut stories: Vec<Story> = stories.concat();
    stories.retain(|(name, _)| name.contains(&only));
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((name, story)) = stories.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Its message is printed where it fails.
                    if std::panic::catch_unwind(AssertUnwindSafe(story)).is_err() {
                        failed.lock().unwrap().push(*name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}
