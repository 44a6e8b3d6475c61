//! How routes become rows. Owns nothing itself: it reads the API's own objects.

pub mod live;
