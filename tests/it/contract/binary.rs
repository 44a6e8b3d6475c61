//! The built binary against the emulated AWS: what is seeded comes out of `status`, and each endpoint override is obeyed.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::wire::{
    Wire,
    shop::{self, REGIONS},
};

fn seed(wire: &Wire) {
    shop::seed(wire);
    seed_records(wire, &REGIONS);
}

/// What `status` says with these endpoint overrides, and nothing else in its environment.
async fn status(overrides: &[(&str, &str)]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let regions = REGIONS.map(|(region, _)| format!("[[region]]\nlabel = \"{region}\"\n"));
    let config = format!(
        "{}[[name]]\nname = \"api.shop.example\"\n",
        regions.concat()
    );
    std::fs::write(home.path().join("pilothouse.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command
        .args(["status", "--output", "json"])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_ACCESS_KEY_ID", "AKIDWIRE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(overrides.iter().copied())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn seed_records(wire: &Wire, weights: &[(&str, u32)]) {
    let zones = "<ListHostedZonesResponse><HostedZones><HostedZone><Id>/hostedzone/Z1</Id><Name>shop.example.</Name><CallerReference>r</CallerReference></HostedZone></HostedZones>\
        <IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>";
    wire.answer("us-east-1", "route53:GET /2013-04-01/hostedzone", [zones]);
    let record = |(region, weight): &(&str, u32)| {
        format!(
            "<ResourceRecordSet><Name>api.shop.example.</Name><Type>A</Type><SetIdentifier>{region}</SetIdentifier><Weight>{weight}</Weight>\
             <AliasTarget><HostedZoneId>Z2</HostedZoneId><DNSName>web.{region}.example.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>"
        )
    };
    let records: String = weights.iter().map(record).collect();
    let page = format!(
        "<ListResourceRecordSetsResponse><ResourceRecordSets>{records}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
    );
    wire.answer(
        "us-east-1",
        "route53:GET /2013-04-01/hostedzone/Z1/rrset",
        [page],
    );
}

/// A value of each row of a pane, by the row's region, sorted.
fn column(
    status: &Value,
    pane: &str,
    of: impl Fn(&Value) -> Option<String>,
) -> Vec<(String, String)> {
    let rows = status["panes"][pane].as_array().unwrap();
    let row = |row: &Value| {
        let region = row["cells"]["region"].as_str().unwrap_or("-");
        Some((region.to_owned(), of(row)?))
    };
    let mut column: Vec<_> = rows.iter().filter_map(row).collect();
    column.sort();
    column
}

fn cell(name: &str) -> impl Fn(&Value) -> Option<String> {
    move |row| Some(row["cells"][name].as_str()?.to_owned())
}

fn weights(status: &Value) -> Vec<(String, String)> {
    column(status, "traffic", |row| {
        (row["source"] == "records")
            .then(|| row["cells"]["weight"].as_str().map(ToOwned::to_owned))?
    })
}

fn in_regions(values: [&str; 3]) -> Vec<(String, String)> {
    let regions = ["ap-southeast-1", "eu-west-1", "us-east-1"].map(ToOwned::to_owned);
    regions
        .into_iter()
        .zip(values.map(ToOwned::to_owned))
        .collect()
}

#[tokio::test]
async fn what_is_seeded_comes_out_of_status() {
    let wire = Wire::start();
    seed(&wire);
    let status = status(&[("AWS_ENDPOINT_URL", &wire.url())]).await;
    assert_eq!(weights(&status), in_regions(["23", "31", "46"]));
    assert_eq!(
        column(&status, "databases", cell("role")),
        in_regions(["reader", "reader", "WRITER"])
    );
    assert_eq!(
        column(&status, "alarms", cell("alarm")),
        in_regions(["OK", "ALARM", "OK"])
    );
    assert_eq!(
        column(&status, "regions", cell("rps")),
        in_regions(["1000", "1000", "1000"])
    );
}

#[tokio::test]
async fn an_override_for_route_53_redirects_nothing_else() {
    let (everything, records) = (Wire::start(), Wire::start());
    seed(&everything);
    seed_records(&records, &[("eu-west-1", 255)]);
    let status = status(&[
        ("AWS_ENDPOINT_URL", &everything.url()),
        // The service id is "Route 53"; the SDK writes its space as an underscore.
        ("AWS_ENDPOINT_URL_ROUTE_53", &records.url()),
    ])
    .await;
    assert_eq!(
        weights(&status),
        [("eu-west-1".to_owned(), "255".to_owned())]
    );
    let to_route_53 = |call: &String| call.contains(" route53:");
    assert!(
        records.calls().iter().all(to_route_53),
        "{:?}",
        records.calls()
    );
    assert!(!everything.calls().iter().any(to_route_53));
}
