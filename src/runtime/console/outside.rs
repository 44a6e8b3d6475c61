//! What the loop asks of the user's own things: themes, the configuration, what the console remembers of them. Owns no behaviour.

use std::path::PathBuf;

use crate::{
    config::theme::Theme,
    runtime::{memory::Memory, terminal::Manners},
};

/// Finds a theme by its name, reduced to what the terminal can show.
pub type FindTheme = Box<dyn Fn(&str) -> Result<Theme, String> + Send>;

/// The user's own things: themes, the configuration, what the console remembers of them, and how the terminal shall behave.
pub struct Outside {
    /// For `:theme`.
    pub find_theme: FindTheme,
    /// For `:edit-config`.
    pub config: Option<ConfigFile>,
    /// Where it is kept what was typed.
    pub memory: Option<Memory>,
    /// What the user wants of the terminal.
    pub manners: Manners,
}

/// The configuration that was read.
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Reads it anew and says what is wrong with it, or what has changed and when that holds.
    pub check: Box<dyn Fn() -> Vec<String> + Send>,
}
