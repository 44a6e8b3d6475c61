//! What names, ids, ARNs and URLs look like. Owns the checks of form; whether such a thing exists is for the APIs to say.

use std::ops::RangeInclusive;

/// Whether a text could be the name of an AWS Region: words and a number. The list of Regions grows; form is all that is checked.
pub fn could_be_aws_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str, length: RangeInclusive<usize>| {
        length.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    (2..=4).contains(&words.len())
        && word(&words[0], 2..=5)
        && words[1..].iter().all(|part| word(part, 2..=12))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text looks like the name of an AWS Region so much that it may be taken for one: `eu-west-1`, `us-gov-east-1`.
pub fn is_aws_region(text: &str) -> bool {
    const DIRECTIONS: &[&str] = &[
        "north",
        "south",
        "east",
        "west",
        "central",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
    ];
    let direction = text.rsplit('-').nth(1);
    could_be_aws_region(text) && direction.is_some_and(|word| DIRECTIONS.contains(&word))
}

/// The AWS Regions named within a text, each once: `web-1.eu-west-1.elb.amazonaws.com`, `s3-website-us-east-1`, `api-eu-west-1-blue`.
pub fn aws_regions_in(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for token in text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-') {
        let words: Vec<&str> = token.split('-').collect();
        let mut at = 0;
        while at < words.len() {
            let found_here = region_at(&words[at..]);
            at += found_here.as_ref().map_or(1, |(length, _)| *length);
            if let Some((_, region)) = found_here.filter(|(_, region)| !found.contains(region)) {
                found.push(region);
            }
        }
    }
    found
}

/// The region that a list of words starts with, and how many words it takes.
fn region_at(words: &[&str]) -> Option<(usize, String)> {
    // Four words only for the partitions that have them: `api-eu-west-1` is `eu-west-1`.
    let partition = words
        .get(1)
        .is_some_and(|word| *word == "gov" || word.starts_with("iso"));
    let european = words.first() == Some(&"eusc");
    let length = if partition || european { 4 } else { 3 };
    let name = words.get(..length)?.join("-");
    let short = words.first().is_some_and(|word| word.len() == 2) || european;
    (short && is_aws_region(&name)).then_some((length, name))
}

/// A DNS name in the form in which names are compared: lower case, no trailing dot.
pub fn dns_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim_end_matches('.').to_lowercase();
    let part = |part: &str| {
        let length = (1..=63).contains(&part.len());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        length && (part == "*" || part.bytes().all(allowed))
    };
    if name.len() > 253 {
        Err("a DNS name has at most 253 characters")
    } else if !name.contains('.') {
        Err("it must be a full name like `api.example.com`")
    } else if !name.split('.').all(part) {
        Err("each part of a DNS name has 1 to 63 letters, digits, `-` or `_`")
    } else {
        Ok(name)
    }
}

/// A hosted zone id without its `/hostedzone/` prefix.
pub fn zone_id(text: &str) -> Option<&str> {
    let id = text.strip_prefix("/hostedzone/").unwrap_or(text);
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    ((1..=32).contains(&id.len()) && plain).then_some(id)
}

/// Whether a text has the form of the ARN of an IAM role.
pub fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, iam, region, account, resource] = parts.as_slice() else {
        return false;
    };
    let role = resource.strip_prefix("role/");
    *arn == "arn"
        && partition.starts_with("aws")
        && *iam == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role.is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

/// Whether a text has the form of an endpoint URL: http or https, a host, perhaps a port and a path, nothing else.
pub fn is_endpoint_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else {
        return false;
    };
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    scheme && uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_told_by_form_not_by_a_list() {
        for region in [
            "us-east-1",
            "us-gov-west-1",
            "ap-southeast-7",
            "us-iso-east-1",
            "eusc-de-east-1",
        ] {
            assert!(is_aws_region(region), "{region}");
        }
        for label in [
            "europe-west4",
            "westeurope",
            "eu-west-1a",
            "",
            "-",
            "EU-WEST-1",
            "a-b-1",
            "eu-west-1-blue",
        ] {
            assert!(!is_aws_region(label), "{label}");
        }
    }

    #[test]
    fn regions_are_found_within_names() {
        for (text, regions) in [
            (
                "dualstack.web-1.eu-west-1.elb.amazonaws.com",
                vec!["eu-west-1"],
            ),
            (
                "web-0a1b.elb.us-gov-east-1.amazonaws.com",
                vec!["us-gov-east-1"],
            ),
            ("s3-website-us-east-1.amazonaws.com", vec!["us-east-1"]),
            ("api-ap-southeast-2-blue", vec!["ap-southeast-2"]),
            ("us-east-1-to-eu-west-1", vec!["us-east-1", "eu-west-1"]),
            ("my-web-1.example.com", vec![]),
            ("203.0.113.9", vec![]),
        ] {
            assert_eq!(aws_regions_in(text), regions, "{text}");
        }
    }

    #[test]
    fn names_are_compared_without_case_and_trailing_dot() {
        assert_eq!(
            dns_name("API.Example.com.").as_deref(),
            Ok("api.example.com")
        );
        assert_eq!(dns_name("*.example.com").as_deref(), Ok("*.example.com"));
        for wrong in ["localhost", "a..b", "a b.c", "ü.example", "https://a.b"] {
            assert!(dns_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_arns_and_urls() {
        assert_eq!(zone_id("/hostedzone/Z0123"), Some("Z0123"));
        assert_eq!(zone_id("z-1"), None);
        assert!(is_role_arn(
            "arn:aws-cn:iam::123456789012:role/path/ops-read"
        ));
        assert!(!is_role_arn("arn:aws:iam::123456789012:user/me"));
        assert!(!is_role_arn("arn:aws:iam::1234:role/x"));
        assert!(is_endpoint_url(
            "https://abc.route53-recovery-cluster.us-east-1.amazonaws.com/v1"
        ));
        assert!(!is_endpoint_url("abc.example.com"));
        assert!(!is_endpoint_url("ftp://abc.example.com"));
    }
}
