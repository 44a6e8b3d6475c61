//! The built binary acting on an AWS behind a local port, as processes that are killed, doubled, meddled with and starved. The emulator keeps a log of its own,
//! and it must tell the same story as the journal, call by call.
//!
//! They mostly wait, for the budget of Route 53 and for time-outs, so all of them live at once in one test. `PILOTHOUSE_KILLS=300` kills that many runs instead of
//! a handful, `PILOTHOUSE_SEED` chooses other moments; a failure prints the seed of its case. `PILOTHOUSE_SLOW` adds those that wait for minutes.

mod foreign;
mod hosts;
mod kills;
mod pairs;
mod sessions;
mod starved;

use std::panic::AssertUnwindSafe;

/// A story and its name.
type Story = (&'static str, fn());

#[test]
fn processes_keep_every_promise_when_they_are_killed_doubled_meddled_with_and_starved() {
    let slow = std::env::var_os("PILOTHOUSE_SLOW").is_some();
    let stories = [
        foreign::STORIES,
        pairs::STORIES,
        sessions::STORIES,
        starved::STORIES,
        kills::STORIES,
        if slow { foreign::SLOW } else { &[] },
    ];
    let only = std::env::var("PILOTHOUSE_STORY").unwrap_or_default();
    let wanted = |(name, _): &&Story| name.contains(&only);
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let threads: Vec<_> = stories
            .concat()
            .iter()
            .filter(wanted)
            .map(|(name, story)| {
                let (name, story) = (*name, *story);
                // Its message is printed where it fails.
                scope.spawn(move || (name, std::panic::catch_unwind(AssertUnwindSafe(story))))
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        ended
            .filter_map(|(name, ended)| ended.is_err().then_some(name))
            .collect()
    });
    assert!(failed.is_empty(), "{failed:#?}");
}
