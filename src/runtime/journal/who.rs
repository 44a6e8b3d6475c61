//! Who writes a journal line. Owns what is known about the person and the process; none of it is a secret.

use serde::{Deserialize, Serialize};

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Who {
    /// The callers that STS named, once one has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The account on this host: name and number.
    pub user: String,
    /// The terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
    /// Where the SSH session comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// This host.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The version of pilothouse.
    pub version: String,
}

impl Who {
    /// Whoever runs this process. The caller is not known yet.
    pub fn of_process() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let first_word = |text: String| text.split_whitespace().next().map(ToOwned::to_owned);
        Self {
            caller: None,
            user: user(uid),
            tty: tty(),
            from: std::env::var("SSH_CONNECTION").ok().and_then(first_word),
            host: host(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The name comes from the user database, because everybody can set `$USER`; where it is not listed (LDAP), `$USER` is marked as what it is.
fn user(uid: u32) -> String {
    let database = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let listed = database.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    match (listed, std::env::var("USER")) {
        (Some(name), _) => format!("{name} ({uid})"),
        (None, Ok(name)) if !name.is_empty() => format!("$USER={name} ({uid})"),
        (None, _) => format!("({uid})"),
    }
}

fn tty() -> Option<String> {
    let name = |name: std::ffi::CString| name.into_string().ok();
    rustix::termios::ttyname(rustix::stdio::stdin(), Vec::new())
        // While the screen is in use, standard input and error are kept from whoever is started.
        .or_else(|_| rustix::termios::ttyname(rustix::stdio::stdout(), Vec::new()))
        .or_else(|_| rustix::termios::ttyname(rustix::stdio::stderr(), Vec::new()))
        .ok()
        .and_then(name)
}

fn host() -> String {
    let file = |path: &str| std::fs::read_to_string(path).ok();
    file("/proc/sys/kernel/hostname")
        .or_else(|| file("/etc/hostname"))
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
