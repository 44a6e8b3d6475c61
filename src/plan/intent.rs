//! How an intent is typed: `drain-region eu-west-1 now minutes=60`. Owns the grammar of the palette; the command line has flags of the same names.

use super::{Intent, Options};

/// Reads an intent. Words without `=` that are no flag are the target.
pub fn parse(text: &str) -> Result<Intent, String> {
    let mut words = text.split_whitespace();
    let action = words.next().ok_or("no action")?.to_owned();
    let mut target: Vec<&str> = Vec::new();
    let mut options = Options::default();
    let mut problems: Vec<String> = Vec::new();
    for word in words {
        match word.split_once('=') {
            None if word == "now" => options.now = true,
            // An ARN or a key may hold `=`, but never begins with the name of an option.
            Some((name, value)) if NAMES.contains(&name) => {
                if let Err(problem) = set(&mut options, name, value) {
                    problems.push(problem);
                }
            }
            Some(_) | None => target.push(word),
        }
    }
    if problems.is_empty() {
        Ok(Intent {
            action,
            target: target.join(" "),
            options,
        })
    } else {
        Err(problems.join("; "))
    }
}

/// Names of the options that take a value.
pub const NAMES: &[&str] = &[
    "percent", "weights", "to", "run", "bake", "minutes", "names", "nodes",
];

fn set(options: &mut Options, name: &str, value: &str) -> Result<(), String> {
    let wrong = |wanted: &str| format!("`{name}` takes {wanted}, not `{value}`");
    match name {
        "percent" => {
            let percent = value.trim_end_matches('%').parse().ok();
            options.percent = Some(
                percent
                    .filter(|percent| (0.0..=100.0).contains(percent))
                    .ok_or_else(|| wrong("0 to 100"))?,
            );
        }
        "weights" => {
            for pair in value.split(',') {
                let (member, weight) = pair
                    .rsplit_once(':')
                    .ok_or_else(|| wrong("member:weight,member:weight"))?;
                let weight = weight
                    .parse()
                    .map_err(|_| wrong("member:weight,member:weight"))?;
                options.weights.insert(member.to_owned(), weight);
            }
        }
        "to" => options.to = Some(value.to_owned()),
        "run" => options.run = Some(value.to_owned()),
        "bake" => {
            options.bake_seconds = Some(seconds(value).ok_or_else(|| wrong("a time: 90s, 5m"))?);
        }
        "minutes" => options.minutes = Some(value.parse().map_err(|_| wrong("minutes"))?),
        "names" => options
            .names
            .extend(value.split(',').map(ToOwned::to_owned)),
        "nodes" => options.nodes = Some(value.parse().map_err(|_| wrong("a number of nodes"))?),
        other => return Err(format!("there is no option `{other}`")),
    }
    Ok(())
}

/// Seconds of a time as it is typed: `90`, `90s`, `5m`, `1h`.
pub fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text
        .find(|c: char| !c.is_ascii_digit())
        .map_or((text, "s"), |at| text.split_at(at));
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// An intent as it would be typed.
pub fn text(intent: &Intent) -> String {
    let Options {
        now,
        percent,
        weights,
        to,
        run,
        bake_seconds,
        minutes,
        names,
        nodes,
    } = &intent.options;
    let mut words = vec![intent.action.clone(), intent.target.clone()];
    words.extend(now.then(|| "now".to_owned()));
    words.extend(percent.map(|percent| format!("percent={percent}")));
    if !weights.is_empty() {
        let pairs: Vec<String> = weights
            .iter()
            .map(|(member, weight)| format!("{member}:{weight}"))
            .collect();
        words.push(format!("weights={}", pairs.join(",")));
    }
    words.extend(to.iter().map(|to| format!("to={to}")));
    words.extend(run.iter().map(|run| format!("run={run}")));
    words.extend(bake_seconds.map(|seconds| format!("bake={seconds}s")));
    words.extend(minutes.map(|minutes| format!("minutes={minutes}")));
    if !names.is_empty() {
        words.push(format!("names={}", names.join(",")));
    }
    words.extend(nodes.map(|nodes| format!("nodes={nodes}")));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_shown() {
        let typed = "shift-weights a/b percent=5 weights=x:1,y:3 to=eu-west-1 run=1a2b bake=300s minutes=60 names=p,q nodes=4";
        assert_eq!(text(&parse(typed).unwrap()), typed);
        let typed = "drain-region eu-west-1 now";
        assert_eq!(text(&parse(typed).unwrap()), typed);
    }

    #[test]
    fn every_wrong_option_is_said() {
        let error = parse("drain-region eu percent=101 bake=5x").unwrap_err();
        assert_eq!(
            error,
            "`percent` takes 0 to 100, not `101`; `bake` takes a time: 90s, 5m, not `5x`"
        );
    }
}
