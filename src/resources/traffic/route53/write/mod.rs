//! A change of weights as one batch: what can be written exactly, and what a refused batch means. Must never let through a record set that it would alter.

pub mod live;

use crate::resources::traffic::change::RecordEdit;

/// Why a change cannot be sent as a batch of DELETE and CREATE; `None` where it can.
pub(super) fn unsendable(records: &[RecordEdit]) -> Option<String> {
    let Some(first) = records.first() else {
        return Some("no record set is changed".to_owned());
    };
    for edit in records {
        let (record, set) = (&edit.from, edit.from.set_identifier.as_deref());
        let called = format!("{} {}", record.name, record.record_type);
        if record.traffic_policy_instance_id.is_some() {
            return Some(format!(
                "{called} belongs to a traffic policy: change the policy, not its records"
            ));
        }
        let (Some(set), Some(_)) = (set, edit.from_weight()) else {
            return Some(format!("{called} is no weighted record set"));
        };
        // As it is listed, a set has one or the other; anything else was not read from Route 53 as it is.
        let with_values = !record.values.is_empty() && record.ttl.is_some();
        if record.alias.is_some() == with_values {
            return Some(format!(
                "{called} {set} is neither an alias nor a list of values with a TTL"
            ));
        }
        let key = |edit: &RecordEdit| {
            let record = &edit.from;
            let name = super::plain_name(&record.name);
            (record.zone_id.clone(), name, record.record_type.clone())
        };
        if key(edit) != key(first) {
            return Some(format!(
                "{called} and {} {} are no record sets of one zone, name and type",
                first.from.name, first.from.record_type
            ));
        }
    }
    None
}

/// The texts of an answer whose root is `InvalidChangeBatch`, the form in which Route 53 refuses a batch; `None` for any other answer.
/// The SDK for Rust, unlike others, knows only the general form of errors and loses these.
pub(super) fn messages(body: &str) -> Option<Vec<String>> {
    let (_, batch) = body.split_once("<InvalidChangeBatch")?;
    let inner = |part: &str| {
        let text = part.split("</Message>").next().unwrap_or_default();
        // Long texts are broken into lines.
        unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    Some(batch.split("<Message>").skip(1).map(inner).collect())
}

fn unescaped(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        // Last, so that what is escaped twice is unescaped once.
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escape, plain)| {
        text.replace(escape, plain)
    })
}

/// Whether the text of `InvalidChangeBatch` says that somebody changed what was to be replaced.
pub(super) fn was_changed(text: &str) -> bool {
    [
        "but it was not found",
        "do not match the current values",
        "but it already exists",
    ]
    .iter()
    .any(|phrase| text.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::traffic::{AliasTarget, Policy, Record};

    fn record(set: &str) -> Record {
        Record {
            zone_id: "Z".into(),
            name: "api.example.com.".into(),
            record_type: "A".into(),
            set_identifier: Some(set.into()),
            policy: Policy::Weighted { weight: 10 },
            ttl: Some(60),
            values: vec!["192.0.2.1".into()],
            alias: None,
            health_check_id: None,
            traffic_policy_instance_id: None,
        }
    }

    fn why(change: impl FnOnce(&mut Record)) -> Option<String> {
        let mut second = record("b");
        change(&mut second);
        let edits = [record("a"), second].map(|from| RecordEdit { from, to: 0 });
        unsendable(&edits)
    }

    #[test]
    fn only_weighted_sets_of_one_name_that_nobody_else_owns_are_sent() {
        assert_eq!(why(|_| {}), None);
        let alias = AliasTarget {
            dns_name: "lb.example.".into(),
            zone_id: "Y".into(),
            evaluate_target_health: true,
        };
        assert_eq!(
            why(|record| {
                record.alias = Some(alias);
                record.values.clear();
                record.ttl = None;
            }),
            None
        );
        assert!(unsendable(&[]).is_some());
        for policy in [
            Policy::Simple,
            Policy::MultiValue,
            Policy::Cidr {
                location: "a/b".into(),
            },
            Policy::Geoproximity {
                region: None,
                bias: 0,
            },
            Policy::Failover { primary: true },
            Policy::Latency {
                region: "eu-west-1".into(),
            },
            Policy::Other,
        ] {
            let why = why(|record| record.policy = policy).unwrap();
            assert!(why.contains("no weighted record set"), "{why}");
        }
        assert!(why(|record| record.set_identifier = None).is_some());
        assert!(why(|record| record.traffic_policy_instance_id = Some("t".into())).is_some());
        assert!(why(|record| record.ttl = None).is_some());
        assert!(why(|record| record.record_type = "AAAA".into()).is_some());
        assert!(why(|record| record.zone_id = "Y".into()).is_some());
        assert!(why(|record| record.values.clear()).is_some());
    }

    #[test]
    fn the_texts_of_a_refused_batch_are_read_as_route_53_writes_them() {
        let body = "<?xml version=\"1.0\"?>\n<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\n<Messages>\n\
            <Message>Tried to delete &lt;a&gt; &amp;amp;\n    but it was not found</Message><Message>b</Message></Messages></InvalidChangeBatch>";
        let expected = ["Tried to delete <a> &amp; but it was not found", "b"];
        assert_eq!(messages(body).unwrap(), expected);
        assert_eq!(
            messages("<ErrorResponse><Message>x</Message></ErrorResponse>"),
            None
        );
    }

    #[test]
    fn a_failed_delete_is_told_from_a_protected_record() {
        assert!(was_changed(
            "[Tried to delete resource record set [name='a.example.com.', type='A', set-identifier='eu'] but it was not found]"
        ));
        assert!(was_changed(
            "[Tried to delete resource record set [name='a.example.com.', type='A'] but the values provided do not match the current values]"
        ));
        assert!(!was_changed("The resource record set is protected"));
    }
}
