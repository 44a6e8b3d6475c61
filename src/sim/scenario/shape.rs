//! The estate of a scenario: which regions, how big, how many rows. Owns the baseline of domain D.0; knows nothing that moves.

use super::{problem::Problems, raw};
use crate::{
    resources::{RegionLabel, estate::RegionRole},
    sim::physics,
};

/// A region of a simulated estate.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionShape {
    /// Label.
    pub label: RegionLabel,
    /// AWS Region name, used in ARNs and endpoints.
    pub aws_region: String,
    /// What it is for.
    pub role: RegionRole,
    /// Requests per second that its users send.
    pub load_rps: f64,
    /// Requests per second that it can serve.
    pub capacity_rps: f64,
    /// p95 latency in milliseconds below 70 % utilisation.
    pub p95_ms: f64,
}

/// A simulated estate.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The word in the top line.
    pub environment: String,
    /// Regions; the primary one, or else the first, has the writers.
    pub regions: Vec<RegionShape>,
    /// Further rows per region, spread over databases, caches, traffic weights and alarms.
    pub rows: u32,
    /// Whether its clusters have a gateway and a mesh whose routes divide requests.
    pub mesh: bool,
    /// Whether that mesh spans the regions and divides between them, and nothing else does: no name and no accelerator is watched.
    pub spanning: bool,
    /// Whether a Prometheus tells about its services. A mesh brings one.
    pub prometheus: bool,
}

/// AWS Regions for generated estates, the three of the baseline first.
const REGIONS: &[&str] = &[
    "us-east-1",
    "eu-west-1",
    "ap-southeast-1",
    "us-west-2",
    "eu-central-1",
    "ap-northeast-1",
    "us-east-2",
    "eu-west-2",
    "ap-southeast-2",
    "us-west-1",
    "eu-west-3",
    "ap-northeast-2",
    "ca-central-1",
    "eu-north-1",
    "ap-south-1",
    "sa-east-1",
    "eu-south-1",
    "ap-northeast-3",
    "ca-west-1",
    "eu-central-2",
    "ap-south-2",
    "af-south-1",
    "eu-south-2",
    "ap-southeast-3",
    "me-south-1",
    "il-central-1",
    "ap-southeast-4",
    "me-central-1",
    "ap-east-1",
    "mx-central-1",
    "ap-southeast-5",
    "ap-southeast-7",
];

/// Load and p95 of the baseline (domain D.0); generated regions beyond it repeat them.
const LOADS: [(f64, f64); 3] = [(27_600.0, 90.0), (18_600.0, 120.0), (13_800.0, 160.0)];

impl Shape {
    /// The three regions of domain D.0.
    pub fn baseline() -> Self {
        Self {
            environment: "drill".to_owned(),
            regions: generated(3),
            rows: 0,
            mesh: false,
            spanning: false,
            prometheus: false,
        }
    }

    /// Index of the region that has the writers.
    pub fn primary(&self) -> usize {
        self.regions
            .iter()
            .position(|region| region.role == RegionRole::Primary)
            .unwrap_or(0)
    }

    /// Index of the region that gets a release first, where nobody says otherwise.
    pub fn first_in_order(&self) -> usize {
        let last = |wanted: &[RegionRole]| {
            let mut regions = self.regions.iter();
            regions.rposition(|region| wanted.contains(&region.role))
        };
        last(&[RegionRole::Tertiary, RegionRole::Active])
            .or_else(|| last(&[RegionRole::Secondary]))
            .unwrap_or(0)
    }

    /// Index of a region by its label.
    pub fn index(&self, label: &str) -> Option<usize> {
        self.regions
            .iter()
            .position(|region| region.label.as_str() == label)
    }
}

fn generated(count: usize) -> Vec<RegionShape> {
    let regions = REGIONS.iter().take(count).enumerate();
    regions
        .filter_map(|(index, name)| {
            let (load_rps, p95_ms) = LOADS[index % LOADS.len()];
            Some(RegionShape {
                label: RegionLabel::new(name).ok()?,
                aws_region: (*name).to_owned(),
                role: match index {
                    0 => RegionRole::Primary,
                    1 => RegionRole::Secondary,
                    2 => RegionRole::Tertiary,
                    _ => RegionRole::Active,
                },
                load_rps,
                capacity_rps: load_rps / physics::DESIGN_UTILISATION,
                p95_ms,
            })
        })
        .collect()
}

/// Checks `[estate]`.
pub(super) fn read(problems: &mut Problems<'_>, raw: &raw::Estate) -> Option<Shape> {
    let mut shape = Shape::baseline();
    if let Some(environment) = &raw.environment {
        shape.environment.clone_from(environment);
    }
    shape.mesh = raw.mesh || raw.spanning;
    shape.spanning = raw.spanning;
    shape.prometheus = raw.prometheus || shape.mesh;
    if let Some(rows) = &raw.rows {
        shape.rows = *rows.get_ref();
        if shape.rows > 1_000 {
            problems.note(
                &rows.span(),
                format!("estate: rows is at most 1000, not {}", shape.rows),
            );
        }
    }
    if let Some(generate) = &raw.generate {
        let count = *generate.get_ref();
        if !(1..=REGIONS.len()).contains(&count) {
            let most = REGIONS.len();
            problems.note(
                &generate.span(),
                format!("estate: generate is 1 to {most}, not {count}"),
            );
        }
        if !raw.regions.is_empty() {
            problems.note(
                &generate.span(),
                "estate: either generate or [[estate.regions]], not both",
            );
        }
        shape.regions = generated(count);
    }
    if !raw.regions.is_empty() {
        shape.regions = read_regions(problems, &raw.regions)?;
    }
    Some(shape)
}

fn read_regions(problems: &mut Problems<'_>, raw: &[raw::Region]) -> Option<Vec<RegionShape>> {
    let mut regions: Vec<RegionShape> = Vec::new();
    for (index, region) in raw.iter().enumerate() {
        let entry = format!("estate.regions[{index}]");
        let mut positive = |value: &toml::Spanned<f64>, name: &str| {
            if !(value.get_ref().is_finite() && *value.get_ref() > 0.0) {
                problems.note(
                    &value.span(),
                    format!("{entry}: {name} is above 0, not {}", value.get_ref()),
                );
            }
            *value.get_ref()
        };
        let load_rps = positive(&region.load_rps, "load_rps");
        let capacity_rps = region
            .capacity_rps
            .as_ref()
            .map_or(load_rps / physics::DESIGN_UTILISATION, |value| {
                positive(value, "capacity_rps")
            });
        let p95_ms = region
            .p95_ms
            .as_ref()
            .map_or(120.0, |value| positive(value, "p95_ms"));
        let label = match RegionLabel::new(region.label.get_ref()) {
            Ok(label) => label,
            Err(error) => {
                problems.note(&region.label.span(), format!("{entry}: {error}"));
                continue;
            }
        };
        if regions.iter().any(|known| known.label == label) {
            problems.note(
                &region.label.span(),
                format!("{entry}: the label `{label}` is used twice"),
            );
        }
        regions.push(RegionShape {
            aws_region: region
                .aws_region
                .clone()
                .unwrap_or_else(|| label.to_string()),
            label,
            role: region.role,
            load_rps,
            capacity_rps,
            p95_ms,
        });
    }
    (regions.len() == raw.len()).then_some(regions)
}
