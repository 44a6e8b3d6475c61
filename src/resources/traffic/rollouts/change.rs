//! What steering a rollout is called. Owns the names of its operations; a test holds them against the permissions.

use super::{Tool, Verb};

impl Verb {
    /// The operation that steers so, as errors and the journal name it.
    pub fn operation(&self, tool: Tool) -> &'static str {
        match (tool, self.edits_specification()) {
            (Tool::Flagger, _) => "kubernetes:PatchCanaries",
            (Tool::ArgoRollouts, true) => "kubernetes:PatchRollouts",
            (Tool::ArgoRollouts, false) => "kubernetes:PatchRolloutsStatus",
        }
    }
}
