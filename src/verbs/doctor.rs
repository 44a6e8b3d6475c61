//! `pilothouse doctor`: what works and what does not, per place and API, and what the terminal can. Reads as the console reads; changes nothing.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{Failure, layers, variable};
use crate::{
    cli::{Common, exit},
    config::{self, Config, depth::Depth},
    effect::Format,
    facts,
    provider::{
        doctor::{Finding, examine},
        live::LiveProvider,
    },
    resources::{ErrorClass, Severity, cell},
    ui::text,
};

/// Seconds of clock skew that are warned about, and that are too many (G-CLOCK).
const SKEW: (i64, i64) = (5, 60);

/// Examines, and prints each finding as soon as it is known.
pub async fn run(common: &Common, output: Format) -> Result<u8, Failure> {
    let config = config::load(&layers(common))?;
    let provider = LiveProvider::new(Arc::new(config.estate.clone()));
    let mut out = std::io::stdout();
    let mut findings = Vec::new();
    let mut broken = Ok(());
    examine(&provider, &config.estate, |finding| {
        if output == Format::Table {
            broken = std::mem::replace(&mut broken, Ok(()))
                .and_then(|()| writeln!(out, "{}", masked(line(&finding), common.privacy)));
        }
        findings.push(finding);
    })
    .await;
    broken?;
    findings.sort_by(|a, b| (&a.place, a.source).cmp(&(&b.place, b.source)));
    match output {
        Format::Table => {
            let mut told = Vec::new();
            tell(&mut told, &config, &findings)?;
            let told = String::from_utf8_lossy(&told).into_owned();
            out.write_all(masked(told, common.privacy).as_bytes())?;
        }
        Format::Json => {
            let found: Vec<Value> = findings.iter().map(as_json).collect();
            let told = json!({ "findings": found, "terminal": terminal(&config) });
            writeln!(out, "{}", masked(format!("{told:#}"), common.privacy))?;
        }
        Format::Csv | Format::Markdown => {
            return Err(Failure::Usage("`doctor` prints table or json".to_owned()));
        }
    }
    let well = findings
        .iter()
        .all(|finding| finding.errors().next().is_none() && skew(finding) < Severity::Bad);
    Ok(if well { exit::OK } else { exit::UNWELL })
}

/// A text without account ids and ARNs where privacy asks for it.
fn masked(told: String, privacy: bool) -> String {
    if privacy {
        text::mask(&told).unwrap_or(told)
    } else {
        told
    }
}

fn line(finding: &Finding) -> String {
    let outcome = match &finding.result {
        Ok(rows) if finding.problems.is_empty() => format!("ok, {rows} rows"),
        Ok(rows) => format!("{rows} rows, {} parts missing", finding.problems.len()),
        Err(error) => error.class.word().to_owned(),
    };
    let took = cell::milliseconds(finding.latency.as_secs_f64() * 1_000.0);
    let mut text = format!(
        "{:<18} {:<17} {outcome:<22} {took:>7} {:>3} calls",
        finding.place.to_string(),
        finding.source.name(),
        finding.calls
    );
    for note in &finding.notes {
        text.push_str(&format!("\n    {}", text::clean(note, true)));
    }
    for error in finding.errors() {
        text.push_str(&format!(
            "\n    {}\n    -> {}",
            text::clean(&error.to_string(), true),
            error.advice()
        ));
    }
    text
}

fn skew(finding: &Finding) -> Severity {
    match finding
        .identity
        .as_ref()
        .and_then(|identity| identity.clock_skew_seconds)
    {
        Some(seconds) if seconds.abs() > SKEW.1 => Severity::Bad,
        Some(seconds) if seconds.abs() > SKEW.0 => Severity::Warn,
        Some(_) | None => Severity::Ok,
    }
}

/// What follows from all findings together: identities, clocks, permissions, the terminal.
fn tell(out: &mut impl Write, config: &Config, findings: &[Finding]) -> std::io::Result<()> {
    writeln!(out)?;
    for finding in findings {
        let Some(identity) = &finding.identity else {
            continue;
        };
        let clock = match identity.clock_skew_seconds {
            Some(seconds) if skew(finding) > Severity::Ok => {
                format!("the local clock is off by {seconds} s: signatures fail at 300 s")
            }
            Some(seconds) => format!("clock off by {seconds} s"),
            None => "clock not known".to_owned(),
        };
        let life = identity
            .credentials_expire_at
            .map_or("credentials without expiry".to_owned(), |at| {
                format!("credentials until {at}")
            });
        writeln!(
            out,
            "{:<18} {} as {}; {clock}; {life}",
            finding.place.to_string(),
            identity.account,
            facts::caller(&identity.arn)
        )?;
    }
    let missing: std::collections::BTreeSet<String> =
        findings.iter().flat_map(Finding::missing_actions).collect();
    if !missing.is_empty() {
        writeln!(
            out,
            "\nmissing permissions: {}",
            missing.into_iter().collect::<Vec<_>>().join(", ")
        )?;
    }
    let expired = findings
        .iter()
        .flat_map(Finding::errors)
        .any(|error| error.class == ErrorClass::Identity);
    if expired {
        writeln!(
            out,
            "\ncredentials are missing, expired or wrong: log in (`aws sso login`), or set AWS_PROFILE"
        )?;
    }
    let terminal = terminal(config);
    writeln!(
        out,
        "\nterminal: {}",
        terminal
            .as_object()
            .map(|fields| fields
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect::<Vec<_>>()
                .join(", "))
            .unwrap_or_default()
    )
}

/// What the terminal can.
fn terminal(config: &Config) -> Value {
    let size = crate::runtime::tty::size();
    json!({
        "tty": std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
        "TERM": variable("TERM"),
        "columns": size.map(|size| size.width),
        "rows": size.map(|size| size.height),
        "colours": match Depth::detect(config.settings.color, &variable) { Depth::Mono => "none", Depth::Ansi16 => "16", Depth::Indexed => "256", Depth::True => "24 bit" },
        "glyphs": if config.settings.glyphs.ascii(&variable) { "ascii" } else { "unicode" },
        "tmux": variable("TMUX").is_some(),
        "ssh": variable("SSH_CONNECTION").is_some(),
    })
}

fn as_json(finding: &Finding) -> Value {
    json!({
        "place": finding.place.to_string(),
        "source": finding.source,
        "rows": finding.result.as_ref().ok(),
        "errors": finding.errors().map(|error| json!({ "class": error.class, "api_call": error.operation, "message": error.message, "advice": error.advice() })).collect::<Vec<_>>(),
        "missing_permissions": finding.missing_actions(),
        "latency_ms": finding.latency.as_secs_f64() * 1_000.0,
        "calls": finding.calls,
        "identity": finding.identity,
        "notes": finding.notes,
    })
}
