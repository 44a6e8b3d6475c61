//! Whether Kubernetes API servers answer. Owns the probe; must never run a credential plugin, for it could prompt on our terminal.

pub mod live;
