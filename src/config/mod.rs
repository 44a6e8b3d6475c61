//! Configuration: layers (default < file < flags), keymaps, themes. Owns every file format; all problems are reported at once.

pub mod key;
pub mod keymap;
pub mod theme;
