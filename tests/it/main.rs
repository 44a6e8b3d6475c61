//! x

mod data_files;
