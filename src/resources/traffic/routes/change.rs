//! What a change of a route is called. Owns the names of its operations; a test holds them against the permissions.

use super::RouteKind;

impl RouteKind {
    /// The operation that changes one, as errors and the journal name it.
    pub fn patch(self) -> &'static str {
        match self {
            Self::HttpRoute => "kubernetes:PatchHTTPRoutes",
            Self::GrpcRoute => "kubernetes:PatchGRPCRoutes",
            Self::VirtualService => "kubernetes:PatchVirtualServices",
        }
    }
}
