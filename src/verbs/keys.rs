//! `pilothouse keys`: the key table of the README, made from the keymap.

use std::io::Write;

use super::{Failure, layers};
use crate::{
    cli::{Common, exit},
    command::Command,
    config::{
        self,
        keymap::{Context, Keymap},
    },
};

/// Prints the table.
pub fn run(common: &Common) -> Result<u8, Failure> {
    let config = config::load_console(&layers(common))?;
    std::io::stdout().write_all(table(&config.keymap).as_bytes())?;
    Ok(exit::OK)
}

/// Every command with its keys, as Markdown.
pub fn table(keymap: &Keymap) -> String {
    let mut lines = vec![
        "| keys | command | what it does |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    for &command in Command::ALL {
        let bound = keymap.iter().filter(|(context, _, invocation)| {
            *context == Context::Global && invocation.command == command
        });
        let keys: Vec<String> = bound
            .map(|(_, key, invocation)| {
                let key = key.to_string().replace('|', "\\|");
                if invocation.argument.is_empty() {
                    format!("`{key}`")
                } else {
                    format!("`{key}` {}", invocation.argument)
                }
            })
            .collect();
        let argument = if command.argument().is_empty() {
            String::new()
        } else {
            format!(" {}", command.argument().replace('|', "\\|"))
        };
        lines.push(format!(
            "| {} | `:{}{argument}` | {} |",
            keys.join(" "),
            command.name(),
            command.doc()
        ));
    }
    lines.join("\n") + "\n"
}
