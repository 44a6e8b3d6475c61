//! Changes sent to canned answers, for the tests of `write/live.rs` files. Owns a token that is granted for nothing but them.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{
    ask::Ask,
    canned::{self, Reply},
    write::Write,
};
use crate::{
    arm::{ArmToken, Armed, Written},
    resources::{
        Estate, Place,
        change::{ApplyError, Receipt},
    },
};

/// The right to make one change: `pilothouse-run-0`.
pub fn token() -> ArmToken {
    let now = Timestamp::UNIX_EPOCH;
    let written = Written {
        sequence: 1,
        hash: String::new(),
    };
    let armed = Armed::new("test", now);
    let granted = armed.and_then(|armed| ArmToken::grant(&armed, now, "run", 0, written));
    granted.unwrap_or_else(|| unreachable!("the window is open"))
}

/// Sends a change where every call, as its path and body, is answered by the function. Gives what came of it and the calls in their order.
pub async fn send(
    answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    apply: impl AsyncFnOnce(&Write<'_>) -> Result<Receipt, ApplyError>,
) -> (Result<Receipt, ApplyError>, Vec<String>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let config = canned::config(move |asked| {
        let call = format!("{} {}", asked.path, String::from_utf8_lossy(&asked.body));
        let reply = answer(&call);
        if let Ok(mut seen) = seen.lock() {
            seen.push(call);
        }
        reply
    });
    let (estate, token) = (Estate::default(), token());
    let ask = Ask::new(&estate, &Place::Global, config);
    let result = apply(&Write::new(ask, &token)).await;
    let calls = calls.lock().map(|calls| calls.clone()).unwrap_or_default();
    (result, calls)
}
