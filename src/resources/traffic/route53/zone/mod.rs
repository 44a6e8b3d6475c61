//! Which hosted zones hold a name. Owns the choice only; `live` lists the zones.

pub mod live;

/// A hosted zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Id without `/hostedzone/`.
    pub id: String,
    /// Its name in plain form: lower case, no trailing dot.
    pub name: String,
    /// Whether only some VPCs see it.
    pub private: bool,
}

/// The zones that answer for a plain name: the most specific public ones and the most specific private ones, public first.
/// Users outside see the former and those inside the latter, so neither hides the other.
pub fn holding<'a>(zones: &'a [Zone], name: &str) -> Vec<&'a Zone> {
    let mut found = Vec::new();
    for private in [false, true] {
        let holders = || {
            zones
                .iter()
                .filter(move |zone| zone.private == private && within(name, &zone.name))
        };
        let longest = holders().map(|zone| zone.name.len()).max();
        found.extend(holders().filter(|zone| Some(zone.name.len()) == longest));
    }
    found
}

fn within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: &str, name: &str, private: bool) -> Zone {
        Zone {
            id: id.into(),
            name: name.into(),
            private,
        }
    }

    fn ids(zones: &[Zone], name: &str) -> Vec<String> {
        holding(zones, name)
            .iter()
            .map(|zone| zone.id.clone())
            .collect()
    }

    #[test]
    fn the_longest_suffix_wins_within_public_and_within_private_zones() {
        let zones = [
            zone("COM", "example.com", false),
            zone("API", "api.example.com", false),
            zone("IN", "example.com", true),
            zone("ELSE", "ample.com", false),
        ];
        assert_eq!(ids(&zones, "eu.api.example.com"), ["API", "IN"]);
        assert_eq!(ids(&zones, "api.example.com"), ["API", "IN"]);
        assert_eq!(ids(&zones, "www.example.com"), ["COM", "IN"]);
        assert_eq!(ids(&zones, "example.org"), Vec::<String>::new());
    }

    #[test]
    fn two_zones_of_one_name_are_both_read() {
        let zones = [
            zone("A", "example.com", false),
            zone("B", "example.com", false),
        ];
        assert_eq!(ids(&zones, "api.example.com"), ["A", "B"]);
    }
}
