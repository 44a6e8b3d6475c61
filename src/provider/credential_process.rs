//! Credential processes of the shared AWS configuration: each runs in a session of its own, where it has no terminal to ask or to write on, and ends when its time is over. Owns what stands around the process; must never look at what it hands out.
//!
//! The SDK starts them in our session: one that opens `/dev/tty` writes across the screen and takes keys, and one that hangs lives
//! on after its load was given up. A new session can only be entered by the process itself, so the configuration that the SDK is
//! given names this binary (the hidden subcommand of `VERB`) in front of each command.

use std::{
    io::{Write, stderr},
    path::Path,
    process::Stdio,
    time::Duration,
};

use aws_config::profile;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use rustix::process::Signal;
use tokio::{process::Command, time::timeout};

/// The subcommand that runs a command as this module says.
pub const VERB: &str = "credential-process";

/// The exit code of a process that was ended, as of `timeout` of the coreutils.
const ENDED: u8 = 124;

/// The files of the shared AWS configuration as the SDK finds them, with every credential process put into a session of its own.
/// Files that cannot be read are left for the SDK to complain of.
pub async fn profile_files() -> EnvConfigFiles {
    let (files, environment) = (Fs::real(), Env::real());
    let program = program();
    let wrapped = match &program {
        Some(program) => overlay(&files, &environment, program).await,
        None => None,
    };
    wrapped.map_or_else(EnvConfigFiles::default, |text| {
        EnvConfigFiles::builder()
            .include_default_config_file(true)
            .include_default_credentials_file(true)
            .with_contents(EnvConfigFileKind::Config, text)
            .build()
    })
}

/// This binary, as another process can start it; also after it was replaced by a newer one.
fn program() -> Option<String> {
    let running = format!("/proc/{}/exe", std::process::id());
    if Path::new(&running).exists() {
        return Some(running);
    }
    std::env::current_exe().ok()?.to_str().map(str::to_owned)
}

/// A configuration that replaces each `credential_process`; `None` where there is none.
async fn overlay(files: &Fs, environment: &Env, program: &str) -> Option<String> {
    let profiles = profile::load(files, environment, &EnvConfigFiles::default(), None).await;
    let profiles = profiles.ok()?;
    let mut text = String::new();
    for name in profiles.profiles() {
        let command = profiles.get_profile(name)?.get("credential_process");
        if let Some(command) = command.filter(|command| !command.trim().is_empty()) {
            let (program, command) = (quoted(program), quoted(command));
            text += &format!("[profile {name}]\ncredential_process = {program} {VERB} {command}\n");
        }
    }
    (!text.is_empty()).then_some(text)
}

/// A word for the shell. Lines that follow are indented, which is how the file says that a value goes on.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('\n', "\n "))
}

/// Runs a command in a session of its own, with our standard output and error output; its exit code. After `within` it is ended, with everything that it has started, and so are we.
pub async fn run(command: &str, within: Duration) -> std::io::Result<u8> {
    // Refused to the leader of a group: started by hand, the terminal is that of whoever did so.
    let apart = rustix::process::setsid().is_ok();
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let Ok(ended) = timeout(within, child.wait()).await else {
        let seconds = within.as_secs_f64();
        // Whoever started us may have given up and closed it; what was started is ended all the same.
        let _ = writeln!(
            stderr(),
            "did not end within {seconds} s; does it wait for a login?"
        );
        if apart {
            // What the shell has started as well, and us.
            rustix::process::kill_current_process_group(Signal::KILL)?;
        }
        return Ok(ENDED);
    };
    let code = ended?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile plain]\naws_access_key_id = AKID\naws_secret_access_key = secret\n[profile ops]\ncredential_process = sh -c 'token --for \"ops team\"' # of ours\n[profile child]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = ops\n";

    async fn of(config: &str) -> Option<String> {
        let files = Fs::from_slice(&[("/config", config)]);
        let environment = Env::from_slice(&[
            ("AWS_CONFIG_FILE", "/config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
            ("HOME", "/"),
        ]);
        overlay(&files, &environment, "/opt/o'p/pilothouse").await
    }

    /// What the SDK reads of a profile when the overlay comes after the files.
    async fn read(config: &str, name: &str) -> Option<String> {
        let files = EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, config)
            .with_contents(EnvConfigFileKind::Config, of(config).await?)
            .build();
        let (none, empty) = (Fs::from_slice(&[]), Env::from_slice(&[]));
        let all = profile::load(&none, &empty, &files, None).await.unwrap();
        let value = all.get_profile(name)?.get("credential_process")?;
        Some(value.to_owned())
    }

    #[tokio::test]
    async fn every_credential_process_is_run_by_us_and_nothing_else_changes() {
        let text = of(CONFIG).await.unwrap();
        assert_eq!(text.matches("[profile").count(), 1, "{text}");
        assert_eq!(
            read(CONFIG, "ops").await.as_deref(),
            Some(
                r#"'/opt/o'\''p/pilothouse' credential-process 'sh -c '\''token --for "ops team"'\'''"#
            )
        );
        assert_eq!(of("[default]\nregion = eu-west-1\n").await, None);
    }

    #[tokio::test]
    async fn the_default_profile_and_values_of_several_lines_are_found() {
        for section in ["[default]", "[profile default]"] {
            let config = format!("{section}\ncredential_process = token \\\n  --ops\n");
            let value = read(&config, "default").await.unwrap();
            assert!(value.contains("credential-process 'token \\\n"), "{value}");
        }
    }
}
