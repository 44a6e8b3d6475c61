//! What actions have in common: finding what they act on in the fleet, the forecast, the phrases. Owns no procedure.

pub mod stores;
