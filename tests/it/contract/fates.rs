//! What the SDK's own connector makes of broken connections: does the fate of a write say whether it may have arrived? Real sockets, because the errors are the connector's.

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use aws_config::SdkConfig;
use pilothouse::resources::{
    Change, ErrorClass,
    change::{ApplyError, Fate},
    health_checks,
};

use crate::wire::{Wire, apply};

async fn at(url: &str) -> SdkConfig {
    let config = Wire::start().config("us-east-1").await;
    config.into_builder().endpoint_url(url).build()
}

/// Inverts a check at this address.
async fn refusal(url: &str) -> (Fate, ErrorClass) {
    let change = Change::HealthChecks(health_checks::Change::Invert {
        id: "c1".to_owned(),
        records: Vec::new(),
        from: false,
        to: true,
        version: Some(1),
    });
    let estate = Wire::estate(&["us-east-1"]);
    let ApplyError { fate, error } = apply(at(url).await, &estate, &change).await.unwrap_err();
    (fate, error.class)
}

/// Takes one connection, lets `meet` have it and closes it. Gives its address and the thread, which tells whether anybody else came.
fn listen(meet: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        meet(&mut stream);
        drop(stream);
        listener.set_nonblocking(true).unwrap();
        listener.accept().is_ok()
    });
    (address, thread)
}

/// Reads the head and the body of the call.
fn read_all(stream: &mut TcpStream) {
    let mut text = Vec::new();
    let mut buffer = [0; 4_096];
    while !String::from_utf8_lossy(&text).contains("</UpdateHealthCheckRequest>") {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the call ends early");
        text.extend_from_slice(&buffer[..count]);
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let expected = (Fate::NotSent, ErrorClass::Unreachable);
    assert_eq!(refusal(&url).await, expected);
}

#[tokio::test]
#[ignore = "waits three seconds for a connection that is never made"]
async fn where_packets_are_dropped_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts: once the queue is full, further connections hear nothing.
    let patience = std::time::Duration::from_millis(200);
    let queue = std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok());
    let queue: Vec<TcpStream> = queue.collect();
    let expected = (Fate::NotSent, ErrorClass::Timeout);
    assert_eq!(refusal(&format!("http://{address}")).await, expected);
    drop(queue);
}

#[tokio::test]
async fn without_a_tls_session_nothing_is_sent() {
    let (address, thread) = listen(|stream| {
        assert!(stream.read(&mut [0; 4_096]).unwrap() > 0);
    });
    let expected = (Fate::NotSent, ErrorClass::Unreachable);
    assert_eq!(refusal(&format!("https://{address}")).await, expected);
    thread.join().unwrap();
}

#[tokio::test]
async fn a_connection_that_ends_after_the_call_was_read_leaves_it_in_doubt_and_unrepeated() {
    let (address, thread) = listen(read_all);
    assert_eq!(refusal(&format!("http://{address}")).await.0, Fate::InDoubt);
    assert!(!thread.join().unwrap(), "it was sent again");
}

#[tokio::test]
async fn a_connection_that_is_reset_before_the_call_was_read_leaves_it_in_doubt() {
    // Closing with unread data resets the connection.
    let (address, thread) = listen(|stream| {
        stream.read_exact(&mut [0; 16]).unwrap();
    });
    assert_eq!(refusal(&format!("http://{address}")).await.0, Fate::InDoubt);
    thread.join().unwrap();
}
