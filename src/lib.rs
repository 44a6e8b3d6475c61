//! pilothouse: an interactive terminal operations console for multi-region deployments.
//!
//! **Events in, state changes, effects out; a pure function draws the state.**
//!
//! ```text
//!  keys, resize --+                                         +--> view(&State, &Theme, &mut Frame)   pure; drawn only when something changed
//!  answers -------+--> Event --> update(&mut State, Event) -+
//!  tick(now) -----+      |          (pure: no clock, no IO) +--> Vec<Effect> --> runtime --> Provider / files / terminal
//!        ^---------------------- results come back as Events ---------------------+
//! ```
//!
//! `update` is the only writer of [`state::State`]; there is one owner, no lock around it and no global. Time enters only as
//! [`event::Event::Tick`]. When each source is asked is part of the state ([`state::schedule`]), so a test can run hours of polling in
//! a millisecond, and the same events always give the same frames.
//!
//! # Who may import whom
//!
//! `tests/it/boundaries.rs` reads the sources and holds this table.
//!
//! | module | may use | must never mention |
//! |---|---|---|
//! | `resources` (models) | std, serde, jiff types, each other | tokio, ratatui, aws, kube, files, a clock |
//! | `arm`, `plan`, `actions`, `event`, `effect`, `command`, `completion`, `facts`, `glyph`, `state` | the above, `config::{key, keymap}`, `ui::{layout, extent}` | tokio, aws, kube, files, a clock |
//! | `resources/**/live.rs`, `provider` | SDK crates, kube, the model | ratatui, state |
//! | `resources/*/sim.rs`, `sim` | the model, `provider::Provider`, seeded rand, a virtual clock | a wall clock, aws, ratatui |
//! | `resources/*/view.rs`, `ui` | the model; `ui` also `state` | provider, tokio, files, a clock |
//! | `runtime`, `report`, `verbs` | everything above | – |
//! | `main` | everything | logic |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | [`Event`](event::Event) | something happened |
//! | [`Command`](command::Command) | a key-bindable verb of the console |
//! | [`Effect`](effect::Effect) | something that `update` wants done |
//! | [`Kind`](resources::Kind) | a kind of thing that is watched; each is a pane |
//! | [`Source`](resources::Source) | what one poll asks: one API family of one kind |
//! | [`Place`](resources::Place) | where it asks: a region, the global services, an endpoint of the recovery cluster |
//! | [`Slice`](resources::Slice) | what one source said about one place, with its age and its last error |
//! | [`Fleet`](resources::Fleet) | everything that is known; [`Estate`](resources::Estate) is what is watched |
//! | [`Reading`](resources::metrics::Reading) | a value that comes from a metric: missing is not zero |

pub mod actions;
pub mod arm;
pub mod cli;
pub mod command;
pub mod completion;
pub mod config;
pub mod effect;
pub mod event;
pub mod facts;
pub mod glyph;
pub mod plan;
pub mod provider;
pub mod report;
pub mod resources;
pub mod runtime;
pub mod sim;
pub mod state;
pub mod ui;
pub mod verbs;
