//! Is a path what it says, and does an answer that refuses say why?

use serde_json::json;

use super::*;

fn told(code: u16, message: &str, details: &serde_json::Value) -> (Fate, ErrorClass) {
    let reason = if code == 422 { "Invalid" } else { "Other" };
    let body = json!({"kind": "Status", "code": code, "message": message, "reason": reason, "details": details});
    let status = StatusCode::from_u16(code).unwrap();
    let failed = refused(
        "kubernetes:Patch",
        status,
        None,
        body.to_string().as_bytes(),
    );
    (failed.fate, failed.fault.error.class)
}

#[test]
fn a_failed_test_and_another_version_are_conflicts_and_a_server_error_is_in_doubt() {
    for (code, message, expected) in [
        (
            409,
            "the object has been modified",
            (Fate::Refused, ErrorClass::Conflict),
        ),
        (
            422,
            "the server rejected our request due to an error in our request",
            (Fate::Refused, ErrorClass::Conflict),
        ),
        (403, "forbidden", (Fate::Refused, ErrorClass::Denied)),
        (404, "not found", (Fate::Refused, ErrorClass::NotFound)),
        (429, "too many", (Fate::Refused, ErrorClass::Throttled)),
        (500, "webhook", (Fate::InDoubt, ErrorClass::Transient)),
        (504, "timeout", (Fate::InDoubt, ErrorClass::Timeout)),
        (408, "timeout", (Fate::InDoubt, ErrorClass::Timeout)),
    ] {
        let details = json!({});
        assert_eq!(told(code, message, &details), expected, "{code} {message}");
    }
    let invalid = json!({"name": "api", "kind": "Deployment", "causes": []});
    let told = told(
        422,
        "Deployment.apps \"api\" is invalid: spec.replicas",
        &invalid,
    );
    assert_eq!(told, (Fate::Refused, ErrorClass::Terminal));
}

#[test]
fn an_answer_that_is_no_status_still_has_its_code() {
    let failed = refused("o", StatusCode::BAD_GATEWAY, None, b"<html>");
    assert_eq!(failed.fate, Fate::InDoubt);
    assert_eq!(failed.fault.code, Some(502));
}

#[test]
fn a_name_cannot_lead_somewhere_else() {
    let path = |namespace, name| path_of("/apis/apps/v1", namespace, "deployments", name);
    assert_eq!(
        path("shop", "api").as_deref(),
        Some("/apis/apps/v1/namespaces/shop/deployments/api")
    );
    assert_eq!(
        path_of("/api/v1", "", "nodes", "ip-10-0-0-1.eu").as_deref(),
        Some("/api/v1/nodes/ip-10-0-0-1.eu")
    );
    for name in ["", "..", "a/b", "a?dryRun=All", "a b", "ä"] {
        assert_eq!(path("shop", name), None, "{name}");
        assert!(name.is_empty() || path(name, "api").is_none(), "{name}");
    }
}

#[test]
fn what_was_written_is_found_again_by_its_receipt() {
    let written = Written {
        cluster: "arn:aws:eks/shop with space".to_owned(),
        path: "/apis/apps/v1/namespaces/shop/deployments/api".to_owned(),
        version: "107".to_owned(),
    };
    assert_eq!(Written::parse(&written.to_string()), Some(written));
    assert_eq!(Written::parse("/change/C123"), None);
}
