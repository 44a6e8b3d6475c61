//! How pilothouse.toml says with whose credentials a region is read and changed. Owns the inheritance; asks AWS nothing.

use super::{
    document::{Found, Section},
    reference, syntax,
};
use crate::resources::estate::Access;

/// Reads a section that holds nothing but credentials.
pub(super) fn read_access(mut section: Section<'_>) -> Access {
    let access = access_of(&mut section);
    section.finish(&reference::place_of);
    access
}

/// The credentials among the keys of a section; the caller finishes it.
pub(super) fn access_of(section: &mut Section<'_>) -> Access {
    let report = section.report();
    let profile = section.text("profile");
    let role_arn = section.text("role_arn");
    let external_id = section.text("external_id");
    if let Some(found) = profile
        .as_ref()
        .filter(|found| found.value.trim().is_empty())
    {
        report.at(&found.span, "`profile` must not be empty");
    }
    if let Some(found) = role_arn
        .as_ref()
        .filter(|found| !syntax::is_role_arn(found.value))
    {
        let text = format!(
            "`{}` is not the ARN of an IAM role; write arn:aws:iam::123456789012:role/NAME",
            found.value
        );
        report.at(&found.span, text);
    }
    if let (Some(found), None) = (&external_id, &role_arn) {
        report.at(
            &found.span,
            "`external_id` has no effect without a `role_arn` beside it",
        );
    }
    let owned = |found: Option<Found<&str>>| found.map(|found| found.value.to_owned());
    Access {
        profile: owned(profile),
        role_arn: owned(role_arn),
        external_id: owned(external_id),
    }
}

/// A region that says nothing is signed like the global services; one with a role of its own assumes it from their profile;
/// one with a profile of its own stands for itself.
pub(super) fn inherit(own: Access, base: &Access) -> Access {
    match (&own.profile, &own.role_arn) {
        (None, None) => base.clone(),
        (None, Some(_)) => Access {
            profile: base.profile.clone(),
            ..own
        },
        (Some(_), _) => own,
    }
}
