//! Fleets of the simulator's big worlds, polled once: what the benchmarks run on. Owns no measurement.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use pilothouse::{
    config::{
        keymap::Keymap, keymap_file, layers::Layers, library::Library, theme::Theme, theme_file,
    },
    event::Event,
    provider::Provider,
    resources::{
        Answer, Estate, Fleet, Place, Query, RegionLabel, Rows, Source, Wanted,
        estate::{ManagedName, RegionSpec},
        traffic::{Mechanism, Policy, Record, Split},
    },
    sim::{Clock, Scenario, SimProvider},
    state::{Look, Mode, State, update},
};

/// When everything happens.
pub const NOW: Timestamp = Timestamp::constant(1_780_000_020, 0);

/// A clock that stands still, on which answers arrive at once.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn speed(&self) -> f64 {
        1e9
    }
}

/// A calm world of this many regions, each with this many further rows.
pub fn provider(regions: usize, rows: usize) -> SimProvider {
    let text = format!(
        "name = \"big\"\ntitle = \"Big\"\nduration = 600\n[estate]\ngenerate = {regions}\nrows = {rows}\n"
    );
    let scenario = Scenario::parse(&text, "big.toml").expect("a valid scenario");
    // It has been going on for a while: health checks need some seconds to say something.
    let began = NOW - Duration::from_secs(120);
    SimProvider::starting(&scenario, 1, began, Arc::new(Still))
}

/// A console that has asked everything: the inventory first, then what it lists.
pub fn console(regions: usize, rows: usize, size: (u16, u16)) -> State {
    let provider = provider(regions, rows);
    let mut state = empty(provider.estate(), size);
    for _ in 0..3 {
        for event in answers(&provider, &state.fleet) {
            update(&mut state, event);
        }
    }
    state.settle();
    state
}

/// A console that has asked nothing yet.
pub fn empty(estate: Estate, size: (u16, u16)) -> State {
    let mode = Mode::Sim {
        scenario: "big".to_owned(),
        seed: 1,
    };
    State::new(Arc::new(estate), NOW, mode, keymap(), Look::default(), size)
}

/// What the provider says to every question of a fleet.
pub fn answers(provider: &SimProvider, fleet: &Fleet) -> Vec<Event> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let questions = Source::ALL.iter().flat_map(|&source| {
        let places = fleet.estate.places(source);
        places.into_iter().map(move |place| (source, place))
    });
    questions
        .map(|(source, place)| {
            let query = question(fleet, source, place);
            Event::Observed {
                result: runtime.block_on(provider.observe(query.clone())),
                query,
                at: NOW,
                took: Duration::from_millis(80),
            }
        })
        .collect()
}

fn question(fleet: &Fleet, source: Source, place: Place) -> Query {
    let wanted = match source {
        Source::Metrics => Wanted::Series(fleet.wanted_series(&place)),
        _ => Wanted::Nothing,
    };
    Query {
        source,
        place,
        wanted,
        read: 0,
    }
}

/// A fleet with this many weighted record sets of one name, each with a health check that nobody has read.
pub fn records(count: usize) -> Fleet {
    let labels: Vec<RegionLabel> = (0..30)
        .map(|index| RegionLabel::new(&format!("region-{index}")).expect("a valid label"))
        .collect();
    let regions = labels.iter();
    let name = ManagedName {
        name: "api.example.com".to_owned(),
        zone_id: None,
        residency: None,
        regions: (0..count)
            .map(|index| (format!("set-{index}"), labels[index % 30].clone()))
            .collect(),
    };
    let estate = Estate {
        regions: regions
            .map(|label| RegionSpec::aws(label.clone()))
            .collect(),
        names: vec![name],
        ..Estate::default()
    };
    let mut fleet = Fleet::new(Arc::new(estate), NOW);
    let query = Query {
        source: Source::Records,
        place: Place::Global,
        wanted: Wanted::Nothing,
        read: 0,
    };
    let rows = (0..count).map(record).collect();
    fleet.accept(
        &query,
        Answer::of(Rows::Traffic(rows)),
        NOW,
        Duration::from_millis(80),
    );
    fleet
}

fn record(index: usize) -> Split {
    let record = Record {
        zone_id: "Z1".to_owned(),
        name: "api.example.com.".to_owned(),
        record_type: "A".to_owned(),
        set_identifier: Some(format!("set-{index}")),
        policy: Policy::Weighted {
            weight: (index % 256) as u8,
        },
        ttl: Some(60),
        values: vec!["192.0.2.1".to_owned()],
        alias: None,
        health_check_id: Some(format!("check-{index}")),
        traffic_policy_instance_id: None,
    };
    Split {
        split: "api.example.com A".to_owned(),
        member: format!("set-{index}"),
        by: Mechanism::Record(record),
    }
}

/// A configuration of this many regions, as `init` writes one.
pub fn configuration(regions: usize) -> String {
    let region = |index: usize| {
        format!(
            "[[region]]\nlabel = \"region-{index}\"\naws_region = \"eu-west-{}\"\ncapacity_rps = 1000\n",
            index + 1
        )
    };
    (0..regions).map(region).collect()
}

fn library() -> Library {
    Layers::default().library()
}

fn keymap() -> Keymap {
    keymap_file::load(&library(), "default").expect("the keymap is built in")
}

/// The default theme.
pub fn theme() -> Theme {
    theme_file::load(&library(), "dark").expect("the theme is built in")
}
