//! How long the things take that happen on each key, each answer and each second, on small and on big estates.
//!
//! `cargo bench --profile dev --bench bench` builds nothing that `cargo test` has not built; `CARGO_PROFILE_DEV_OPT_LEVEL=3` before it
//! optimises the console as a release does.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark that cannot start is a defect
#![allow(clippy::trivially_copy_pass_by_ref)] // divan hands its arguments out by reference

mod acting;
mod world;

use std::{hint::black_box, time::Duration};

use divan::{Bencher, counter::ItemsCount};
use pilothouse::{
    config::{self, layers::Layers},
    event::Event,
    facts::Facts,
    resources::{
        Answer, Kind, Place, Rows, Source, contradictions, levers, regions::rollup::Rollup, shown,
        traffic::share::Shares,
    },
    state::{State, update},
    ui,
};
use ratatui::{Terminal, backend::TestBackend};

/// Regions, and rows of each.
const ESTATES: [(usize, usize); 2] = [(3, 20), (30, 300)];
/// The biggest estate that must stay fluent.
const BIG: (usize, usize) = ESTATES[1];
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 60);

fn main() {
    divan::main();
}

fn frame(bencher: Bencher<'_, '_>, (regions, rows): (usize, usize), size: (u16, u16)) {
    let state = world::console(regions, rows, size);
    let theme = world::theme();
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    bencher.bench_local(|| {
        terminal
            .draw(|frame| ui::view(&state, &theme, frame))
            .map(|_| ())
            .unwrap();
    });
}

#[divan::bench(args = ESTATES.map(|(regions, rows)| format!("{regions}x{rows}")))]
fn frame_80x24(bencher: Bencher<'_, '_>, estate: &str) {
    frame(bencher, parse(estate), SMALL);
}

#[divan::bench(args = ESTATES.map(|(regions, rows)| format!("{regions}x{rows}")))]
fn frame_200x60(bencher: Bencher<'_, '_>, estate: &str) {
    frame(bencher, parse(estate), LARGE);
}

fn parse(estate: &str) -> (usize, usize) {
    let (regions, rows) = estate.split_once('x').unwrap();
    (regions.parse().unwrap(), rows.parse().unwrap())
}

fn big() -> State {
    world::console(BIG.0, BIG.1, LARGE)
}

/// An answer of each source of the first region taken in, without the frame that follows.
#[divan::bench(args = [Source::Rds, Source::LoadBalancers, Source::Alarms, Source::Metrics])]
fn update_observed(bencher: Bencher<'_, '_>, source: &Source) {
    let mut state = big();
    let provider = world::provider(BIG.0, BIG.1);
    let event = world::answers(&provider, &state.fleet)
        .into_iter()
        .find(|event| {
            matches!(event, Event::Observed { query, .. }
                if query.source == *source && matches!(query.place, Place::Region(_)))
        })
        .unwrap();
    bencher
        .with_inputs(|| event.clone())
        .bench_local_values(|event| update(&mut state, event));
}

/// A second that changes nothing, two in which some of the regions age, and five in which all do.
#[divan::bench(args = [1, 2, 5])]
fn update_tick(bencher: Bencher<'_, '_>, seconds: i64) {
    let mut state = big();
    // So that no question is due, which would be asked anew each time.
    let _ = state.ask_due();
    let mut flip = false;
    bencher.bench_local(|| {
        flip = !flip;
        let now = world::NOW + jiff::SignedDuration::from_secs(if flip { seconds } else { 0 });
        update(&mut state, Event::Tick { now })
    });
}

/// What a frame needs after an answer of one region, and after one that concerns all of them.
#[divan::bench(args = [Source::Rds, Source::Records])]
fn settle(bencher: Bencher<'_, '_>, source: &Source) {
    let mut state = big();
    let provider = world::provider(BIG.0, BIG.1);
    let mut answers = world::answers(&provider, &state.fleet).into_iter();
    let of_source = |event| match event {
        Event::Observed {
            query, at, result, ..
        } if query.source == *source => Some((query, at, result.unwrap().rows)),
        _ => None,
    };
    let (query, at, rows) = answers.find_map(of_source).unwrap();
    let (mut fewer, mut flip) = (rows.clone(), false);
    if let Rows::Databases(rows) = &mut fewer {
        rows.pop();
    }
    if let Rows::Traffic(rows) = &mut fewer {
        rows.pop();
    }
    bencher.bench_local(|| {
        flip = !flip;
        let rows = if flip { &fewer } else { &rows };
        let event = Event::Observed {
            query: query.clone(),
            at,
            took: Duration::from_millis(80),
            result: Ok(Answer::of(rows.clone())),
        };
        update(&mut state, event);
        state.settle();
    });
}

#[divan::bench]
fn settle_nothing_changed(bencher: Bencher<'_, '_>) {
    let mut state = big();
    bencher.bench_local(|| {
        let now = state.now;
        let _ = update(&mut state, Event::Tick { now });
        state.settle();
    });
}

#[divan::bench(args = [Kind::Databases, Kind::Traffic, Kind::Alarms])]
fn order(bencher: Bencher<'_, '_>, kind: &Kind) {
    let fleet = big().fleet;
    bencher.bench_local(|| shown::order(black_box(&fleet), *kind, None, ""));
}

/// The first key of a filter.
#[divan::bench]
fn order_filtered(bencher: Bencher<'_, '_>) {
    let fleet = big().fleet;
    bencher.bench_local(|| shown::order(black_box(&fleet), Kind::Databases, None, "db-007"));
}

/// Each that follows.
#[divan::bench]
fn order_filtered_again(bencher: Bencher<'_, '_>) {
    let fleet = big().fleet;
    let mut kept = shown::Order::default();
    let mut flip = false;
    bencher.bench_local(|| {
        flip = !flip;
        let filter = if flip { "db-00" } else { "db-007" };
        kept.renew(black_box(&fleet), Kind::Databases, None, filter);
    });
}

#[divan::bench]
fn facts(bencher: Bencher<'_, '_>) {
    let fleet = big().fleet;
    bencher.bench_local(|| Facts::of(black_box(&fleet)));
}

#[divan::bench]
fn facts_contradictions(bencher: Bencher<'_, '_>) {
    let fleet = big().fleet;
    bencher.bench_local(|| contradictions::find(black_box(&fleet)));
}

#[divan::bench]
fn facts_levers(bencher: Bencher<'_, '_>) {
    let fleet = big().fleet;
    bencher.bench_local(|| levers::levers(black_box(&fleet)));
}

#[divan::bench]
fn rollup_of_a_region(bencher: Bencher<'_, '_>) {
    let fleet = big().fleet;
    let label = fleet.estate.regions[0].label.clone();
    bencher.bench_local(|| Rollup::of(black_box(&fleet), &label));
}

#[divan::bench]
fn shares_of_the_estate(bencher: Bencher<'_, '_>) {
    let fleet = big().fleet;
    bencher.bench_local(|| Shares::of(black_box(&fleet)));
}

#[divan::bench]
fn shares_of_1000_records(bencher: Bencher<'_, '_>) {
    let fleet = world::records(1_000);
    bencher
        .counter(ItemsCount::new(1_000_usize))
        .bench_local(|| Shares::of(black_box(&fleet)));
}

/// What an answer costs with many record sets: every region rolls up those that point to it.
#[divan::bench]
fn advance_with_1000_records(bencher: Bencher<'_, '_>) {
    let mut fleet = world::records(1_000);
    let mut flip = false;
    bencher.bench_local(|| {
        flip = !flip;
        fleet.advance(world::NOW + jiff::SignedDuration::from_secs(if flip { 5 } else { 0 }));
    });
}

#[divan::bench]
fn start_of_30_regions(bencher: Bencher<'_, '_>) {
    let estate = world::provider(BIG.0, 0).estate();
    bencher
        .with_inputs(|| estate.clone())
        .bench_local_values(|estate| world::empty(estate, LARGE));
}

#[divan::bench]
fn config_of_30_regions(bencher: Bencher<'_, '_>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), world::configuration(30)).unwrap();
    let layers = Layers {
        variable: Some(file.path().to_owned()),
        ..Layers::default()
    };
    bencher.bench_local(|| config::load(black_box(&layers)).unwrap());
}

/// The simulator's world, which a demo builds before its first frame.
#[divan::bench]
fn demo_world(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| world::provider(3, 0));
}
