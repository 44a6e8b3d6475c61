//! The loop that keeps a shelf true: list, watch, resume, list again. Owns paging, bookmarks, back-off and what ends a watch; knows no kind.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream::BoxStream};
use kube::{
    Client,
    api::{ListParams, WatchParams},
    core::{Request, WatchEvent},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use super::{
    access::Access,
    fault::Fault,
    objects::{ApiGroup, List, Meta},
    once,
    shelf::{Key, Shelf},
};
use crate::resources::ErrorClass;

/// Objects of a page: few enough that a page of pods is a megabyte or two.
const PAGE: u32 = 250;
/// The deadline of a page.
const PAGE_DEADLINE: Duration = Duration::from_secs(30);
/// After how long the server ends a watch by itself.
const WATCH_SECONDS: u32 = 280;
/// A server sends a bookmark about once a minute, but a freshly started one sends none before the first change. A watch that says nothing
/// for longer is opened anew: that it opens shows that the server is there, and that it does not shows that the connection was dead.
pub(super) const SILENCE: Duration = Duration::from_secs(65);
/// How often the list is read again although nothing calls for it: an event that was lost misleads us no longer than this.
const RESYNC: Duration = Duration::from_secs(45 * 60);
/// The first pause after a failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_secs(60);
/// Between tries of what only an administrator can mend.
const HOPELESS: Duration = Duration::from_secs(120);

/// A kind that is watched: what is asked, and what is kept of each object.
pub trait Watched: Send + Sync + Sized + 'static {
    /// As the API sends it.
    type Object: DeserializeOwned + Clone + Send + 'static;
    /// Path of its list in all namespaces.
    const PATH: &'static str;
    /// The same of older versions of its API, the newest first.
    const OLDER: &'static [&'static str] = &[];
    /// The API group of a custom resource, which a cluster may do without.
    const CUSTOM: Option<&'static str> = None;
    /// Its name in the operations that errors name: `Deployments`.
    const NOUN: &'static str;
    /// Field selector.
    const FIELDS: Option<&'static str> = None;

    /// Its metadata.
    fn meta(object: &Self::Object) -> &Meta;

    /// What is kept of it; `None` when it is of no interest.
    fn keep(object: Self::Object) -> Option<Self>;
}

/// Keeps a shelf true for ever. Ends only with the task that runs it.
pub async fn keep<W: Watched>(access: Arc<Access>, shelf: Arc<Shelf<W>>) {
    let mut failures = 0;
    let mut version: Option<String> = None;
    let mut listed = Instant::now();
    loop {
        let began = Instant::now();
        let from = version.take().filter(|_| listed.elapsed() < RESYNC);
        let following = from.is_some();
        let result = match from {
            None => {
                listed = Instant::now();
                list(&access, &shelf).await
            }
            Some(from) => follow(&access, &shelf, from).await.map(Some),
        };
        match result {
            Ok(Some(next)) => {
                // A list alone is no success: its watch may be refused at once, again and again.
                if following {
                    failures = 0;
                }
                version = Some(next);
            }
            // It may be installed at any time.
            Ok(None) => {
                failures = 0;
                shelf.absent();
                access.told();
                sleep(HOPELESS).await;
            }
            Err(Ended { resume, fault }) => {
                if began.elapsed() > LONGEST {
                    failures = 0;
                }
                // Nothing is wrong with a version that has been forgotten: the list is read again at once, and only once.
                let at_once = fault.gone() && failures == 0;
                let removed = fault.error.class == ErrorClass::NotFound;
                version = resume.filter(|_| !fault.gone() && !removed);
                failures += 1;
                if !at_once {
                    shelf.failed(&fault);
                    access.told();
                }
                if fault.error.class == ErrorClass::Identity {
                    access.forget().await;
                }
                if !at_once {
                    sleep(pause(&fault, failures, (access.name(), W::NOUN))).await;
                }
            }
        }
    }
}

/// Why a list or watch ended, and from where it can go on.
struct Ended {
    resume: Option<String>,
    fault: Fault,
}

/// Reads the whole list, and gives its version; `None` where the cluster has no such kind.
async fn list<W: Watched>(access: &Access, shelf: &Shelf<W>) -> Result<Option<String>, Ended> {
    let ended = |fault| Ended {
        resume: None,
        fault,
    };
    let Some(path) = served::<W>(access).await.map_err(ended)? else {
        return Ok(None);
    };
    match pages::<W>(access, path).await {
        Ok((items, version)) => {
            shelf.replace(items, path);
            access.told();
            Ok(Some(version))
        }
        // The group is there, this kind is not.
        Err(fault) if W::CUSTOM.is_some() && fault.error.class == ErrorClass::NotFound => Ok(None),
        Err(fault) => Err(ended(fault)),
    }
}

/// The path of the newest version that we understand and the cluster serves; `None` where it has no such kind.
async fn served<W: Watched>(access: &Access) -> Result<Option<&'static str>, Fault> {
    let Some(group) = W::CUSTOM else {
        return Ok(Some(W::PATH));
    };
    let operation = format!("kubernetes:Discover{}", W::NOUN);
    access.count();
    let found = once::get::<ApiGroup>(access, &operation, &format!("/apis/{group}")).await;
    let versions = match found {
        Ok(found) => found.versions,
        Err(fault) if fault.error.class == ErrorClass::NotFound => return Ok(None),
        // Whoever may not ask may still know.
        Err(fault) if fault.error.class == ErrorClass::Denied => return Ok(Some(W::PATH)),
        Err(fault) => return Err(fault),
    };
    let serves = |path: &&str| {
        let mut versions = versions.iter();
        versions.any(|known| path.starts_with(&format!("/apis/{}/", known.group_version)))
    };
    Ok(std::iter::once(W::PATH)
        .chain(W::OLDER.iter().copied())
        .find(serves))
}

/// Reads a whole list, page by page, with its version.
async fn pages<W: Watched>(
    access: &Access,
    path: &str,
) -> Result<(HashMap<Key, W>, String), Fault> {
    let operation = format!("kubernetes:List{}", W::NOUN);
    let client = access.client().await?;
    let mut items: HashMap<Key, W> = HashMap::new();
    let mut token: Option<String> = None;
    loop {
        let mut params = ListParams::default().limit(PAGE);
        params.field_selector = W::FIELDS.map(str::to_owned);
        params.continue_token.clone_from(&token);
        let request = Request::new(path).list(&params);
        let request = request
            .map_err(|error| Fault::new(ErrorClass::Terminal, &operation, &error.to_string()))?;
        access.count();
        let page = timeout(PAGE_DEADLINE, client.request::<List<W::Object>>(request)).await;
        let page = page
            .map_err(|_| {
                let text = format!("no answer in {} s", PAGE_DEADLINE.as_secs());
                Fault::new(ErrorClass::Timeout, &operation, &text)
            })?
            .map_err(|error| Fault::of(&operation, &error))?;
        for object in page.items {
            let key = key(W::meta(&object));
            if let Some(item) = W::keep(object) {
                items.insert(key, item);
            }
        }
        let next = Some(page.metadata.continue_token).filter(|next| !next.is_empty());
        if next.is_some() && next == token {
            let text = "the server gives the same page again and again";
            return Err(Fault::new(ErrorClass::Terminal, &operation, text));
        }
        token = next;
        if token.is_none() {
            return Ok((items, page.metadata.resource_version));
        }
    }
}

/// The list as it is now, past the watch: what an independent read shows. Nothing where the cluster has no such kind.
pub async fn fresh<W: Watched>(
    access: &Access,
    shelf: &Shelf<W>,
) -> Result<HashMap<Key, W>, Fault> {
    let path = match shelf.path() {
        Some(path) => Some(path),
        None => served::<W>(access).await?,
    };
    match path {
        None => Ok(HashMap::new()),
        Some(path) => Ok(pages(access, path).await?.0),
    }
}

/// Follows one watch to its end, and gives the version to go on from.
async fn follow<W: Watched>(
    access: &Access,
    shelf: &Shelf<W>,
    from: String,
) -> Result<String, Ended> {
    let operation = format!("kubernetes:Watch{}", W::NOUN);
    let mut version = from;
    let started = Instant::now();
    let mut heard = false;
    let result = async {
        let client = access.client().await?;
        let path = shelf.path().unwrap_or(W::PATH);
        let mut events = open::<W>(access, &client, &operation, (path, &version)).await?;
        shelf.heard();
        access.told();
        loop {
            let Ok(Some(event)) = timeout(SILENCE, events.next()).await else {
                return Ok(());
            };
            match event.map_err(|error| Fault::of(&operation, &error))? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    take_version(&mut version, &W::meta(&object).resource_version);
                    shelf.put(key(W::meta(&object)), W::keep(object));
                }
                WatchEvent::Deleted(object) => {
                    take_version(&mut version, &W::meta(&object).resource_version);
                    shelf.put(key(W::meta(&object)), None);
                }
                WatchEvent::Bookmark(mark) => {
                    take_version(&mut version, &mark.metadata.resource_version);
                    shelf.heard();
                }
                WatchEvent::Error(status) => return Err(Fault::status(&operation, &status)),
            }
            access.told();
            heard = true;
        }
    }
    .await;
    // A server that ends every watch at once must not be asked in a tight circle.
    let result = match result {
        Ok(()) if !heard && started.elapsed() < FIRST => Err(Fault::new(
            ErrorClass::Transient,
            &operation,
            "the server ended the watch at once",
        )),
        other => other,
    };
    match result {
        Ok(()) => Ok(version),
        Err(fault) => Err(Ended {
            resume: Some(version),
            fault,
        }),
    }
}

async fn open<W: Watched>(
    access: &Access,
    client: &Client,
    operation: &str,
    (path, version): (&str, &str),
) -> Result<BoxStream<'static, kube::Result<WatchEvent<W::Object>>>, Fault> {
    let params = WatchParams {
        field_selector: W::FIELDS.map(str::to_owned),
        timeout: Some(WATCH_SECONDS),
        ..WatchParams::default()
    };
    let request = Request::new(path)
        .watch(&params, version)
        .map_err(|error| Fault::new(ErrorClass::Terminal, operation, &error.to_string()))?;
    access.count();
    let opened = timeout(PAGE_DEADLINE, client.request_events::<W::Object>(request)).await;
    let events = opened
        .map_err(|_| {
            let text = format!("no answer in {} s", PAGE_DEADLINE.as_secs());
            Fault::new(ErrorClass::Timeout, operation, &text)
        })?
        .map_err(|error| Fault::of(operation, &error))?;
    Ok(events.boxed())
}

/// An object without a version says nothing about where we are.
fn take_version(version: &mut String, new: &str) {
    if !new.is_empty() {
        new.clone_into(version);
    }
}

fn key(meta: &Meta) -> Key {
    (meta.namespace.clone(), meta.name.clone())
}

/// How long to wait before the next try: doubled each time, as long as the server asks for, and spread so that many watches do not come back together.
fn pause(fault: &Fault, failures: u32, salt: (&str, &str)) -> Duration {
    let doubled = FIRST
        .saturating_mul(1 << failures.saturating_sub(1).min(6))
        .min(LONGEST);
    let pause = match fault.error.class {
        ErrorClass::Denied | ErrorClass::NotFound => HOPELESS,
        ErrorClass::Throttled
        | ErrorClass::Transient
        | ErrorClass::Timeout
        | ErrorClass::Unreachable
        | ErrorClass::Identity
        | ErrorClass::Conflict
        | ErrorClass::Terminal
        | ErrorClass::Skipped => doubled,
    };
    let mut hasher = DefaultHasher::new();
    (salt, failures).hash(&mut hasher);
    let unit = (hasher.finish() % 1_000) as f64 / 1_000.0;
    pause
        .mul_f64(0.75 + 0.5 * unit)
        .max(fault.wait.unwrap_or_default())
}
