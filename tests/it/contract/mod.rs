//! Does the API's answer become our type, over the real wire protocol? One file per API.

mod caches;
mod rds;
mod tables;
