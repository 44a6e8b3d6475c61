//! How users reach regions: DNS weights, Global Accelerator dials, health checks and routing controls, and how slowly traffic follows them.

use super::{
    super::{names, noise::Noise, physics},
    Context, Eventual,
};

/// Share of the users that come by DNS; the others come through Global Accelerator.
const DNS_SHARE: f64 = 0.7;
/// Seconds between checks × failures in a row: 10 × 3 (domain D.0).
pub const DETECTION_SECONDS: f64 = 30.0;
/// Seconds that Global Accelerator needs to deploy a change: about a minute (domain B.1).
const DEPLOY_SECONDS: i64 = 55;
/// Seconds until the checkers have learned of an inversion, at most.
const CHECKERS_WINDOW: f64 = 20.0;

/// The three health checks of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The one that checkers make.
    Https,
    /// The one that follows the routing control.
    Control,
    /// The calculated one, on which the records depend.
    Region,
}

/// What somebody set at a health check.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Whether its result is turned round; the checkers learn of it a little later than its readers.
    pub inverted: Eventual<bool>,
    /// Its version, which every update counts up.
    pub version: i64,
}

/// Something that flips only after it saw the opposite for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watch {
    /// What it says.
    pub healthy: bool,
    contrary_since: Option<i64>,
}

impl Watch {
    fn new() -> Self {
        Self {
            healthy: true,
            contrary_since: None,
        }
    }

    fn look(&mut self, fine: bool, t: i64, delay: f64) {
        if fine == self.healthy {
            self.contrary_since = None;
        } else if ((t - *self.contrary_since.get_or_insert(t)) as f64) >= delay {
            self.healthy = fine;
            self.contrary_since = None;
        }
    }

    /// Share of the checkers, in percent, that say healthy: they change their mind one after the other.
    pub fn percent(&self, t: i64) -> f64 {
        let moved = self.contrary_since.map_or(0.0, |since| {
            ((t - since) as f64 / DETECTION_SECONDS).min(1.0)
        });
        if self.healthy {
            100.0 * (1.0 - moved)
        } else {
            100.0 * moved
        }
    }
}

/// Traffic on its way from old shares to new ones.
#[derive(Debug, Clone, PartialEq)]
struct Shift {
    from: Vec<f64>,
    to: Vec<f64>,
    since: i64,
    /// Share of those who do not follow until their connections end; none stay with a region that is gone.
    stay: f64,
}

impl Shift {
    fn settled(shares: Vec<f64>) -> Self {
        Self {
            from: shares.clone(),
            to: shares,
            since: 0,
            stay: 0.0,
        }
    }

    fn share(&self, region: usize, moved: f64) -> f64 {
        self.from[region] + (self.to[region] - self.from[region]) * moved
    }

    fn toward(&mut self, to: Vec<f64>, now: impl Fn(&Self, usize) -> f64, t: i64, stay: f64) {
        if to != self.to {
            let from = (0..to.len()).map(|region| now(self, region)).collect();
            *self = Self {
                from,
                to,
                since: t,
                stay,
            };
        }
    }
}

/// The levers of the edge and what traffic makes of them. Vectors are by region.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    /// Weights of the managed weighted name.
    pub weights: Vec<u8>,
    /// Dials of the endpoint groups in percent.
    pub dials: Vec<Eventual<f64>>,
    /// When the accelerator has deployed its last change.
    pub deployed_at: i64,
    /// Routing controls.
    pub controls: Vec<Eventual<bool>>,
    /// The HTTPS checks of Route 53.
    pub checks: Vec<Watch>,
    /// What is set at the three checks of each region, by `Check`.
    pub settings: Vec<[Setting; 3]>,
    /// The checks of Global Accelerator.
    pub endpoints: Vec<Watch>,
    nearest: Vec<f64>,
    dns: Shift,
    accelerator: Shift,
}

impl Routing {
    /// Routing at rest: every region gets its own users.
    pub fn new(loads: &[f64]) -> Self {
        let total: f64 = loads.iter().sum();
        let nearest: Vec<f64> = loads.iter().map(|load| load / total).collect();
        let weights: Vec<u8> = base_weights(&nearest);
        let healthy = vec![true; weights.len()];
        Self {
            dials: vec![Eventual::new(100.0, 5.0); weights.len()],
            deployed_at: i64::MIN,
            controls: vec![Eventual::new(true, 2.0); weights.len()],
            checks: vec![Watch::new(); weights.len()],
            settings: vec![
                std::array::from_fn(|_| Setting {
                    inverted: Eventual::new(false, CHECKERS_WINDOW),
                    version: 1,
                });
                weights.len()
            ],
            endpoints: vec![Watch::new(); weights.len()],
            dns: Shift::settled(weighted(&weights, &healthy)),
            accelerator: Shift::settled(nearest.clone()),
            nearest,
            weights,
        }
    }

    /// Moves on by a second.
    pub fn step(&mut self, context: &Context<'_>) {
        let t = context.t;
        for (region, shape) in context.shape.regions.iter().enumerate() {
            let fine = !context.faults.down(region) && !context.faults.dead(region);
            let late = context
                .noise
                .between(&names::https_check(&shape.aws_region), 0, 0.0, 8.0);
            self.checks[region].look(fine, t, DETECTION_SECONDS + late);
            self.endpoints[region].look(fine, t, DETECTION_SECONDS - 2.0 - late);
        }
        let healthy: Vec<bool> = (0..self.weights.len())
            .map(|region| self.says(region, Check::Region, context.noise, t))
            .collect();
        let gone = |region: usize| context.faults.down(region);

        let shares = weighted(&self.weights, &healthy);
        let stays =
            (0..shares.len()).any(|region| shares[region] < self.dns.to[region] && !gone(region));
        let stay = if stays { physics::DNS_STAY } else { 0.0 };
        self.dns.toward(
            shares,
            |shift, region| {
                shift.share(
                    region,
                    physics::dns_moved((t - shift.since) as f64, shift.stay),
                )
            },
            t,
            stay,
        );

        let open: Vec<f64> = (0..self.weights.len())
            .map(|region| {
                if self.endpoints[region].healthy {
                    self.dials[region].now() / 100.0
                } else {
                    0.0
                }
            })
            .collect();
        self.accelerator.toward(
            dialled(&self.nearest, &open),
            |shift, region| {
                shift.share(region, physics::accelerator_moved((t - shift.since) as f64))
            },
            t,
            0.0,
        );
    }

    /// What a check of a region says, inversion applied. The calculated one holds when its HTTPS check and that of its routing control do.
    pub fn says(&self, region: usize, check: Check, noise: Noise, t: i64) -> bool {
        let measured = match check {
            Check::Https => self.checks[region].healthy,
            Check::Control => *self.controls[region].now(),
            Check::Region => [Check::Https, Check::Control]
                .into_iter()
                .all(|child| self.says(region, child, noise, t)),
        };
        let setting = &self.settings[region][check as usize];
        measured != *setting.inverted.seen(noise, "route53-checkers", t)
    }

    /// Share of all users that send their requests to a region at a second.
    pub fn share(&self, region: usize, t: i64) -> f64 {
        let dns = physics::dns_moved((t - self.dns.since) as f64, self.dns.stay);
        DNS_SHARE * self.dns.share(region, dns) + self.accelerated(region, t)
    }

    /// Share of all users that reach a region through Global Accelerator.
    pub fn accelerated(&self, region: usize, t: i64) -> f64 {
        let moved = physics::accelerator_moved((t - self.accelerator.since) as f64);
        (1.0 - DNS_SHARE) * self.accelerator.share(region, moved)
    }

    /// Turns the result of a check round, or back, as `UpdateHealthCheck` does.
    pub fn invert(&mut self, region: usize, check: Check, inverted: bool, t: i64) {
        let setting = &mut self.settings[region][check as usize];
        setting.inverted.set(inverted, t);
        setting.version += 1;
    }

    /// Sets a dial, as `UpdateEndpointGroup` does: the accelerator deploys it after a while.
    pub fn set_dial(&mut self, region: usize, percent: f64, t: i64) {
        self.dials[region].set(percent.clamp(0.0, 100.0), t);
        self.deployed_at = t + DEPLOY_SECONDS;
    }
}

/// Weights of which 1 % can be expressed: Σ is about 200 (domain B.2).
fn base_weights(shares: &[f64]) -> Vec<u8> {
    shares
        .iter()
        .map(|share| (share * 200.0).round().clamp(1.0, 255.0) as u8)
        .collect()
}

/// What Route 53 answers for weighted record sets: healthy ones with a weight; else healthy ones with weight 0; else all of them (fail-open).
fn weighted(weights: &[u8], healthy: &[bool]) -> Vec<f64> {
    let pick = |rule: &dyn Fn(usize) -> f64| -> Option<Vec<f64>> {
        let raw: Vec<f64> = (0..weights.len()).map(rule).collect();
        let total: f64 = raw.iter().sum();
        (total > 0.0).then(|| raw.iter().map(|value| value / total).collect())
    };
    let flag = |holds: bool| f64::from(u8::from(holds));
    pick(&|r| f64::from(weights[r]) * flag(healthy[r]))
        .or_else(|| pick(&|r| flag(healthy[r])))
        .or_else(|| pick(&|r| f64::from(weights[r])))
        .unwrap_or_else(|| vec![1.0 / weights.len() as f64; weights.len()])
}

/// What Global Accelerator does: a group keeps `open` (0.0 to 1.0) of the users near it, the rest go to groups that are fully open, or else to all that are open; none open is fail-open.
fn dialled(nearest: &[f64], open: &[f64]) -> Vec<f64> {
    let kept: Vec<f64> = nearest
        .iter()
        .zip(open)
        .map(|(near, open)| near * open)
        .collect();
    let total: f64 = kept.iter().sum();
    if total <= 0.0 {
        return nearest.to_vec();
    }
    let left = 1.0 - total;
    let takers: Vec<f64> = nearest
        .iter()
        .zip(open)
        .map(|(near, open)| if *open >= 1.0 { *near } else { 0.0 })
        .collect();
    let sum: f64 = takers.iter().sum();
    if sum <= 0.0 {
        return kept.iter().map(|value| value / total).collect();
    }
    kept.iter()
        .zip(&takers)
        .map(|(kept, taker)| kept + left * taker / sum)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &[f64], b: &[f64]) {
        let close = a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.001);
        assert!(close && a.len() == b.len(), "{a:?} is not near {b:?}");
    }

    #[test]
    fn weights_share_among_the_healthy_and_fail_open() {
        near(&weighted(&[92, 62, 46], &[true; 3]), &[0.46, 0.31, 0.23]);
        near(
            &weighted(&[92, 62, 46], &[false, true, true]),
            &[0.0, 0.574, 0.426],
        );
        near(
            &weighted(&[92, 0, 46], &[false, true, false]),
            &[0.0, 1.0, 0.0],
        );
        near(&weighted(&[0, 0, 0], &[true; 3]), &[0.333, 0.333, 0.333]);
        near(&weighted(&[92, 62, 46], &[false; 3]), &[0.46, 0.31, 0.23]);
    }

    #[test]
    fn a_dial_sends_the_rest_to_open_groups() {
        near(
            &dialled(&[0.46, 0.31, 0.23], &[1.0; 3]),
            &[0.46, 0.31, 0.23],
        );
        near(
            &dialled(&[0.46, 0.31, 0.23], &[0.5, 1.0, 1.0]),
            &[0.23, 0.442, 0.328],
        );
        near(
            &dialled(&[0.46, 0.31, 0.23], &[0.0; 3]),
            &[0.46, 0.31, 0.23],
        );
    }

    #[test]
    fn a_check_flips_after_interval_times_threshold_and_back() {
        let mut watch = Watch::new();
        for t in 0..=30 {
            watch.look(t == 0, t, 30.0);
        }
        assert!(watch.healthy, "29 s are not enough");
        assert!(watch.percent(30) < 5.0);
        watch.look(false, 31, 30.0);
        assert!(!watch.healthy);
        (32..=62).for_each(|t| watch.look(true, t, 30.0));
        assert!(watch.healthy);
    }
}
