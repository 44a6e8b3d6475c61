//! x

mod data_files;
mod discovery;
