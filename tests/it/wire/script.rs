//! What the harness was told to answer, and what it was asked. Owns the precedence of rules; knows no socket.

use std::sync::Mutex;

/// A way in which AWS fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No answer, ever; the connection stays open.
    Hang,
    /// The throttling error of the protocol.
    Throttle,
    /// HTTP 500.
    ServerError,
    /// The access-denied error of the protocol.
    Denied,
    /// HTTP 200 with half of the body that would have been sent.
    Truncated,
}

/// One call that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Region of the signature.
    pub region: String,
    /// Signing name of the service.
    pub service: String,
    /// Operation, or method and path.
    pub operation: String,
}

/// What the rules say about one call.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How it fails.
    pub fault: Option<Fault>,
    /// The scripted status and body.
    pub body: Option<(u16, String)>,
}

#[derive(Debug)]
enum Reply {
    Bodies(u16, Vec<String>),
    FaultFrom(usize, Fault),
}

#[derive(Debug)]
struct Rule {
    region: String,
    operation: String,
    /// What the body of the call contains.
    containing: String,
    reply: Reply,
    /// Calls that it matched.
    seen: usize,
}

/// The rules and the log.
#[derive(Debug, Default)]
pub struct Script {
    rules: Mutex<Vec<Rule>>,
    log: Mutex<Vec<(Call, String)>>,
    /// The access key that is accepted no longer.
    expired: Mutex<Option<String>>,
}

impl Script {
    /// Adds a rule that answers with this status and bodies in turn.
    pub fn answer(&self, region: &str, operation: &str, status: u16, bodies: Vec<String>) {
        assert!(!bodies.is_empty(), "an answer needs a body");
        self.add(region, operation, "", Reply::Bodies(status, bodies));
    }

    /// The same for calls whose body contains a text: of two calls at once nobody knows which comes first.
    pub fn answer_to(&self, region: &str, operation: &str, containing: &str, bodies: Vec<String>) {
        assert!(!bodies.is_empty(), "an answer needs a body");
        self.add(region, operation, containing, Reply::Bodies(200, bodies));
    }

    /// Adds a rule that fails from the n-th call on.
    pub fn fault(&self, region: &str, operation: &str, call: usize, fault: Fault) {
        self.add(region, operation, "", Reply::FaultFrom(call, fault));
    }

    fn add(&self, region: &str, operation: &str, containing: &str, reply: Reply) {
        self.rules.lock().unwrap().push(Rule {
            region: region.to_owned(),
            operation: operation.to_owned(),
            containing: containing.to_owned(),
            reply,
            seen: 0,
        });
    }

    /// Whether any call hangs.
    pub fn hangs(&self) -> bool {
        let rules = self.rules.lock().unwrap();
        rules
            .iter()
            .any(|rule| matches!(rule.reply, Reply::FaultFrom(_, Fault::Hang)))
    }

    /// Logs a call and says what becomes of it.
    pub fn judge(&self, call: &Call, body: &[u8]) -> Verdict {
        let body = String::from_utf8_lossy(body).into_owned();
        self.log.lock().unwrap().push((call.clone(), body.clone()));
        let name = format!("{}:{}", call.service, call.operation);
        let mut rules = self.rules.lock().unwrap();
        let mut verdict = Verdict::default();
        // The newest rule that speaks wins; every matching fault counts the call.
        for rule in rules.iter_mut().rev() {
            if rule.operation != name
                || (rule.region != "*" && rule.region != call.region)
                || !body.contains(&rule.containing)
            {
                continue;
            }
            match &rule.reply {
                Reply::Bodies(..) if verdict.body.is_some() => {}
                Reply::Bodies(status, bodies) => {
                    verdict.body = Some((*status, bodies[rule.seen % bodies.len()].clone()));
                    rule.seen += 1;
                }
                Reply::FaultFrom(from, fault) => {
                    rule.seen += 1;
                    if rule.seen >= *from {
                        verdict.fault.get_or_insert(*fault);
                    }
                }
            }
        }
        verdict
    }

    /// The calls, sorted.
    pub fn calls(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        let mut calls: Vec<String> = log
            .iter()
            .map(|(call, _)| format!("{} {}:{}", call.region, call.service, call.operation))
            .collect();
        calls.sort();
        calls
    }

    /// The bodies of the calls of an operation, in the order in which they came.
    pub fn sent(&self, operation: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter()
            .filter(|(call, _)| format!("{}:{}", call.service, call.operation) == operation)
            .map(|(_, body)| body.clone())
            .collect()
    }

    /// Accepts an access key no longer.
    pub fn expire(&self, key: &str) {
        *self.expired.lock().unwrap() = Some(key.to_owned());
    }

    /// Whether a call is signed with a key that has expired.
    pub fn expired(&self, authorization: &str) -> bool {
        let expired = self.expired.lock().unwrap();
        let signed_with = |key: &String| authorization.contains(&format!("Credential={key}/"));
        expired.as_ref().is_some_and(signed_with)
    }

    /// Empties the log.
    pub fn forget(&self) {
        self.log.lock().unwrap().clear();
    }
}
