//! Does the API's answer become our type, over the real wire protocol? One file per kind.

mod caches;
mod databases;
