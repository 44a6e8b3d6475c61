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
            invocation.command == command && page(*context).is_some()
        });
        let keys: Vec<String> = bound
            .map(|(context, key, invocation)| {
                let key = key.to_string().replace('|', "\\|");
                let words = [invocation.argument.as_str(), page(context).unwrap_or("")];
                let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
                format!("`{key}` {}", words.join(" ")).trim_end().to_owned()
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

/// The page on which a binding holds, if it holds anywhere that has commands of its own; what closes a dialog is written there.
fn page(context: Context) -> Option<&'static str> {
    match context {
        Context::Global => Some(""),
        Context::Plan => Some("(plan)"),
        Context::Run => Some("(run)"),
        Context::Runs => Some("(runs)"),
        Context::Detail | Context::Dialog => None,
    }
}
