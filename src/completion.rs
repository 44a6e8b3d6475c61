//! x
/// x
pub struct Completion {
    /// x
    pub line: String,
}
/// x
pub fn complete(_typed: &str) -> Vec<Completion> {
    Vec::new()
}
