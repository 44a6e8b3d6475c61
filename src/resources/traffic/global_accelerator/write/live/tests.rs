//! Is only the dial sent, and only where it is as expected?

use serde_json::{Value, json};

use super::*;
use crate::{
    provider::canned::{self, Log},
    resources::{Estate, Place, change::Fate},
};

/// Turns a dial of 50.5 % in an accelerator with this status; gives what was asked beside the result.
async fn applied(status: &'static str, from: f64, to: f64) -> (Result<Receipt, ApplyError>, Log) {
    let (estate, token) = (Estate::default(), canned::token());
    let (config, log) = canned::logged(move |asked| {
        let group = json!({"EndpointGroup": {"EndpointGroupArn": "arn:g", "TrafficDialPercentage": 50.5,
            "EndpointDescriptions": [{"EndpointId": "arn:lb", "Weight": 128}]}});
        let accelerator = json!({"Accelerator": {"AcceleratorArn": "arn:a", "Status": status}});
        canned::json(
            200,
            if asked.json().get("AcceleratorArn").is_some() {
                &accelerator
            } else {
                &group
            },
        )
    });
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    (apply(&write, "arn:a", "arn:g", from, to).await, log)
}

fn updates(log: &Log) -> Vec<(String, Value)> {
    let log = log.lock().unwrap();
    log.iter()
        .filter(|asked| asked.json().get("TrafficDialPercentage").is_some())
        .map(|asked| (asked.host.clone(), asked.json()))
        .collect()
}

#[tokio::test]
async fn nothing_but_the_dial_is_sent_to_the_home_of_the_api() {
    let (result, log) = applied("DEPLOYED", 50.5, 0.0).await;
    assert!(result.is_ok(), "{result:?}");
    let [(host, body)] = &updates(&log)[..] else {
        panic!("one update");
    };
    assert_eq!(host, "globalaccelerator.us-west-2.amazonaws.com");
    assert_eq!(
        *body,
        json!({"EndpointGroupArn": "arn:g", "TrafficDialPercentage": 0.0})
    );
}

#[tokio::test]
async fn a_dial_that_moved_or_an_accelerator_in_progress_is_left_alone() {
    for (status, from) in [("DEPLOYED", 100.0), ("IN_PROGRESS", 50.5)] {
        let (result, log) = applied(status, from, 0.0).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.fate, error.error.class),
            (Fate::NotSent, ErrorClass::Conflict)
        );
        assert_eq!(updates(&log), []);
        assert_eq!(log.lock().unwrap().len(), 2);
    }
    let (result, log) = applied("DEPLOYED", 50.5, 101.0).await;
    assert_eq!(result.unwrap_err().error.class, ErrorClass::Terminal);
    assert!(log.lock().unwrap().is_empty());
}

#[test]
fn a_dial_is_read_as_it_was_set() {
    assert_eq!(dial_of(Some(66.6)), 66.6);
    assert_eq!(dial_of(Some(33.33)), 33.33);
    assert_eq!(dial_of(None), 100.0);
}
