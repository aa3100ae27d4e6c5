//! The operator as a process of its own: it can be stopped and continued by its number, as a scheduler or a
//! hypervisor does with it. It reaches the API server through a gate of ours.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::body::Body;
use kube::Client;
use kube::client::ClientBuilder;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::gate::Gate;
use crate::gated::GateLayer;
use crate::log::Log;
use crate::operator::Wiring;

/// A running process. Dropped, it is killed.
pub struct Process {
    child: Child,
    proxy: JoinHandle<()>,
    log: Log,
}

impl Process {
    /// Starts `program run` with arguments, behind a gate. The kubeconfig is written into `folder`.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn start(
        program: &str,
        arguments: &[&str],
        wiring: &Wiring,
        gate: Arc<Gate>,
        folder: &Path,
    ) -> Self {
        let client = ClientBuilder::try_from(wiring.config.clone())
            .expect("the configuration was used before")
            .with_layer(&GateLayer::new(gate, wiring.scope.clone()))
            .build();
        let (url, proxy) = forward(client).await;
        let kubeconfig = folder.join(format!("kubeconfig-{}", wiring.scope));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": url}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).expect("the folder of tests can be written");
        let mut child = Command::new(program)
            .arg("run")
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", &kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        let log = Log::default();
        let (lines, mut written) = (child.stderr.take().expect("it was piped"), log.clone());
        // It ends with the process.
        std::thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                let _ = std::io::Write::write_all(&mut written, format!("{line}\n").as_bytes());
            }
        });
        Self { child, proxy, log }
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Its standard error, for as long as it writes.
    #[must_use]
    pub const fn errors(&self) -> &Log {
        &self.log
    }

    fn signal(&self, signal: &str) {
        let number = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &number]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "kill {signal} {number}"
        );
    }

    /// Stops it where it stands.
    ///
    /// # Panics
    /// Where there is no `kill`.
    pub fn stop(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// Where there is no `kill`.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Panics
    /// Where it ends with an error.
    pub async fn end(mut self) {
        self.signal("-TERM");
        for _ in 0..2000 {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                assert!(status.success(), "{status}\n{}", self.log());
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the process does not end\n{}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.proxy.abort();
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves the API server without TLS and credentials on the loopback; the answer is the URL.
async fn forward(client: Client) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let router = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let client = client.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
            let mut forwarded = http::Request::builder().method(head.method);
            if let Some(asked) = head.uri.path_and_query() {
                forwarded = forwarded.uri(asked.as_str());
            }
            for name in [http::header::CONTENT_TYPE, http::header::ACCEPT] {
                if let Some(value) = head.headers.get(&name) {
                    forwarded = forwarded.header(name, value);
                }
            }
            let forwarded = forwarded
                .body(kube::client::Body::from(body.to_vec()))
                .expect("made of a request");
            match client.send(forwarded).await {
                Ok(answer) => answer.map(Body::new),
                Err(error) => http::Response::builder()
                    .status(502)
                    .body(Body::from(error.to_string()))
                    .expect("a status and a text"),
            }
        }
    });
    let serving = tokio::spawn(async move {
        // It ends with the test.
        let _ = axum::serve(listener, router).await;
    });
    (format!("http://{address}"), serving)
}
