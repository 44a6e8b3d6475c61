//! Services as a Prometheus tells them. Owns "what three queries say of each version of each service".

pub mod live;
