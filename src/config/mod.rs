//! Configuration: layers (default < file < flags), keymaps, themes. Owns every file format; all problems are reported at once.

pub mod depth;
mod document;
pub mod key;
pub mod keymap;
pub mod keymap_file;
pub mod library;
pub mod problem;
pub mod theme;
pub mod theme_file;
