//! What a Prometheus answers, as its HTTP API documents it. Owns the form and what is left out of it (NaN, infinities, histograms); judges nothing and sends nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::resources::ErrorClass;

/// Characters of a server's words that are kept.
const MOST: usize = 240;

/// One series of an answer: its labels, and its finite values by time.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its values, the oldest first.
    pub values: Vec<(Timestamp, f64)>,
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// The series; none where nothing matches.
    pub series: Vec<Labelled>,
    /// What the server says is missing from it.
    pub warnings: Vec<String>,
}

/// What an answer that is none says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What to do about it.
    pub class: ErrorClass,
    /// In the server's words.
    pub text: String,
}

impl Refused {
    fn new(class: ErrorClass, text: impl AsRef<str>) -> Self {
        let text = text.as_ref().chars().take(MOST).collect();
        Self { class, text }
    }
}

#[derive(Deserialize)]
struct Envelope {
    status: Option<String>,
    data: Option<Data>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    /// AWS says here what it refuses.
    message: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    /// A VictoriaMetrics cluster says so when a storage node did not answer; it gives no warning.
    #[serde(default, rename = "isPartial")]
    partial: Option<bool>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    form: Option<String>,
    #[serde(default)]
    result: Option<Vec<Item>>,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, Number)>,
    value: Option<(f64, Number)>,
}

/// Prometheus writes numbers as texts, so that NaN can be one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Plain(f64),
}

impl Number {
    fn finite(&self) -> Option<f64> {
        let value = match self {
            Self::Text(text) => text.parse().ok()?,
            Self::Plain(value) => *value,
        };
        Some(value).filter(|value: &f64| value.is_finite())
    }
}

fn at((seconds, number): &(f64, Number)) -> Option<(Timestamp, f64)> {
    let milliseconds = (seconds * 1_000.0).round() as i64;
    let at = Timestamp::from_millisecond(milliseconds).ok()?;
    Some((at, number.finite()?))
}

/// Reads the answer to a query. `status` is that of HTTP.
pub fn read(status: u16, body: &[u8]) -> Result<Told, Refused> {
    let envelope = envelope(status, body)?;
    let Some(data) = envelope.data else {
        return Err(Refused::new(
            ErrorClass::Terminal,
            "an answer without data: is that the address of a Prometheus?",
        ));
    };
    match data.form.as_deref() {
        Some("matrix" | "vector") => {}
        form => {
            let form = form.unwrap_or("nothing");
            let text = format!("the query gives a {form}, not series");
            return Err(Refused::new(ErrorClass::Terminal, text));
        }
    }
    let series = data.result.unwrap_or_default().into_iter().map(|item| {
        let mut values: Vec<_> = item
            .values
            .iter()
            .chain(&item.value)
            .filter_map(at)
            .collect();
        values.sort_by_key(|(at, _)| *at);
        Labelled {
            labels: item.metric,
            values,
        }
    });
    let partial = envelope.partial.unwrap_or_default();
    let partial = partial.then(|| "the answer is partial: a storage node is missing".to_owned());
    // What PromQL says about a query is no missing part.
    let warnings = envelope.warnings.unwrap_or_default().into_iter();
    let warnings = warnings.filter(|warning| !warning.starts_with("PromQL"));
    Ok(Told {
        series: series.collect(),
        warnings: warnings.chain(partial).collect(),
    })
}

/// Reads the answer about the server itself: its version.
pub fn read_version(status: u16, body: &[u8]) -> Option<String> {
    envelope(status, body).ok()?.data?.version
}

fn envelope(status: u16, body: &[u8]) -> Result<Envelope, Refused> {
    let parsed = serde_json::from_slice::<Envelope>(body);
    match (parsed, status) {
        (Ok(envelope), 200..300) if envelope.status.as_deref() == Some("success") => Ok(envelope),
        (Ok(envelope), _) => Err(refused(status, &envelope)),
        (Err(error), 200..300) if error.is_eof() => Err(Refused::new(
            ErrorClass::Transient,
            "the answer stops in the middle",
        )),
        (Err(error), 200..300) => Err(unreadable(body, &error)),
        (Err(_), status) => Err(Refused::new(class(status, None), plain(status, body))),
    }
}

fn unreadable(body: &[u8], error: &serde_json::Error) -> Refused {
    // A scalar is a pair where a list of series should be.
    let scalar = [&br#""scalar""#[..], br#""string""#];
    let says = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    let text = if scalar.into_iter().any(says) {
        "the query gives a single value, not series".to_owned()
    } else if body.trim_ascii_start().starts_with(b"{") {
        format!("an answer that we cannot read: {error}")
    } else {
        let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        format!(
            "an answer that is no JSON; is a login page in front of it? It begins with {start:?}"
        )
    };
    Refused::new(ErrorClass::Terminal, text)
}

/// The words of a server that does not answer in the form of the API: a proxy, a login page, a wrong path.
fn plain(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST)]).into_owned();
    let line = text.lines().next().unwrap_or_default().trim();
    match (status, line) {
        (404, _) => "HTTP 404: there is no Prometheus API at this address".to_owned(),
        (_, line) if line.is_empty() || line.starts_with('<') => format!("HTTP {status}"),
        (_, line) => format!("HTTP {status}: {line}"),
    }
}

fn refused(status: u16, envelope: &Envelope) -> Refused {
    let kind = envelope.error_type.as_deref();
    let said = envelope.error.as_deref().or(envelope.message.as_deref());
    let text = match (kind, said) {
        (Some(kind), Some(said)) => format!("{kind}: {said}"),
        (None, Some(said)) => format!("HTTP {status}: {said}"),
        (Some(kind), None) => format!("HTTP {status}: {kind}"),
        (None, None) => format!("HTTP {status}, no error is given"),
    };
    Refused::new(class(status, kind), text)
}

/// What to do about an answer, by HTTP's status and the API's own kind of error.
fn class(status: u16, kind: Option<&str>) -> ErrorClass {
    match (status, kind) {
        (401, _) => ErrorClass::Identity,
        (403, _) => ErrorClass::Denied,
        (404, _) => ErrorClass::NotFound,
        (429, _) | (_, Some("too_many_requests")) => ErrorClass::Throttled,
        (408 | 504, _) | (_, Some("timeout")) => ErrorClass::Timeout,
        (_, Some("bad_data" | "execution")) => ErrorClass::Terminal,
        (500.., _) | (_, Some("canceled" | "internal" | "unavailable")) => ErrorClass::Transient,
        (_, _) => ErrorClass::Terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> (ErrorClass, String) {
        let refused = read(status, body.as_bytes()).unwrap_err();
        (refused.class, refused.text)
    }

    #[test]
    fn numbers_are_texts_and_only_finite_ones_count() {
        let body = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"x","job":"a"},"values":[[1435781430.781,"1"],[1435781490.781,"NaN"],[1435781550.781,"+Inf"],[1435781610,"2.5e-3"]]},
            {"values":[]}]},"warnings":["PromQL info: metric might not be a counter","store eu-2 did not answer"],"infos":["x"]}"#;
        let told = read(200, body.as_bytes()).unwrap();
        let values: Vec<f64> = told.series[0].values.iter().map(|(_, v)| *v).collect();
        assert_eq!(values, [1.0, 0.0025]);
        assert_eq!(
            told.series[0].values[0].0.to_string(),
            "2015-07-01T20:10:30.781Z"
        );
        assert_eq!(told.series[0].labels["job"], "a");
        assert!(told.series[1].labels.is_empty() && told.series[1].values.is_empty());
        assert_eq!(told.warnings, ["store eu-2 did not answer"]);
    }

    #[test]
    fn an_instant_vector_is_a_series_of_one_value_and_nothing_is_no_error() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"3"]}]}}"#;
        assert_eq!(
            read(200, vector.as_bytes()).unwrap().series[0].values[0].1,
            3.0
        );
        let plain = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,3]}]}}"#;
        assert_eq!(
            read(200, plain.as_bytes()).unwrap().series[0].values[0].1,
            3.0
        );
        let empty = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert_eq!(read(200, empty.as_bytes()).unwrap(), Told::default());
        let null =
            r#"{"status":"success","data":{"resultType":"vector","result":null},"warnings":null}"#;
        assert_eq!(read(200, null.as_bytes()).unwrap(), Told::default());
        let partial =
            r#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}"#;
        let told = read(200, partial.as_bytes()).unwrap();
        assert_eq!(told.warnings.len(), 1, "{:?}", told.warnings);
    }

    #[test]
    fn a_refusal_keeps_the_words_of_the_server() {
        let bad = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error"}"#;
        assert_eq!(
            error(400, bad),
            (
                ErrorClass::Terminal,
                "bad_data: invalid parameter \"query\": 1:5: parse error".to_owned()
            )
        );
        let heavy = r#"{"status":"error","errorType":"execution","error":"query processing would load too many samples"}"#;
        assert_eq!(error(422, heavy).0, ErrorClass::Terminal);
        let late = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
        assert_eq!(error(503, late).0, ErrorClass::Timeout);
        let aws = r#"{"message":"Missing Authentication Token"}"#;
        assert_eq!(
            error(403, aws),
            (
                ErrorClass::Denied,
                "HTTP 403: Missing Authentication Token".to_owned()
            )
        );
    }

    #[test]
    fn what_is_no_answer_of_the_api_says_so() {
        let classes = [
            (401, "Unauthorized", ErrorClass::Identity),
            (403, "forbidden", ErrorClass::Denied),
            (404, "404 page not found", ErrorClass::NotFound),
            (429, "", ErrorClass::Throttled),
            (502, "<html>", ErrorClass::Transient),
            (504, "", ErrorClass::Timeout),
        ];
        for (status, body, class) in classes {
            assert_eq!(error(status, body).0, class, "{status}");
        }
        assert_eq!(error(401, "Unauthorized\n").1, "HTTP 401: Unauthorized");
        assert_eq!(error(502, "<html>").1, "HTTP 502");
        let (class, text) = error(200, "<!DOCTYPE html><title>Sign in</title>");
        assert!(
            class == ErrorClass::Terminal && text.contains("login page"),
            "{text}"
        );
        let half = r#"{"status":"success","data":{"resultType":"matrix","resu"#;
        assert_eq!(error(200, half).0, ErrorClass::Transient);
        let scalar =
            r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1"]}}"#;
        assert_eq!(
            error(200, scalar).1,
            "the query gives a single value, not series"
        );
        assert_eq!(
            error(200, r#"{"status":"success"}"#).0,
            ErrorClass::Terminal
        );
        assert_eq!(error(200, "[]").0, ErrorClass::Terminal);
    }
}
