//! A small Route 53 that keeps record sets whole, after the API's documentation: a batch is taken as a whole or not at all, a DELETE must name every value as it is,
//! a CREATE must find nothing, a change spreads after it was taken, five calls a second are answered, and lists have pages. Owns its record sets and a log of its own.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::protocol::{Protocol, Reply};

/// The only hosted zone.
pub const ZONE: &str = "Z1";
/// Its name.
pub const APEX: &str = "shop.example.";
/// Calls a second that the API answers for an account.
const CALLS: usize = 5;

/// A weighted record set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Set {
    /// Name, with a dot at its end.
    pub name: String,
    /// Set identifier.
    pub id: String,
    /// Weight.
    pub weight: String,
    /// TTL in seconds.
    pub ttl: String,
    /// Its one value.
    pub value: String,
}

/// How the next write is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Somebody else is faster by a moment: a weight is another one.
    Outrun,
    /// The same, and it is a TTL, which nobody looks at.
    Edited,
    /// It is done, and nobody ever answers.
    Mute,
    /// It gets lost on its way, and nobody ever answers.
    Lost,
    /// Nobody answers, and it is done when `arrive` is called.
    Late,
    /// It is done, and the answer is an error of a server.
    Broken,
    /// It is done, and the answer ends in its middle.
    Half,
    /// It is answered, and never done.
    Lie,
    /// Too many calls.
    Throttled,
    /// An earlier change is not finished yet.
    Busy,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its record sets are as it says.
    Taken,
    /// Nothing was changed, and why.
    Refused(String),
    /// It has not arrived, or never will.
    Away,
}

/// One write as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its comment, which names run and step.
    pub comment: String,
    /// What it takes away.
    pub deletes: Vec<Set>,
    /// What it makes.
    pub creates: Vec<Set>,
    /// What became of it.
    pub fate: Fate,
}

#[derive(Debug, Default)]
struct Inside {
    sets: Vec<Set>,
    log: Vec<Batch>,
    moods: VecDeque<Mood>,
    /// How often a change is still asked for before it has spread.
    pending: BTreeMap<String, u32>,
    calls: VecDeque<Instant>,
    throttled: usize,
}

/// The zone.
#[derive(Debug)]
pub struct Route53 {
    inside: Mutex<Inside>,
    written: Condvar,
    /// Record sets on a page of a list.
    page: usize,
    /// How often a change is PENDING before it is INSYNC.
    spreads: u32,
}

impl Route53 {
    /// A zone with these record sets.
    pub fn new(sets: Vec<Set>) -> Self {
        let inside = Inside {
            sets,
            ..Inside::default()
        };
        Self {
            inside: Mutex::new(inside),
            written: Condvar::new(),
            page: 300,
            spreads: 1,
        }
    }

    /// The same with short pages.
    pub fn in_pages_of(self, page: usize) -> Self {
        Self { page, ..self }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// Every record set, sorted.
    pub fn sets(&self) -> Vec<Set> {
        let mut sets = self.inside().sets.clone();
        sets.sort();
        sets
    }

    /// The weight of a set of a name.
    pub fn weight(&self, name: &str, id: &str) -> String {
        let sets = self.sets();
        let found = sets.iter().find(|set| set.name == name && set.id == id);
        found.map_or_else(|| "gone".to_owned(), |set| set.weight.clone())
    }

    /// Somebody else changes record sets.
    pub fn meddle(&self, change: impl FnOnce(&mut Vec<Set>)) {
        change(&mut self.inside().sets);
    }

    /// How the next writes are met, in turn; all later ones go well.
    pub fn meet(&self, moods: impl IntoIterator<Item = Mood>) {
        self.inside().moods.extend(moods);
    }

    /// The writes to come meet nothing any more.
    pub fn calm(&self) {
        self.inside().moods.clear();
    }

    /// Every write so far, in the order in which it arrived.
    pub fn log(&self) -> Vec<Batch> {
        self.inside().log.clone()
    }

    /// How many calls were one too many.
    pub fn throttled(&self) -> usize {
        self.inside().throttled
    }

    /// Waits until this many writes have arrived, or for a time; whether they have.
    pub fn await_writes(&self, count: usize, at_most: Duration) -> bool {
        let waited = self
            .written
            .wait_timeout_while(self.inside(), at_most, |inside| inside.log.len() < count);
        waited.unwrap().0.log.len() >= count
    }

    /// What was late arrives now.
    pub fn arrive(&self) {
        let mut inside = self.inside();
        for at in 0..inside.log.len() {
            if inside.log[at].fate == Fate::Away {
                let (deletes, creates) = (
                    inside.log[at].deletes.clone(),
                    inside.log[at].creates.clone(),
                );
                inside.log[at].fate = inside.take(&deletes, &creates);
            }
        }
    }

    /// Answers a call; `None` when nobody ever answers.
    pub fn answer(&self, method: &str, url: &str, body: &[u8]) -> Option<Reply> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let path = path
            .trim_start_matches("/2013-04-01/")
            .trim_end_matches('/');
        if self.inside().too_many() {
            return Some(throttled());
        }
        match (method, path.split('/').collect::<Vec<_>>().as_slice()) {
            ("GET", ["hostedzone"]) => Some(Protocol::Xml.reply(200, zones())),
            ("GET", ["healthcheck"]) => Some(Protocol::Xml.reply(200, no_checks())),
            ("GET", ["hostedzone", ZONE, "rrset"]) => Some(self.list(query)),
            ("POST", ["hostedzone", ZONE, "rrset"]) => {
                let answer = self.write(&String::from_utf8_lossy(body));
                self.written.notify_all();
                answer
            }
            ("GET", ["change", id]) => Some(self.change(id)),
            _ => Some(Protocol::Xml.error(404, "NoSuchHostedZone", url)),
        }
    }

    fn list(&self, query: &str) -> Reply {
        let parameter = |name: &str| {
            let pair = |pair: &str| Some(pair.strip_prefix(name)?.strip_prefix('=')?.to_owned());
            query.split('&').find_map(pair).unwrap_or_default()
        };
        let (name, id) = (parameter("name"), parameter("identifier"));
        let most = parameter("maxitems").parse().unwrap_or(300).min(self.page);
        let mut sets = self.sets();
        sets.sort_by_key(place);
        let from = sets
            .iter()
            .position(|set| (labels(&set.name), &set.id) >= (labels(&name), &id));
        let rest = from.map_or(&[][..], |from| &sets[from..]);
        let shown: String = rest.iter().take(most).map(Set::xml).collect();
        let next = rest.get(most).map_or_else(
            || "<IsTruncated>false</IsTruncated>".to_owned(),
            |next| {
                format!(
                    "<IsTruncated>true</IsTruncated><NextRecordName>{}</NextRecordName><NextRecordType>A</NextRecordType><NextRecordIdentifier>{}</NextRecordIdentifier>",
                    next.name, next.id
                )
            },
        );
        let body = format!(
            "<ListResourceRecordSetsResponse><ResourceRecordSets>{shown}</ResourceRecordSets>{next}<MaxItems>{most}</MaxItems></ListResourceRecordSetsResponse>"
        );
        Protocol::Xml.reply(200, body)
    }

    fn write(&self, body: &str) -> Option<Reply> {
        let mut inside = self.inside();
        let mood = inside.moods.pop_front();
        let (deletes, creates) = changes(body);
        for set in &mut inside.sets {
            let first = creates
                .first()
                .is_some_and(|first| first.id == set.id && first.name == set.name);
            match mood {
                Some(Mood::Outrun) if first => "77".clone_into(&mut set.weight),
                Some(Mood::Edited) if first => "77".clone_into(&mut set.ttl),
                Some(_) | None => {}
            }
        }
        let done = match mood {
            Some(Mood::Lost | Mood::Late | Mood::Lie) => Fate::Away,
            Some(Mood::Throttled) => Fate::Refused("Rate exceeded".to_owned()),
            Some(Mood::Busy) => Fate::Refused("PriorRequestNotComplete".to_owned()),
            Some(Mood::Mute | Mood::Broken | Mood::Half | Mood::Outrun | Mood::Edited) | None => {
                inside.take(&deletes, &creates)
            }
        };
        inside.log.push(Batch {
            comment: between(body, "Comment").next().unwrap_or_default(),
            deletes,
            creates,
            fate: done.clone(),
        });
        let id = format!("C{}", inside.log.len());
        inside.pending.insert(id.clone(), self.spreads);
        let text = format!(
            "<ChangeResourceRecordSetsResponse>{}</ChangeResourceRecordSetsResponse>",
            information(&id, true)
        );
        let mut reply = Protocol::Xml.reply(200, text);
        match (mood, done) {
            (Some(Mood::Mute | Mood::Lost | Mood::Late), _) => return None,
            (Some(Mood::Throttled), _) => return Some(throttled()),
            (Some(Mood::Busy), _) => {
                let text = "The request was rejected because Route 53 was still processing a prior request.";
                return Some(Protocol::Xml.error(400, "PriorRequestNotComplete", text));
            }
            (Some(Mood::Broken), _) => {
                return Some(Protocol::Xml.error(500, "InternalFailure", "Something broke"));
            }
            (_, Fate::Refused(why)) => return Some(invalid(&why)),
            (Some(Mood::Half), _) => reply.body.truncate(reply.body.len() / 2),
            (Some(Mood::Lie | Mood::Outrun | Mood::Edited) | None, _) => {}
        }
        Some(reply)
    }

    fn change(&self, id: &str) -> Reply {
        let mut inside = self.inside();
        let Some(left) = inside.pending.get_mut(id) else {
            return Protocol::Xml.error(
                404,
                "NoSuchChange",
                "Could not find resource with that id",
            );
        };
        let pending = *left > 0;
        *left = left.saturating_sub(1);
        let text = format!(
            "<GetChangeResponse>{}</GetChangeResponse>",
            information(id, pending)
        );
        Protocol::Xml.reply(200, text)
    }
}

impl Inside {
    /// Takes a batch as a whole, or refuses it as a whole.
    fn take(&mut self, deletes: &[Set], creates: &[Set]) -> Fate {
        let mut sets = self.sets.clone();
        let named = |set: &Set| {
            format!(
                "resource record set [name='{}', type='A', set-identifier='{}']",
                set.name, set.id
            )
        };
        for set in deletes {
            let same = |known: &Set| known.name == set.name && known.id == set.id;
            match sets.iter().position(same) {
                None => {
                    let why = format!("Tried to delete {} but it was not found", named(set));
                    return Fate::Refused(why);
                }
                Some(at) if sets[at] != *set => {
                    let why = format!(
                        "Tried to delete {} but the values provided do not match the current values",
                        named(set)
                    );
                    return Fate::Refused(why);
                }
                Some(at) => drop(sets.remove(at)),
            }
        }
        for set in creates {
            if sets
                .iter()
                .any(|known| known.name == set.name && known.id == set.id)
            {
                let why = format!("Tried to create {} but it already exists", named(set));
                return Fate::Refused(why);
            }
            if set.weight.parse::<u8>().is_err() {
                return Fate::Refused(format!("Invalid weight {}", set.weight));
            }
            sets.push(set.clone());
        }
        self.sets = sets;
        Fate::Taken
    }

    /// Notes a call; whether it is one too many.
    fn too_many(&mut self) -> bool {
        let now = Instant::now();
        let second = |at: &Instant| now.duration_since(*at) < Duration::from_secs(1);
        self.calls.retain(second);
        let too_many = self.calls.len() >= CALLS;
        if too_many {
            self.throttled += 1;
        } else {
            self.calls.push_back(now);
        }
        too_many
    }
}

impl Set {
    fn xml(&self) -> String {
        let Self {
            name,
            id,
            weight,
            ttl,
            value,
        } = self;
        format!(
            "<ResourceRecordSet><Name>{name}</Name><Type>A</Type><SetIdentifier>{id}</SetIdentifier><Weight>{weight}</Weight><TTL>{ttl}</TTL>\
             <ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>"
        )
    }

    fn read(text: &str) -> Self {
        let field = |name| between(text, name).next().unwrap_or_default();
        Self {
            name: field("Name"),
            id: field("SetIdentifier"),
            weight: field("Weight"),
            ttl: field("TTL"),
            value: field("Value"),
        }
    }
}

/// What a batch takes away and what it makes.
fn changes(body: &str) -> (Vec<Set>, Vec<Set>) {
    let (mut deletes, mut creates) = (Vec::new(), Vec::new());
    for change in between(body, "Change") {
        let into = match between(&change, "Action").next().as_deref() {
            Some("DELETE") => &mut deletes,
            Some("CREATE") => &mut creates,
            other => panic!("{other:?} overwrites what somebody else may have written"),
        };
        into.push(Set::read(&change));
    }
    (deletes, creates)
}

/// The contents of the elements of a name.
fn between<'a>(text: &'a str, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts: Vec<String> = text
        .split(&open)
        .skip(1)
        .filter_map(|part| Some(part.split_once(&close)?.0.to_owned()))
        .collect();
    parts.into_iter()
}

/// Route 53 lists names by their labels from the last one on.
fn labels(name: &str) -> Vec<String> {
    let labels = name.trim_end_matches('.').rsplit('.');
    labels.map(ToOwned::to_owned).collect()
}

fn place(set: &Set) -> (Vec<String>, String) {
    (labels(&set.name), set.id.clone())
}

fn information(id: &str, pending: bool) -> String {
    let status = if pending { "PENDING" } else { "INSYNC" };
    format!(
        "<ChangeInfo><Id>/change/{id}</Id><Status>{status}</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>"
    )
}

fn throttled() -> Reply {
    Protocol::Xml.error(400, "Throttling", "Rate exceeded")
}

fn invalid(why: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\"?><InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages><Message>{}</Message></Messages>\
         <RequestId>r-1</RequestId></InvalidChangeBatch>",
        why.replace('\'', "&apos;")
    );
    Protocol::Xml.reply(400, body)
}

fn zones() -> String {
    format!(
        "<ListHostedZonesResponse><HostedZones><HostedZone><Id>/hostedzone/{ZONE}</Id><Name>{APEX}</Name><CallerReference>r</CallerReference></HostedZone></HostedZones>\
         <IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>"
    )
}

fn no_checks() -> String {
    "<ListHealthChecksResponse><HealthChecks/><Marker/><IsTruncated>false</IsTruncated><MaxItems>1000</MaxItems></ListHealthChecksResponse>".to_owned()
}
