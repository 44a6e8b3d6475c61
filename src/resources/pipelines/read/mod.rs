//! Single calls about pipelines and what becomes of their answers.

pub mod live;
