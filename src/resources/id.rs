//! Validated names. Owns what a region label may be and the places that a poll can ask; must never validate a label against an AWS list.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The operator's own name for a region: free text, 1 to 64 characters, no control characters. It may be a GKE or AKS location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegionLabel(Arc<str>);

/// Why a text is not a region label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Nothing, or only white space.
    #[error("a region label must not be empty")]
    Empty,
    /// Longer than 64 characters.
    #[error("a region label has at most 64 characters, this one has {0}")]
    TooLong(usize),
    /// A control or bidirectional formatting character.
    #[error("a region label must not contain control characters")]
    Control,
}

impl RegionLabel {
    /// Checks and takes a label.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let count = text.chars().count();
        if text.trim().is_empty() {
            Err(LabelError::Empty)
        } else if count > 64 {
            Err(LabelError::TooLong(count))
        } else if text.chars().any(|c| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
            Err(LabelError::Control)
        } else {
            Ok(Self(Arc::from(text)))
        }
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RegionLabel {
    type Error = LabelError;
    fn try_from(text: String) -> Result<Self, LabelError> {
        Self::new(&text)
    }
}

impl From<RegionLabel> for String {
    fn from(label: RegionLabel) -> Self {
        label.0.to_string()
    }
}

impl fmt::Display for RegionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a poll asks. Each place has its own clients, deadlines and failures, so that one that hangs delays no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// One region of the estate.
    Region(RegionLabel),
    /// The global services (Route 53, CloudFront: us-east-1; Global Accelerator: us-west-2).
    Global,
    /// One of the five data-plane endpoints of the recovery cluster, by its AWS Region.
    Endpoint(String),
}

impl Place {
    /// The region label, where the place is a region of the estate.
    pub fn region(&self) -> Option<&RegionLabel> {
        match self {
            Self::Region(label) => Some(label),
            Self::Global | Self::Endpoint(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(label) => f.pad(label.as_str()),
            Self::Global => f.pad("global"),
            Self::Endpoint(region) => f.pad(&format!("endpoint {region}")),
        }
    }
}

/// `eu-west-1` is `euw1`, `ap-southeast-2` is `apse2`, `us-gov-east-1` is `usge1`: the names that AWS gives to Availability Zones.
pub fn zone_prefix(label: &str) -> Option<String> {
    let (continent, rest) = label.split_once('-')?;
    let (directions, number) = rest.rsplit_once('-')?;
    let short = |text: &str, most: usize| (1..=most).contains(&text.len());
    let plain = continent.len() == 2 && continent.bytes().all(|b| b.is_ascii_lowercase());
    if !plain || !short(number, 2) || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut prefix = continent.to_owned();
    for direction in directions.split('-') {
        prefix.push_str(match direction {
            "north" => "n",
            "south" => "s",
            "east" => "e",
            "west" => "w",
            "central" => "c",
            "northeast" => "ne",
            "northwest" => "nw",
            "southeast" => "se",
            "southwest" => "sw",
            "gov" => "g",
            _ => return None,
        });
    }
    Some(prefix + number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_free_text_but_never_hostile() {
        assert!(RegionLabel::new("europe-west4 (GKE)").is_ok());
        assert_eq!(RegionLabel::new("  "), Err(LabelError::Empty));
        assert_eq!(
            RegionLabel::new(&"x".repeat(65)),
            Err(LabelError::TooLong(65))
        );
        assert_eq!(RegionLabel::new("eu\u{1b}[2J"), Err(LabelError::Control));
        assert_eq!(RegionLabel::new("eu\u{202e}"), Err(LabelError::Control));
    }
}
