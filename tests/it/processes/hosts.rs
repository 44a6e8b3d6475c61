//! A host on which consoles run: its home, its configuration, its journal, and the AWS that they act on. Judges nothing but whether journal and wire agree.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
};

use pilothouse::{
    plan::{
        entry::{Entry, What},
        ledger::Ledger,
    },
    runtime::journal,
};

use crate::wire::{
    Wire,
    route53::{Route53, Set},
    shop,
};

pub const BINARY: &str = env!("CARGO_BIN_EXE_pilothouse");
/// What nobody overrides in these tests; everything else is not known of an estate this small, and accepted.
const STOPS: [&str; 5] = ["G-LAST", "G-ZERO", "G-SPLIT", "G-BLAST", "G-LOCK"];

/// A host and its AWS.
pub struct Host {
    /// The record sets.
    pub zone: Arc<Route53>,
    /// Everything else.
    pub wire: Wire,
    /// The names, without their zone.
    pub names: Vec<String>,
    home: tempfile::TempDir,
}

impl Host {
    /// A host whose consoles manage these names.
    pub fn new(names: &[&str]) -> Self {
        let zone = Arc::new(Route53::new(shop::sets(names)).in_pages_of(4));
        let wire = Wire::with(&zone);
        shop::seed(&wire);
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join("pilothouse.toml"),
            shop::configuration(names),
        )
        .unwrap();
        let credentials = home.path().join("credentials");
        std::fs::write(credentials, credentials_of("AKIDWIRE")).unwrap();
        Self {
            zone,
            wire,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            home,
        }
    }

    /// A file of its home.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.file("state/pilothouse/journal.jsonl")
    }

    /// What a console finds in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.file(name).to_str().unwrap().to_owned();
        [
            ("HOME", path("")),
            ("XDG_STATE_HOME", path("state")),
            ("AWS_SHARED_CREDENTIALS_FILE", path("credentials")),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_ENDPOINT_URL", self.wire.url()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// A command of the binary.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Plans something; the file of the plan, and what confirms it.
    pub fn plan(&self, arguments: &[&str]) -> Result<(PathBuf, Vec<String>), Output> {
        let number = std::fs::read_dir(self.home.path()).unwrap().count();
        let file = self.file(&format!("plan-{number}.json"));
        let path = file.to_str().unwrap();
        let output = self.run(&[&["plan"], arguments, &["--out", path]].concat());
        if !output.status.success() {
            return Err(output);
        }
        let plan: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let phrase = plan["plan"]["phrase"].as_str().unwrap();
        let phrase = if phrase.is_empty() { "y" } else { phrase };
        let mut confirmation: Vec<String> = ["--confirm", phrase, "--reason", "a test of the wire"]
            .map(ToOwned::to_owned)
            .to_vec();
        for guard in plan["guards"].as_array().unwrap() {
            let blocks = ["fail", "unknown"].contains(&guard["verdict"].as_str().unwrap());
            let id = guard["id"].as_str().unwrap();
            if blocks && !STOPS.contains(&id) {
                confirmation.push(format!("--override={id}=known in this test"));
            }
        }
        Ok((file, confirmation))
    }

    /// Starts what was planned.
    pub fn start(&self, (file, confirmation): &(PathBuf, Vec<String>)) -> Child {
        let confirmation: Vec<&str> = confirmation.iter().map(String::as_str).collect();
        let file = file.to_str().unwrap();
        self.command(&[&["apply", file], confirmation.as_slice()].concat())
            .spawn()
            .unwrap()
    }

    /// Plans something and starts it.
    pub fn act(&self, arguments: &[&str]) -> Child {
        let planned = self.plan(arguments);
        self.start(&planned.unwrap_or_else(|output| panic!("{}", text(&output))))
    }

    /// What is on disk. A line that was cut off is none.
    pub fn entries(&self) -> Vec<Entry> {
        journal::read(&self.journal()).unwrap()
    }

    /// The runs.
    pub fn ledger(&self) -> Ledger {
        Ledger::of(self.entries())
    }

    /// The record sets as they were at the start.
    pub fn untouched(&self) -> Vec<Set> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let mut sets = shop::sets(&names);
        sets.sort();
        sets
    }

    /// Holds the journal against the log of the wire: nothing was sent without a line on disk, and of each line at most one call came.
    /// `in_doubt` lines may have sent nothing.
    pub fn agree(&self, in_doubt: usize) -> Result<(), String> {
        // A console that was killed while it started has not even begun one.
        if !self.journal().exists() && self.zone.log().is_empty() {
            return Ok(());
        }
        let verified = self.run(&["journal", "verify"]);
        if !verified.status.success() {
            return Err(format!("the chain is broken: {}", text(&verified)));
        }
        let mut said: BTreeMap<String, usize> = BTreeMap::new();
        let mut unsent = 0;
        for entry in self.entries() {
            let of = || {
                format!(
                    "pilothouse-{}-{}",
                    entry.run.clone().unwrap(),
                    entry.step.unwrap()
                )
            };
            match entry.what {
                What::Sending { .. } => *said.entry(of()).or_default() += 1,
                // A throttled call never changed anything, and may be repeated: each has a line of its own.
                What::Rejected { error }
                    if error.fate == pilothouse::resources::change::Fate::NotSent =>
                {
                    unsent += 1;
                }
                _ => {}
            }
        }
        let mut came: BTreeMap<String, usize> = BTreeMap::new();
        for batch in self.zone.log() {
            *came.entry(batch.comment).or_default() += 1;
        }
        for (step, count) in &came {
            if said.get(step).copied().unwrap_or_default() < *count {
                return Err(format!("I2: {step} came {count} times: {said:?}"));
            }
        }
        let missing = said.values().sum::<usize>() - came.values().sum::<usize>() - unsent;
        if missing > in_doubt {
            return Err(format!(
                "{missing} lines say that something was sent that never came: {said:?} {came:?}"
            ));
        }
        Ok(())
    }
}

/// A credentials file.
pub fn credentials_of(key: &str) -> String {
    format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
}

/// How a process ended.
pub fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// Everything that it said.
pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

/// Waits for a process and gives what it said.
pub fn applied(child: Child) -> Output {
    child.wait_with_output().unwrap()
}
