//! Credential plugins of a kubeconfig: run silently, for a short time, once for all who wait. Owns the process; knows no API server.
//!
//! kube's own way of running them waits on a blocking thread without a deadline, with our terminal as their input and error output.

use std::{collections::HashMap, process::Stdio, time::Duration};

use jiff::Timestamp;
use kube::config::{Cluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use super::access::Secret;

/// The deadline of a plugin: a cloud's own round trips to its identity service, and not a login.
const DEADLINE: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read: a token has a few thousand.
const MOST: u64 = 256 * 1024;
/// Characters of its complaint that are shown.
const SAID: usize = 160;

/// Runs a plugin and takes its credential.
pub async fn run(exec: &ExecConfig, cluster: &Cluster) -> Result<Secret, String> {
    let name = exec.command.clone().unwrap_or_default();
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(format!(
            "the credential plugin {name} wants a terminal (interactiveMode: Always); log in outside of the console"
        ));
    }
    let mut child = command(exec, cluster)?.spawn().map_err(|error| {
        let hint = exec.install_hint.as_deref().unwrap_or_default();
        format!("the credential plugin {name} does not start: {error} {hint}")
    })?;
    match timeout(DEADLINE, answer(&mut child)).await {
        Ok(result) => credential(&name, &result?),
        Err(_) => {
            end(&mut child).await;
            let seconds = DEADLINE.as_secs();
            Err(format!(
                "the credential plugin {name} did not end within {seconds} s; does it wait for a login?"
            ))
        }
    }
}

/// No input, no output on our terminal, and a process group of its own: what it starts ends with it, and it is stopped where it opens the terminal itself to read or write (`Tty::raw`).
fn command(exec: &ExecConfig, cluster: &Cluster) -> Result<Command, String> {
    let program = exec.command.as_deref();
    let mut command = Command::new(program.ok_or("a credential plugin without a command")?);
    command.args(exec.args.iter().flatten());
    let named =
        |env: &HashMap<String, String>| env.get("name").cloned().zip(env.get("value").cloned());
    command.envs(exec.env.iter().flatten().filter_map(named));
    command.env("KUBERNETES_EXEC_INFO", info(exec, cluster));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0);
    Ok(command)
}

/// What a plugin is told: that nobody is there to be asked, and the cluster where it wants to know it.
fn info(exec: &ExecConfig, cluster: &Cluster) -> String {
    let mut spec = serde_json::json!({ "interactive": false });
    if exec.provide_cluster_info {
        spec["cluster"] = serde_json::json!({
            "server": cluster.server,
            "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
            "certificate-authority-data": cluster.certificate_authority_data,
            "proxy-url": cluster.proxy_url,
            "tls-server-name": cluster.tls_server_name,
        });
    }
    let version = exec.api_version.as_deref();
    let version = version.unwrap_or("client.authentication.k8s.io/v1");
    serde_json::json!({ "apiVersion": version, "kind": "ExecCredential", "spec": spec }).to_string()
}

/// What a plugin has written, and whether it is content with it.
struct Written {
    out: Vec<u8>,
    said: Vec<u8>,
    success: bool,
}

async fn answer(child: &mut Child) -> Result<Written, String> {
    let (out, said) = (child.stdout.take(), child.stderr.take());
    let (out, said) = tokio::join!(drain(out), drain(said));
    let status = child.wait().await.map_err(|error| error.to_string())?;
    Ok(Written {
        out,
        said,
        success: status.success(),
    })
}

/// Reads to the end and keeps the beginning, so that a plugin that writes too much does not stop.
async fn drain(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        let mut start = (&mut from).take(MOST);
        start.read_to_end(&mut kept).await.ok();
        tokio::io::copy(&mut from, &mut tokio::io::sink())
            .await
            .ok();
    }
    kept
}

/// Ends a plugin and everything that it has started.
async fn end(child: &mut Child) {
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
    child.kill().await.ok();
}

#[derive(Deserialize)]
struct ExecCredential {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

fn credential(name: &str, written: &Written) -> Result<Secret, String> {
    if !written.success {
        let said = String::from_utf8_lossy(&written.said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        let last: String = last
            .unwrap_or("no reason given")
            .chars()
            .take(SAID)
            .collect();
        return Err(format!("the credential plugin {name} failed: {last}"));
    }
    // The answer has secrets in it: no part of it goes into a message.
    let unreadable = || format!("the credential plugin {name} gave no ExecCredential");
    let answer: ExecCredential = serde_json::from_slice(&written.out).map_err(|_| unreadable())?;
    let status = answer.status.ok_or_else(unreadable)?;
    let until = match status.expiration_timestamp {
        None => None,
        Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
            format!("the credential plugin {name} gave a time that cannot be read")
        })?),
    };
    match (
        status.token,
        status.client_certificate_data.zip(status.client_key_data),
    ) {
        (_, Some((certificate, key))) => Ok(Secret::Certificate {
            certificate,
            key,
            until,
        }),
        (Some(token), None) => Ok(Secret::Token { token, until }),
        (None, None) => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ExecConfig {
        ExecConfig {
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            env: Some(vec![HashMap::from([
                ("name".to_owned(), "GIVEN".to_owned()),
                ("value".to_owned(), "t0ken".to_owned()),
            ])]),
            ..ExecConfig::default()
        }
    }

    async fn ran(script: &str) -> Result<Secret, String> {
        run(&shell(script), &Cluster::default()).await
    }

    #[tokio::test]
    async fn a_plugin_gives_a_token_with_its_end_and_is_told_that_nobody_is_there() {
        let script = r#"
            case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 9;; esac
            if read -r line; then exit 8; fi
            echo noise >&2
            echo "{\"status\": {\"token\": \"$GIVEN\", \"expirationTimestamp\": \"2030-01-01T00:00:00Z\"}}"
        "#;
        match ran(script).await.unwrap() {
            Secret::Token { token, until } => {
                assert_eq!(
                    (token.as_str(), until),
                    ("t0ken", "2030-01-01T00:00:00Z".parse().ok())
                );
            }
            Secret::Certificate { .. } => panic!("no token"),
        }
    }

    #[tokio::test]
    async fn what_a_plugin_says_is_told_but_never_what_it_gives() {
        let failed = ran("echo starting >&2; echo 'please log in' >&2; exit 1").await;
        assert!(failed.unwrap_err().ends_with("failed: please log in"));
        let odd = ran("echo '{\"status\": {\"token\": 5, \"s3cret\": 1}}'")
            .await
            .unwrap_err();
        assert!(odd.contains("no ExecCredential") && !odd.contains("s3cret"));
        let always = ExecConfig {
            interactive_mode: Some(ExecInteractiveMode::Always),
            ..shell("exit 0")
        };
        let refused = run(&always, &Cluster::default()).await.unwrap_err();
        assert!(refused.contains("log in outside"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_plugin_that_waits_is_ended_with_what_it_started() {
        // The clock is paused and jumps to the deadline as soon as nothing else can happen.
        let late = ran("sleep 600 & sleep 600").await.unwrap_err();
        assert!(late.contains("does it wait for a login?"), "{late}");
    }
}
