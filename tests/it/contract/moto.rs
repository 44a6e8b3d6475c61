//! The same writes against another emulator, moto, which keeps record sets, rules and aliases whole. By hand: seed a server, name it in `PILOTHOUSE_MOTO`, and
//! `cargo test --test it moto -- --ignored --nocapture`. Every change is made, seen by a read, made again from a stale view (which must be refused) and, but for record sets, undone.

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use jiff::Timestamp;
use pilothouse::{
    provider::ask::Ask,
    resources::{
        Change, Estate, Fleet, Place, Query, RegionLabel, Source, Wanted,
        change::{Alter, ApplyError, Receipt, Standing},
        estate::ManagedName,
        health_checks,
        traffic::{
            self, Mechanism, Split,
            change::{ForwardEdit, RecordEdit},
        },
    },
};

use crate::wire::{Wire, apply};

const REGION: &str = "eu-west-1";

struct Moto {
    url: String,
    estate: Estate,
}

impl Moto {
    fn named() -> Self {
        let mut estate = Wire::estate(&[REGION]);
        estate.names.push(ManagedName {
            name: "api.shop.example".to_owned(),
            zone_id: None,
            regions: std::collections::BTreeMap::default(),
            residency: None,
        });
        Self {
            url: std::env::var("PILOTHOUSE_MOTO").unwrap(),
            estate,
        }
    }

    async fn config(&self, place: &Place) -> SdkConfig {
        let region = if *place == Place::Global {
            "us-east-1"
        } else {
            REGION
        };
        let config = Wire::start().config(region).await.into_builder();
        config.endpoint_url(&self.url).build()
    }

    async fn fleet(&self, slices: &[(Source, Place)]) -> Fleet {
        let now = Timestamp::UNIX_EPOCH;
        let mut fleet = Fleet::new(Arc::new(self.estate.clone()), now);
        for (source, place) in slices {
            let query = Query {
                source: *source,
                place: place.clone(),
                wanted: Wanted::Nothing,
                read: 0,
            };
            let ask = Ask::new(&self.estate, place, self.config(place).await);
            let answer = match source {
                Source::HealthChecks => health_checks::live::observe(ask, &query).await,
                _ => traffic::live::observe(ask, &query).await,
            };
            let answer = answer.unwrap();
            println!("  read {} in {place}: {:?}", source.name(), answer.problems);
            fleet.accept(&query, answer, now, Duration::ZERO);
        }
        fleet
    }

    async fn rows(&self, source: Source, place: Place) -> Vec<Split> {
        let fleet = self.fleet(&[(source, place.clone())]).await;
        let slice = fleet.traffic.slice(source, &place);
        slice.map(|slice| slice.rows.clone()).unwrap_or_default()
    }

    async fn apply(&self, change: &Change) -> Result<Receipt, ApplyError> {
        let config = self.config(&change.place()).await;
        apply(config, &self.estate, change).await
    }

    async fn standing(&self, change: &Change) -> Standing {
        change.standing(&self.fleet(&change.reads(&self.estate)).await)
    }

    /// Makes a change, and makes it again from what is known of before.
    async fn there(&self, change: &Change) {
        println!("{}: {:?}", change.operation(), change.edits());
        assert_eq!(self.standing(change).await, Standing::Before);
        println!("  {:?}", self.apply(change).await.unwrap());
        assert_eq!(self.standing(change).await, Standing::After);
        println!("  again: {}", self.apply(change).await.unwrap_err());
        assert_eq!(self.standing(change).await, Standing::After);
    }

    /// The same, and undoes it.
    async fn there_and_back(&self, change: &Change) {
        self.there(change).await;
        let undo = change.inverse().unwrap();
        println!("  undo: {:?}", self.apply(&undo).await.unwrap());
        assert_eq!(self.standing(change).await, Standing::Before);
    }
}

#[tokio::test]
#[ignore = "needs a moto server, named in PILOTHOUSE_MOTO"]
async fn weights_move() {
    let moto = Moto::named();
    let rows = moto.rows(Source::Records, Place::Global).await;
    let edit = |row: Split| match row.by {
        Mechanism::Record(from) => Some(RecordEdit { from, to: 7 }),
        _ => None,
    };
    let edits = rows.into_iter().filter_map(edit);
    let records: Vec<RecordEdit> = edits.filter(|edit| edit.from_weight().is_some()).collect();
    assert!(!records.is_empty());
    let change = Change::Traffic(traffic::Change::Weights { records });
    // Moto takes no CREATE twice, not even after its DELETE, so there is no way back.
    moto.there(&change).await;
}

#[tokio::test]
#[ignore = "needs a moto server, named in PILOTHOUSE_MOTO"]
async fn a_health_check_is_inverted_and_turned_back() {
    let moto = Moto::named();
    let fleet = moto.fleet(&[(Source::HealthChecks, Place::Global)]).await;
    let slice = fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global);
    let change = Change::HealthChecks(health_checks::Change::Invert {
        id: slice.unwrap().rows[0].id.clone(),
        records: Vec::new(),
        from: false,
        to: true,
        version: None,
    });
    moto.there_and_back(&change).await;
}

#[tokio::test]
#[ignore = "needs a moto server, named in PILOTHOUSE_MOTO"]
async fn forwards_move_and_go_back() {
    let moto = Moto::named();
    let place = Place::Region(RegionLabel::new(REGION).unwrap());
    let rows = moto.rows(Source::LoadBalancers, place).await;
    let forwards = rows.into_iter().filter_map(|row| match row.by {
        Mechanism::Forward(forward) => Some(forward),
        _ => None,
    });
    let forwards: Vec<_> = forwards.collect();
    for of_rule in [true, false] {
        let same = |forward: &&traffic::Forward| forward.rule_arn.is_some() == of_rule;
        let found: Vec<_> = forwards.iter().filter(same).collect();
        let edit = |forward: &&traffic::Forward| ForwardEdit {
            target_group_arn: forward.target_group_arn.clone(),
            target_group_name: forward.target_group_name.clone(),
            from: forward.weight,
            to: forward.weight + 10,
        };
        let change = Change::Traffic(traffic::Change::Forward {
            region: RegionLabel::new(REGION).unwrap(),
            load_balancer_name: found[0].load_balancer_name.clone(),
            listener_arn: found[0].listener_arn.clone(),
            rule_arn: found[0].rule_arn.clone(),
            groups: found.iter().map(edit).collect(),
        });
        moto.there_and_back(&change).await;
    }
}

#[tokio::test]
#[ignore = "needs a moto server, named in PILOTHOUSE_MOTO"]
async fn an_alias_moves_and_goes_back() {
    let moto = Moto::named();
    let place = Place::Region(RegionLabel::new(REGION).unwrap());
    let rows = moto.rows(Source::Aliases, place).await;
    let versions = rows.into_iter().filter_map(|row| match row.by {
        Mechanism::Alias(version) => Some(version),
        _ => None,
    });
    let versions: Vec<_> = versions.collect();
    let [main, canary] = versions.as_slice() else {
        panic!("one alias of two versions: {versions:?}");
    };
    assert_eq!((main.main, canary.main), (true, false));
    for to in [0.5, 0.0] {
        let change = Change::Traffic(traffic::Change::Alias {
            region: RegionLabel::new(REGION).unwrap(),
            function: main.function.clone(),
            alias: main.alias.clone(),
            stable: main.version.clone(),
            canary: canary.version.clone(),
            from: canary.weight,
            to,
            revision_id: None,
        });
        moto.there_and_back(&change).await;
    }
}
