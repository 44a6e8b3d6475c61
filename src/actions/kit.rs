//! What actions have in common: finding what they act on in the fleet, the forecast, the phrases. Owns no procedure.

pub mod carried;
pub mod comeback;
pub mod contexts;
pub mod deployment;
pub mod forecast;
pub mod frame;
pub mod guards;
pub mod lever;
pub mod normal;
pub mod pace;
pub mod parts;
pub mod pipelines;
pub mod region;
pub mod route;
pub mod rule;
pub mod weights;
pub mod writers;

pub mod stores;

#[cfg(test)]
pub mod tests;
