//! Who applies an object, by its labels, annotations and field managers (G-OWNER). Owns what each controller leaves behind; knows no kind.

use super::super::Owner;
use crate::provider::kubernetes::objects::Meta;

/// The owner of an object; `None` where nobody but people have touched it.
pub fn of(meta: &Meta) -> Option<Owner> {
    argo(meta)
        .or_else(|| flux(meta))
        .or_else(|| controller(meta))
        .or_else(|| helm(meta))
        .or_else(|| label(meta))
        .or_else(|| manager(meta))
}

fn owner(by: &str, name: Option<&str>, reverts: bool) -> Owner {
    Owner {
        by: by.to_owned(),
        name: name.filter(|name| !name.is_empty()).map(str::to_owned),
        reverts,
    }
}

fn text<'a>(map: &'a std::collections::BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    map.get(key).map(String::as_str)
}

fn managed_by(meta: &Meta, managers: &[&str]) -> bool {
    let mut fields = meta.managed_fields.iter();
    fields.any(|field| managers.contains(&field.manager.as_str()))
}

/// `tracking-id` is `application:group/kind:namespace/name`.
fn argo(meta: &Meta) -> Option<Owner> {
    let tracked = text(&meta.annotations, "argocd.argoproj.io/tracking-id");
    let tracked = tracked.and_then(|id| id.split(':').next());
    let name = tracked.or_else(|| text(&meta.labels, "argocd.argoproj.io/instance"));
    let managers = ["argocd-controller", "argocd-application-controller"];
    (name.is_some() || managed_by(meta, &managers)).then(|| owner("Argo CD", name, true))
}

fn flux(meta: &Meta) -> Option<Owner> {
    let name = text(&meta.labels, "kustomize.toolkit.fluxcd.io/name")
        .or_else(|| text(&meta.labels, "helm.toolkit.fluxcd.io/name"));
    let managers = ["kustomize-controller", "helm-controller"];
    (name.is_some() || managed_by(meta, &managers)).then(|| owner("Flux", name, true))
}

/// An object of some operator: `Canary`, `Rollout`, `Knative Service` …
fn controller(meta: &Meta) -> Option<Owner> {
    let reference = meta.owner_references.first()?;
    Some(owner(&reference.kind, Some(&reference.name), true))
}

fn helm(meta: &Meta) -> Option<Owner> {
    let release = text(&meta.annotations, "meta.helm.sh/release-name");
    let labelled = text(&meta.labels, "app.kubernetes.io/managed-by") == Some("Helm");
    (release.is_some() || labelled).then(|| owner("Helm", release, false))
}

fn label(meta: &Meta) -> Option<Owner> {
    let by = text(&meta.labels, "app.kubernetes.io/managed-by")?;
    Some(owner(by, None, false))
}

/// Tools that leave no label. kubectl and the controllers of Kubernetes itself are nobody.
fn manager(meta: &Meta) -> Option<Owner> {
    let known = [
        ("Terraform", ["Terraform", "HashiCorp"]),
        ("Pulumi", ["pulumi", "pulumi-kubernetes"]),
        ("Spinnaker", ["spinnaker", "clouddriver"]),
    ];
    let found = known
        .iter()
        .find(|(_, managers)| managed_by(meta, managers));
    found.map(|(by, _)| owner(by, None, false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(meta: serde_json::Value) -> Option<(String, Option<String>, bool)> {
        let meta: Meta = serde_json::from_value(meta).unwrap();
        of(&meta).map(|owner| (owner.by, owner.name, owner.reverts))
    }

    #[test]
    fn each_owner_is_known_by_what_it_leaves_behind() {
        let owner = |by: &str, name: Option<&str>, reverts| {
            Some((by.to_owned(), name.map(str::to_owned), reverts))
        };
        let helm = json!({"app.kubernetes.io/managed-by": "Helm"});
        let release = json!({"meta.helm.sh/release-name": "shop"});
        // Argo CD applies charts too: it is the one that would undo an edit.
        let tracked = json!({
            "meta.helm.sh/release-name": "shop",
            "argocd.argoproj.io/tracking-id": "shop-eu:apps/Deployment:shop/api",
        });
        let cases = [
            (
                json!({"labels": helm, "annotations": release}),
                owner("Helm", Some("shop"), false),
            ),
            (
                json!({"labels": helm, "annotations": tracked}),
                owner("Argo CD", Some("shop-eu"), true),
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}),
                owner("Flux", Some("apps"), true),
            ),
            (
                json!({"ownerReferences": [{"kind": "Canary", "name": "api", "uid": "1"}]}),
                owner("Canary", Some("api"), true),
            ),
            (
                json!({"managedFields": [{"manager": "HashiCorp"}]}),
                owner("Terraform", None, false),
            ),
            (
                json!({"managedFields": [{"manager": "kubectl-client-side-apply"}]}),
                None,
            ),
            (
                json!({"labels": null, "annotations": null, "managedFields": null}),
                None,
            ),
        ];
        for (meta, expected) in cases {
            assert_eq!(named(meta.clone()), expected, "{meta}");
        }
    }
}
