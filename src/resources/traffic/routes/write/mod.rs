//! A change of the weights of a rule: whether they are as expected, and the JSON Patch that sets them. Must never leave a rule without any weight,
//! nor replace anything but weights.

pub mod live;

use serde_json::{Value, json};

use super::{BackendEdit, RouteKind, RouteRule};

/// A backend as it was read a moment ago, in the order of the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// Its weight; `None` where the object says none.
    pub weight: Option<u32>,
}

/// Why a change cannot be sent; `None` where it can.
pub fn unsendable(kind: RouteKind, edits: &[BackendEdit]) -> Option<String> {
    if edits.is_empty() {
        return Some("no backend is changed".to_owned());
    }
    if edits.iter().all(|edit| edit.to == 0) {
        return Some("all weights would be 0: nobody would get an answer".to_owned());
    }
    let most = kind.heaviest();
    let heavy = edits.iter().find(|edit| edit.to > most);
    heavy.map(|edit| {
        format!(
            "{} is no weight of a {}: {most} is the most",
            edit.to,
            kind.name()
        )
    })
}

/// What differs from what a change expects of the whole rule; `None` where nothing does.
pub fn drift(kind: RouteKind, edits: &[BackendEdit], seen: &[Seen]) -> Option<String> {
    let named = |name: &str| edits.iter().any(|edit| edit.backend == name);
    if let Some(new) = seen.iter().find(|backend| !named(&backend.name)) {
        return Some(format!("{} is a backend that was not there", new.name));
    }
    edits.iter().find_map(|edit| {
        let name = &edit.backend;
        let Some(backend) = seen.iter().find(|backend| backend.name == *name) else {
            return Some(format!("{name} is no backend of this rule any more"));
        };
        let weight = backend.weight.unwrap_or(kind.unsaid());
        (weight != edit.from)
            .then(|| format!("the weight of {name} is {weight}, not {}", edit.from))
    })
}

/// The patch: it fails as a whole where the object is not of this version any more.
pub fn operations(rule: &RouteRule, version: &str, edits: &[BackendEdit], seen: &[Seen]) -> Value {
    let test = json!({"op": "test", "path": "/metadata/resourceVersion", "value": version});
    let pointer = rule.kind.pointer(rule.index);
    let sets = seen.iter().enumerate().filter_map(|(index, backend)| {
        let edit = edits.iter().find(|edit| edit.backend == backend.name)?;
        // `replace` wants something to replace.
        let op = if backend.weight.is_some() {
            "replace"
        } else {
            "add"
        };
        Some(json!({"op": op, "path": format!("{pointer}/{index}/weight"), "value": edit.to}))
    });
    Value::Array(std::iter::once(test).chain(sets).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(backend: &str, from: u32, to: u32) -> BackendEdit {
        BackendEdit {
            backend: backend.to_owned(),
            region: None,
            from,
            to,
        }
    }

    fn seen(name: &str, weight: Option<u32>) -> Seen {
        Seen {
            name: name.to_owned(),
            weight,
        }
    }

    #[test]
    fn the_patch_tests_the_version_first_and_sets_every_weight_of_the_rule() {
        let rule = RouteRule {
            cluster: "eu".to_owned(),
            kind: RouteKind::HttpRoute,
            version: "v1".to_owned(),
            namespace: "shop".to_owned(),
            name: "checkout".to_owned(),
            index: 2,
        };
        let edits = [edit("stable", 1, 90), edit("canary", 0, 10)];
        let backends = [seen("stable", None), seen("canary", Some(0))];
        assert_eq!(
            operations(&rule, "107", &edits, &backends),
            json!([
                {"op": "test", "path": "/metadata/resourceVersion", "value": "107"},
                {"op": "add", "path": "/spec/rules/2/backendRefs/0/weight", "value": 90},
                {"op": "replace", "path": "/spec/rules/2/backendRefs/1/weight", "value": 10},
            ])
        );
    }

    #[test]
    fn any_other_backend_or_weight_is_drift() {
        let edits = [edit("stable", 1, 90), edit("canary", 0, 10)];
        let drift = |backends: &[Seen]| drift(RouteKind::HttpRoute, &edits, backends);
        let stable = || seen("stable", None);
        assert_eq!(drift(&[stable(), seen("canary", Some(0))]), None);
        let text = drift(&[stable(), seen("canary", None)]).unwrap();
        assert_eq!(text, "the weight of canary is 1, not 0");
        let text = drift(&[stable()]).unwrap();
        assert_eq!(text, "canary is no backend of this rule any more");
        let text = drift(&[stable(), seen("canary", Some(0)), seen("blue", None)]).unwrap();
        assert_eq!(text, "blue is a backend that was not there");
    }

    #[test]
    fn a_rule_never_loses_all_its_weights() {
        let kind = RouteKind::VirtualService;
        assert!(unsendable(kind, &[]).is_some());
        assert!(unsendable(kind, &[edit("a", 1, 0), edit("b", 1, 0)]).is_some());
        assert!(unsendable(kind, &[edit("a", 1, 101)]).is_some());
        assert_eq!(
            unsendable(kind, &[edit("a", 1, 100), edit("b", 1, 0)]),
            None
        );
    }
}
