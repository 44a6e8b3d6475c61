//! Changes of pipelines as CodePipeline takes them.

pub mod live;
