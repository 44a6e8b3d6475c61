//! Does any order of happenings break a promise?

use proptest::prelude::*;

use super::*;

/// What may happen to a run, at any time.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Serve,
    Pass(i64),
    Drop,
    Fail(Fate),
    Swallow,
    Drift(usize, i32),
    Tell(Told),
    Disarm,
    Late(u64),
    JournalFails,
}

fn deed() -> impl Strategy<Value = Deed> {
    let told = prop_oneof![
        Just(Told::Hold),
        Just(Told::Resume),
        Just(Told::Skip),
        Just(Told::Abort),
        Just(Told::GoBack),
    ];
    let fate = prop_oneof![
        Just(Fate::NotSent),
        Just(Fate::Refused),
        Just(Fate::InDoubt)
    ];
    prop_oneof![
        8 => Just(Deed::Serve),
        3 => (1_i64..40).prop_map(Deed::Pass),
        1 => Just(Deed::Drop),
        1 => fate.prop_map(Deed::Fail),
        1 => Just(Deed::Swallow),
        1 => (0_usize..2, 0_i32..8).prop_map(|(group, min)| Deed::Drift(group, min)),
        2 => told.prop_map(Deed::Tell),
        1 => Just(Deed::Disarm),
        1 => (0_u64..40).prop_map(Deed::Late),
        1 => Just(Deed::JournalFails),
    ]
}

impl Stage {
    fn suffer(&mut self, deed: Deed) {
        match deed {
            Deed::Serve => {
                if !self.wanted.is_empty() {
                    let next = self.wanted.remove(0);
                    self.serve_one(next);
                }
            }
            Deed::Pass(seconds) => self.pass(seconds),
            Deed::Drop => {
                self.wanted.truncate(self.wanted.len().saturating_sub(1));
            }
            Deed::Fail(fate) => {
                if let Some(index) = self.wanted.iter().position(is_apply) {
                    let Next::Apply(step, ..) = self.wanted.remove(index) else {
                        return;
                    };
                    self.tell(Happening::Applied(
                        step,
                        Err(refused(fate, ErrorClass::Timeout)),
                    ));
                }
            }
            Deed::Swallow => {
                if let Some(index) = self.wanted.iter().position(is_apply) {
                    let Next::Apply(step, ..) = self.wanted.remove(index) else {
                        return;
                    };
                    self.tell(Happening::Applied(step, Ok(Receipt::default())));
                }
            }
            Deed::Drift(group, min) => self.world[group] = min,
            Deed::Tell(told) => self.tell(Happening::Told(told)),
            Deed::Disarm => self.armed = None,
            Deed::Late(read) => {
                let query = Query {
                    source: Source::Clusters,
                    place: Place::Region(label()),
                    wanted: Wanted::Nothing,
                    read: self.run.first_read() + read,
                };
                self.tell(Happening::Read(query.read, Ok(Some(true))));
            }
            Deed::JournalFails => {
                let intention = |next: &Next| matches!(next, Next::Journal(entry) if matches!(entry.what, What::Sending { .. }));
                if let Some(index) = self.wanted.iter().position(intention) {
                    let Next::Journal(entry) = self.wanted.remove(index) else {
                        return;
                    };
                    self.tell(Happening::Journaled(entry.step, Err("disk full".into())));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// I2, I3, I4: whatever happens, nothing is sent without its intention on disk, and nothing is called verified that no read has shown.
    #[test]
    fn no_order_of_happenings_breaks_the_promises(deeds in proptest::collection::vec(deed(), 1..60)) {
        let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 5)]);
        for deed in deeds {
            let sent = stage.sent.len();
            let armed = stage.armed.is_some();
            stage.suffer(deed);
            if stage.sent.len() > sent {
                prop_assert!(armed, "sent while disarmed");
                prop_assert_eq!(stage.sent.len(), sent + 1);
            }
        }
        prop_assert!(stage.sent.iter().all(|(_, written)| *written));
        for (step, progress) in stage.run.steps.iter().zip(&stage.run.progress) {
            if progress.outcome == Some(Outcome::Verified) {
                let seen = stage.fleet.status(Source::Clusters, &Place::Region(label())).observed_at;
                prop_assert!(seen.is_some(), "{} verified without a read", step.title);
            }
        }
        if stage.ending() == Some(Ending::Done) {
            prop_assert!(stage.run.progress.iter().all(|progress| progress.outcome == Some(Outcome::Verified)));
        }
    }
}

/// How many cases: more by `PILOTHOUSE_CASES`.
fn cases() -> u32 {
    std::env::var("PILOTHOUSE_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(4_000)
}
