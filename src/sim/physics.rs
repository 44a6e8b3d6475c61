//! The laws of the simulated world, as pure functions of domain D.0. Owns the numbers; knows no region and no time but what it is given.

/// How much longer the slowest of a hundred requests takes than the slowest of twenty.
pub const P99_OF_P95: f64 = 1.7;

/// Share of the load at which regions run by design: capacity is load / 0.65.
pub const DESIGN_UTILISATION: f64 = 0.65;
/// Errors of a healthy region, as a share of its requests.
pub const BASE_ERRORS: f64 = 0.0005;
/// Share of the requests that write to the orders database; they fail while it has no writer.
pub const WRITE_SHARE: f64 = 0.05;
/// Share of the requests that the `checkout` part of the shop answers.
pub const CHECKOUT_SHARE: f64 = 0.15;
/// Share of resolvers and clients that stay on an old address until their connections end.
pub const DNS_STAY: f64 = 0.02;
/// Seconds after which kept-alive connections end.
pub const KEEP_ALIVE: f64 = 3_600.0;

/// How much p95 grows with utilisation: 1 up to 0.7, 4 at 1.0, 10 at most.
pub fn latency_factor(utilisation: f64) -> f64 {
    if utilisation <= 0.7 {
        1.0
    } else if utilisation <= 1.0 {
        1.0 / (1.0 - (utilisation - 0.7) / 0.4)
    } else {
        (4.0 + 20.0 * (utilisation - 1.0)).min(10.0)
    }
}

/// Share of the requests that fail because there are more than can be served.
pub fn overload_errors(utilisation: f64) -> f64 {
    ((utilisation - 1.0) / 2.0).clamp(0.0, 1.0)
}

/// Cache hit ratio in percent: 93 by design, down to 85 while foreign users arrive whose data is not cached there.
pub fn cache_hit_percent(utilisation: f64) -> f64 {
    93.0 - 8.0 * ((utilisation - DESIGN_UTILISATION) / 0.5).clamp(0.0, 1.0)
}

/// Share of the traffic that has followed a DNS change: 63 % after 60 s, 90 % after 140 s, 95 % after 180 s; `stay` (0.0 to 1.0) stays until keep-alive ends.
pub fn dns_moved(seconds: f64, stay: f64) -> f64 {
    if seconds >= KEEP_ALIVE {
        return 1.0;
    }
    (1.0 - (-seconds.max(0.0) / 60.0).exp()).min(1.0 - stay)
}

/// Share of the traffic that has followed a change of Global Accelerator: 95 % after 60 s.
pub fn accelerator_moved(seconds: f64) -> f64 {
    1.0 - (-seconds.max(0.0) / 20.0).exp()
}

/// Replica lag in seconds that RDS PostgreSQL reports one second later. Without writes the report climbs to five minutes although nothing is missing.
pub fn replica_lag_seconds(before: f64, normal: f64, writes_per_second: f64) -> f64 {
    if writes_per_second > 0.1 {
        normal
    } else {
        (before.max(0.0) + 1.0).min(300.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not near {b}");
    }

    #[test]
    fn utilisation_decides_latency() {
        for (utilisation, factor) in [
            (0.0, 1.0),
            (0.7, 1.0),
            (0.84, 1.538),
            (0.94, 2.5),
            (1.0, 4.0),
            (1.2, 8.0),
            (1.3, 10.0),
            (3.0, 10.0),
        ] {
            near(latency_factor(utilisation), factor, 0.001);
        }
    }

    #[test]
    fn overload_decides_errors() {
        for (utilisation, errors) in [(0.65, 0.0), (1.0, 0.0), (1.2, 0.1), (1.4, 0.2), (9.0, 1.0)] {
            near(overload_errors(utilisation), errors, 1e-9);
        }
        near(cache_hit_percent(0.65), 93.0, 1e-9);
        near(cache_hit_percent(1.2), 85.0, 1e-9);
    }

    #[test]
    fn dns_has_a_tail() {
        for (seconds, moved) in [(0.0, 0.0), (60.0, 0.63), (140.0, 0.90), (180.0, 0.95)] {
            near(dns_moved(seconds, DNS_STAY), moved, 0.005);
        }
        near(dns_moved(1_000.0, DNS_STAY), 0.98, 1e-9);
        near(dns_moved(3_600.0, DNS_STAY), 1.0, 1e-9);
        near(accelerator_moved(60.0), 0.95, 0.005);
    }

    #[test]
    fn an_idle_source_makes_the_reported_lag_climb() {
        near(replica_lag_seconds(0.1, 0.12, 500.0), 0.12, 1e-9);
        near(replica_lag_seconds(10.0, 0.12, 0.0), 11.0, 1e-9);
        near(replica_lag_seconds(300.0, 0.12, 0.0), 300.0, 1e-9);
        near(replica_lag_seconds(-1.0, 0.12, 0.0), 1.0, 1e-9);
    }
}
