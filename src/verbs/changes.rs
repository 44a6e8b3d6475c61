//! What became of the configuration while it was edited: read anew, its problems told, and what has changed with when that holds. Changes nothing itself.

use crate::{
    config::{self, Config, layers::Layers},
    runtime::console::ConfigFile,
};

/// The configuration of a console that may be edited from it; `None` without a file.
pub fn watched(layers: Layers, config: &Config) -> Option<ConfigFile> {
    let path = config.path.clone()?;
    let before = config.clone();
    // A demo reads only how the console looks.
    let whole = !config.estate.regions.is_empty() && config::load(&layers).is_ok();
    let check = Box::new(move || {
        let read = if whole {
            config::load(&layers)
        } else {
            config::load_console(&layers)
        };
        match read {
            Ok(now) => told(&before, &now, whole),
            Err(problems) => {
                let mut lines =
                    vec!["It has problems; this console goes on with what it had read:".to_owned()];
                for problem in problems {
                    lines.push(problem.to_string());
                    lines.extend(problem.excerpt().lines().map(|line| format!("  {line}")));
                }
                lines
            }
        }
    });
    Some(ConfigFile { path, check })
}

/// What has changed, in the words of the file.
fn told(before: &Config, now: &Config, whole: bool) -> Vec<String> {
    let estate = whole && before.estate != now.estate;
    let changed = [
        (estate, "what is watched, its limits or intervals"),
        (before.keymap != now.keymap, "keys"),
        (
            before.theme != now.theme,
            "the theme (`:theme` switches it now)",
        ),
        (
            before.settings != now.settings,
            "how the console looks and starts",
        ),
    ];
    let changed: Vec<&str> = changed
        .into_iter()
        .filter_map(|(is_so, what)| is_so.then_some(what))
        .collect();
    if changed.is_empty() {
        return vec!["It is sound, and says nothing new to this console.".to_owned()];
    }
    let mut lines = vec!["It is sound. Changed since this console read it:".to_owned()];
    lines.extend(changed.iter().map(|what| format!("  {what}")));
    lines.push("Leave and start again to take that up; a run in hand must end first.".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{layers::Flags, library::Library, parse};

    fn read(text: &str) -> Config {
        parse("x", text, &Flags::default(), &Library::default()).unwrap()
    }

    #[test]
    fn what_has_changed_is_told_and_when_it_holds() {
        let text = "[[region]]\nlabel = \"eu-west-1\"\n";
        let before = read(text);
        assert_eq!(told(&before, &before, true).len(), 1);
        let keys = read(&format!("{text}[keys.global]\nx = \"quit\"\n"));
        let lines = told(&before, &keys, true).join("\n");
        assert!(
            lines.contains("  keys") && lines.contains("start again"),
            "{lines}"
        );
        let wider = read(&format!("{text}[[region]]\nlabel = \"us-east-1\"\n"));
        assert!(told(&before, &wider, true)[1].contains("watched"));
        assert_eq!(
            told(&before, &wider, false).len(),
            1,
            "a demo does not care"
        );
    }
}
