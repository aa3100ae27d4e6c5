//! Container images and registries: variants of the panel's image with another configuration, and registries of a case's
//! own name that answer as they are told.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::response::IntoResponse;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wazo_e2e_node::{Answer, fetch, run};

use crate::trouble::{Result, Trouble};

/// The name by which the nodes know the registry.
pub(crate) const NAME: &str = "registry.wazo.test";
const REPOSITORY: &str = "variants";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The registry, and the node's way to it and others.
pub(crate) struct Registry {
    address: SocketAddr,
    hosts: PathBuf,
    containerd: String,
}

/// A registry that is none: it gives one answer to everything.
pub(crate) struct Impostor {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Registry {
    pub(crate) fn new(directory: &Path, state: &Value) -> Result<Self> {
        let text = |field: &str| state["node"][field].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            address: text("registry").parse()?,
            hosts: directory.join("conf/certs.d"),
            containerd: text("containerd"),
        })
    }

    fn ctr(&self) -> Command {
        let mut command = Command::new("ctr");
        command.args(["-a", &self.containerd, "-n", "k8s.io"]);
        command
    }

    /// Puts the panel into the registry, so that it has variants.
    pub(crate) fn seed(&self) -> Result {
        let remote = format!("{}/{REPOSITORY}:base", self.address);
        run(self.ctr().args([
            "images",
            "push",
            "--plain-http",
            &remote,
            &format!("{NAME}/panel:1.0.0"),
        ]))?;
        Ok(())
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: String) -> Result<Answer> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("http://{}{path}", self.address)
        };
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("host", self.address.to_string())
            .header("accept", MANIFEST)
            .header("content-type", kind)
            .header("content-length", body.len())
            .body(body)?;
        let answer = fetch(request, self.address, "").await?;
        if answer.status < 300 {
            return Ok(answer);
        }
        Err(Trouble::new(format!(
            "registry: {method} {path}: {} {}",
            answer.status, answer.body
        )))
    }

    /// Makes a variant of the panel's image whose configuration `change` has changed, with a tag of its own; answers
    /// its reference.
    pub(crate) async fn variant(
        &self,
        tag: &str,
        change: &(dyn Fn(&mut Value) + Send + Sync),
    ) -> Result<String> {
        let manifests = format!("/v2/{REPOSITORY}/manifests");
        let manifest = self
            .ask("GET", &format!("{manifests}/base"), "", String::new())
            .await?;
        let mut manifest: Value = serde_json::from_str(&manifest.body)?;
        let digest = manifest["config"]["digest"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let blob = format!("/v2/{REPOSITORY}/blobs/{digest}");
        let config = self.ask("GET", &blob, "", String::new()).await?;
        let mut config: Value = serde_json::from_str(&config.body)?;
        change(&mut config);
        let config = config.to_string();
        let digest = Sha256::digest(config.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        let digest = format!("sha256:{digest}");
        manifest["config"]["digest"] = json!(digest);
        manifest["config"]["size"] = json!(config.len());
        let uploads = format!("/v2/{REPOSITORY}/blobs/uploads/");
        let upload = self.ask("POST", &uploads, "", String::new()).await?;
        let place = upload.header("location").to_owned();
        let mark = if place.contains('?') { '&' } else { '?' };
        self.ask(
            "PUT",
            &format!("{place}{mark}digest={digest}"),
            "application/octet-stream",
            config,
        )
        .await?;
        self.ask(
            "PUT",
            &format!("{manifests}/{tag}"),
            MANIFEST,
            manifest.to_string(),
        )
        .await?;
        Ok(format!("{NAME}/{REPOSITORY}:{tag}"))
    }

    /// Makes a tag under which the panel is offered for one processor alone.
    pub(crate) async fn only_for(&self, tag: &str, architecture: &str) -> Result<String> {
        const INDEX: &str = "application/vnd.oci.image.index.v1+json";
        let manifests = format!("/v2/{REPOSITORY}/manifests");
        let held = self
            .ask("GET", &format!("{manifests}/base"), "", String::new())
            .await?;
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{
            "mediaType": MANIFEST, "digest": held.header("docker-content-digest"), "size": held.body.len(),
            "platform": {"architecture": architecture, "os": "linux"},
        }]});
        self.ask("PUT", &format!("{manifests}/{tag}"), INDEX, index.to_string())
            .await?;
        Ok(format!("{NAME}/{REPOSITORY}:{tag}"))
    }

    /// Deletes a tag's manifest in the registry.
    pub(crate) async fn delete(&self, tag: &str) -> Result {
        let path = format!("/v2/{REPOSITORY}/manifests");
        let held = self
            .ask("GET", &format!("{path}/{tag}"), "", String::new())
            .await?;
        let digest = held.header("docker-content-digest").to_owned();
        self.ask("DELETE", &format!("{path}/{digest}"), "", String::new())
            .await?;
        Ok(())
    }

    /// The node forgets an image.
    pub(crate) fn forget(&self, reference: &str) -> Result {
        run(self.ctr().args(["images", "remove", "--sync", reference]))?;
        Ok(())
    }

    /// A host name leads the node's container runtime to a URL, such as `http://127.0.0.1:5000`.
    pub(crate) fn lead(&self, host: &str, url: &str) -> Result {
        let folder = self.hosts.join(host);
        std::fs::create_dir_all(&folder)?;
        let text =
            format!("server = \"{url}\"\n[host.\"{url}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
        std::fs::write(folder.join("hosts.toml"), text)?;
        Ok(())
    }

    /// A host name leads to the real registry.
    pub(crate) fn lead_home(&self, host: &str) -> Result {
        self.lead(host, &format!("http://{}", self.address))
    }

    /// Starts one that answers so to everything.
    pub(crate) async fn impostor(
        &self,
        status: u16,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Impostor> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let mut kept = HeaderMap::new();
        for (name, value) in headers {
            kept.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        }
        let status = StatusCode::from_u16(status)?;
        let body = body.to_owned();
        let routes = Router::new().fallback(move || {
            let answer = (status, kept.clone(), body.clone()).into_response();
            async move { answer }
        });
        let task = tokio::spawn(async move {
            // It ends with the case.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Impostor { port, task })
    }
}
