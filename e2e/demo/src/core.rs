//! The simulated core: a program beside the cluster, told what to do over its admin interface.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use http::Request;
use serde_json::Value;
use wazo_e2e_node::{Answer, CORE_NAME, FetchError, fetch};

use crate::error::DemoError;

/// Where the front listens, on the address that pods reach.
pub(crate) const PORT: u16 = 9443;
/// The admin interface, on this machine alone.
const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9480);
/// The account of [`Core::start`].
pub(crate) const ACCOUNT: [&str; 2] = ["operator", "operator-password"];

/// A running simulated core. Dropped, it ends, unless it was [`Core::keep`]ed.
pub(crate) struct Core {
    child: Option<Child>,
    pid_file: PathBuf,
    ca: PathBuf,
}

fn machine(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> DemoError {
    let what = what.into();
    move |source| DemoError::Machine { what, source }
}

impl Core {
    /// Starts it; it answers when this returns. `directory` gets its log, its authority and its process number.
    pub(crate) fn start(address: IpAddr, directory: &Path) -> Result<Self, DemoError> {
        fs::create_dir_all(directory).map_err(machine(directory.display().to_string()))?;
        let (ca, log) = (directory.join("core-ca.pem"), directory.join("core.log"));
        let log_file = fs::File::create(&log).map_err(machine(log.display().to_string()))?;
        // Built beside us.
        let program = std::env::current_exe()
            .map_err(machine("the demo's own path"))?
            .with_file_name("simulated-core");
        let mut child = Command::new(&program)
            .args(["--bind", &SocketAddr::new(address, PORT).to_string()])
            .args(["--admin", &ADMIN.to_string(), "--name", CORE_NAME])
            .arg("--ca-file")
            .arg(&ca)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .map_err(machine(program.display().to_string()))?;
        let pid_file = directory.join("core.pid");
        let written = fs::write(&pid_file, child.id().to_string());
        let stdout = child.stdout.take().expect("it was asked to be piped");
        // The last of the lines that it prints; a pipe that is closed before would end it.
        let ready = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .any(|line| line.starts_with("stack"));
        let core = Self {
            child: Some(child),
            pid_file,
            ca,
        };
        written.map_err(machine(core.pid_file.display().to_string()))?;
        if !ready {
            return Err(DemoError::Text {
                what: "the simulated core".to_owned(),
                reason: fs::read_to_string(&log).unwrap_or_default(),
            });
        }
        Ok(core)
    }

    /// Its certificate authority, a PEM file.
    pub(crate) fn ca(&self) -> &Path {
        &self.ca
    }

    /// Lets it live on; `make down` ends it.
    pub(crate) fn keep(mut self) {
        self.child = None;
    }

    /// Nobody reaches it any more: connections are refused, open ones are cut.
    pub(crate) fn take_away(&self) -> Result<(), DemoError> {
        self.order("POST", "/faults", r#"{"fault": "refuse_connections"}"#)
            .map(drop)
    }

    /// It is back, with all that it held.
    pub(crate) fn bring_back(&self) -> Result<(), DemoError> {
        self.order("DELETE", "/faults", "").map(drop)
    }

    /// The manifest URLs in its external applications, one line each.
    pub(crate) fn registered(&self) -> Result<String, DemoError> {
        let state = self.order("GET", "/state", "")?;
        let state: Value = serde_json::from_str(&state).map_err(|error| DemoError::Text {
            what: "the state of the simulated core".to_owned(),
            reason: error.to_string(),
        })?;
        let lines = state["applications"].as_array().into_iter().flatten().map(|app| {
            let name = app["name"].as_str().unwrap_or_default();
            format!(
                "{name:<30} manifest_urls: {}",
                app["configuration"]["manifest_urls"]
            )
        });
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// The last requests, for a failure's report.
    pub(crate) fn journal(&self) -> Result<String, DemoError> {
        self.order("GET", "/journal", "")
    }

    fn order(&self, method: &str, path: &str, body: &str) -> Result<String, DemoError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{ADMIN}{path}"))
            .body(body.to_owned())
            .map_err(|error| DemoError::Text {
                what: path.to_owned(),
                reason: error.to_string(),
            })?;
        let answer = send(request, ADMIN, "")?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        Err(DemoError::Answer {
            what: format!("{method} {path} of the simulated core"),
            status: answer.status,
            body: answer.body,
        })
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
            let _ = fs::remove_file(&self.pid_file);
        }
    }
}

/// One request, waited for.
pub(crate) fn send(
    request: Request<String>,
    address: SocketAddr,
    authority: &str,
) -> Result<Answer, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| FetchError::Connection { address, source })?;
    runtime.block_on(fetch(request, address, authority))
}
