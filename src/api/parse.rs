//! What the schema cannot say is checked here, once per pass: the CRD may be older than the binary, too.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

use url::Url;

use super::account::Account;
use super::duration;
use super::plugin::{UiRegistration, WazoPluginSpec, Workload};
use super::pod_template;
use super::url_path;
use super::workload::check_workload;

/// A value that is not usable, by the path of its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{path}: {problem}")]
pub struct Invalid {
    /// The path of the field, beginning with `spec` or `metadata`.
    pub path: String,
    /// What is wrong with it and what to write instead.
    pub problem: String,
}

impl Invalid {
    /// A field with what is wrong there.
    #[must_use]
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

impl From<super::object::Undecodable> for Invalid {
    fn from(error: super::object::Undecodable) -> Self {
        Self::new(error.path, error.problem)
    }
}

/// A plugin whose every field is usable.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "WazoPluginSpec", try_from = "WazoPluginSpec")]
pub struct Plugin {
    /// The spec as written.
    pub spec: WazoPluginSpec,
    /// The public address, where it is exposed.
    pub url: Option<Url>,
    /// The UI registrations with the public URL of their manifest.
    pub ui: Vec<UiEntry>,
    /// How long a rollout may take, where the spec says so.
    pub deadline: Option<Duration>,
    /// `spec.workload.podTemplate`, decoded and checked.
    pub pod_template: Option<serde_json::Value>,
    /// The account in the core, where one is asked for.
    pub account: Option<Account>,
}

/// A UI registration with its public URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiEntry {
    /// As written.
    pub entry: UiRegistration,
    /// Where browsers load the manifest from: what stands in the core.
    pub manifest_url: Url,
}

impl From<Plugin> for WazoPluginSpec {
    fn from(plugin: Plugin) -> Self {
        plugin.spec
    }
}

impl TryFrom<WazoPluginSpec> for Plugin {
    type Error = Invalid;

    fn try_from(spec: WazoPluginSpec) -> Result<Self, Invalid> {
        Self::parse(spec)
    }
}

impl Plugin {
    /// Checks what the schema cannot say, and derives the URLs.
    ///
    /// # Errors
    /// The first field that is not usable.
    pub fn parse(spec: WazoPluginSpec) -> Result<Self, Invalid> {
        check_source(&spec)?;
        let pod_template = match &spec.workload {
            Some(workload) => pod_template::check(workload)?,
            None => None,
        };
        if let Some(expose) = &spec.expose
            && !is_host(&expose.host)
        {
            return Err(Invalid::new(
                "spec.expose.host",
                "must be a DNS name in lower case, as in crm.acme.example",
            ));
        }
        if let Some(path) = spec.expose.as_ref().and_then(|expose| expose.path.as_deref()) {
            url_path::check(path).map_err(|problem| Invalid::new("spec.expose.path", problem))?;
        }
        let deadline = spec
            .rollout
            .as_ref()
            .and_then(|rollout| rollout.deadline.as_deref())
            .map(|text| duration::field("spec.rollout.deadline", text, &duration::DEADLINE))
            .transpose()?;
        if let Some(expose) = &spec.expose {
            super::expose::check(expose)?;
        }
        let url = match &spec.expose {
            None => spec
                .url
                .as_deref()
                .map(|url| public_url("spec.url", url))
                .transpose()?,
            Some(expose) => Some(match &expose.url {
                Some(url) => public_url("spec.expose.url", url)?,
                None => public_url(
                    "spec.expose.host",
                    &format!("https://{}{}", expose.host, expose.path.as_deref().unwrap_or("/")),
                )?,
            }),
        };
        let mut ui = Vec::with_capacity(spec.ui().len());
        for (index, entry) in spec.ui().iter().enumerate() {
            let Some(base) = &url else {
                return Err(Invalid::new(
                    "spec.expose",
                    "is needed for registrations.ui: name host and gateway",
                ));
            };
            let path = format!("spec.registrations.ui[{index}].manifest");
            let manifest_url = join(base, &entry.manifest).map_err(|problem| Invalid::new(&path, problem))?;
            if ui.iter().any(|other: &UiEntry| {
                other.manifest_url == manifest_url && other.entry.product == entry.product
            }) {
                return Err(Invalid::new(
                    path,
                    "another entry registers the same manifest for the same product",
                ));
            }
            ui.push(UiEntry {
                entry: entry.clone(),
                manifest_url,
            });
        }
        check_users(&spec)?;
        let account = spec.account().map(Account::parse).transpose()?;
        Ok(Self {
            spec,
            url,
            ui,
            deadline,
            pod_template,
            account,
        })
    }

    /// The pods that the operator is to make; `None`: somebody else runs the plugin.
    #[must_use]
    pub const fn workload(&self) -> Option<&Workload> {
        self.spec.workload.as_ref()
    }
}

impl Plugin {
    /// Whether the spec asks for no pod at all: nothing serves, and that is nobody's fault.
    #[must_use]
    pub fn is_scaled_to_zero(&self) -> bool {
        self.workload().is_some_and(|workload| workload.replicas == 0)
    }
}

/// The operator keeps in mind by name in whose applications a plugin stands, and there is room for so many.
fn check_users(spec: &WazoPluginSpec) -> Result<(), Invalid> {
    const MOST: usize = 100;
    let named = spec
        .ui()
        .iter()
        .filter_map(|entry| entry.audience.as_ref()?.users.as_ref());
    let users: BTreeSet<&str> = named.flatten().map(|user| user.uuid.as_str()).collect();
    if users.len() > MOST {
        let problem = format!(
            "the audiences name {} users: at most {MOST} in all are possible",
            users.len()
        );
        return Err(Invalid::new("spec.registrations.ui", problem));
    }
    Ok(())
}

fn check_source(spec: &WazoPluginSpec) -> Result<(), Invalid> {
    let sources = [
        spec.workload.is_some(),
        spec.service_ref.is_some(),
        spec.url.is_some(),
    ];
    if sources.into_iter().filter(|source| *source).count() != 1 {
        return Err(Invalid::new(
            "spec",
            "must have exactly one of workload, serviceRef and url: they say where the plugin runs",
        ));
    }
    spec.workload.as_ref().map_or(Ok(()), check_workload)
}

/// Checks the name of a WazoPlugin: its children bear it, and a Service's name is a DNS-1035 label.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let fits = name.len() <= 52 && name.starts_with(|c: char| c.is_ascii_lowercase()) && is_label(name);
    if fits {
        return Ok(());
    }
    let problem = "must be at most 52 lower case letters, digits and '-', starting with a letter";
    Err(Invalid::new("metadata.name", problem))
}

fn is_host(host: &str) -> bool {
    host.len() <= 253 && host.contains('.') && host.split('.').all(is_label)
}

/// A DNS label (RFC 1123).
fn is_label(label: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&label.len())
        && label.chars().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn public_url(path: &str, text: &str) -> Result<Url, Invalid> {
    url_path::check(url_path::of(text)).map_err(|problem| Invalid::new(path, problem))?;
    let url = Url::parse(text).map_err(|error| Invalid::new(path, format!("is not a URL: {error}")))?;
    if url.scheme() != "https" {
        return Err(Invalid::new(
            path,
            "must begin with https:// : browsers refuse to load a plugin otherwise",
        ));
    }
    if url
        .host_str()
        .is_none_or(|host| host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('['))
    {
        return Err(Invalid::new(path, "must name a host, not an address"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(Invalid::new(
            path,
            "must not hold credentials, a query or a fragment",
        ));
    }
    Ok(url)
}

/// The URL of `path` below `base`.
fn join(base: &Url, path: &str) -> Result<Url, String> {
    if path.contains(['{', '}', ',']) || path.contains(char::is_whitespace) {
        return Err("must not hold braces, commas or white space".to_owned());
    }
    url_path::check(path)?;
    let joined = format!(
        "{}/{}",
        base.as_str().trim_end_matches('/'),
        path.trim_start_matches('/')
    );
    Url::parse(&joined).map_err(|error| format!("does not make a URL: {error}"))
}

/// The tag of an image, where it has one: the plugin's version as long as no manifest tells it.
#[must_use]
pub fn image_tag(image: &str) -> Option<&str> {
    let without_digest = image.split('@').next().unwrap_or(image);
    let name = without_digest.rsplit('/').next().unwrap_or(without_digest);
    name.split_once(':').map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(expose: serde_json::Value, manifest: &str) -> Result<Plugin, Invalid> {
        let spec = serde_json::json!({
            "coreRef": {"name": "main"},
            "workload": {"image": "r.example/p:1.2", "port": 8080},
            "expose": expose,
            "registrations": {"ui": [{"name": "panel", "product": "App", "manifest": manifest}]},
        });
        Plugin::parse(serde_json::from_value(spec).unwrap())
    }

    fn exposed(extra: serde_json::Value) -> serde_json::Value {
        let mut expose = serde_json::json!({"host": "crm.example", "gateway": {"name": "public"}});
        expose
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        expose
    }

    #[test]
    fn the_manifest_path_joins_to_the_public_address() {
        for (extra, expected) in [
            (serde_json::json!({}), "https://crm.example/m.json"),
            (
                serde_json::json!({"path": "/crm/"}),
                "https://crm.example/crm/m.json",
            ),
            (
                serde_json::json!({"url": "https://other.example/x"}),
                "https://other.example/x/m.json",
            ),
        ] {
            assert_eq!(
                plugin(exposed(extra), "/m.json").unwrap().ui[0]
                    .manifest_url
                    .as_str(),
                expected
            );
        }
    }

    #[test]
    fn what_is_not_usable_is_named_by_its_field() {
        for (extra, manifest, path) in [
            (
                serde_json::json!({"url": "http://x.example"}),
                "/m.json",
                "spec.expose.url",
            ),
            (
                serde_json::json!({"url": "https://10.0.0.1"}),
                "/m.json",
                "spec.expose.url",
            ),
            (
                serde_json::json!({"url": "https://a:b@x.example"}),
                "/m.json",
                "spec.expose.url",
            ),
            (
                serde_json::json!({"url": "https://x.example/?q"}),
                "/m.json",
                "spec.expose.url",
            ),
            (
                serde_json::json!({}),
                "/../m.json",
                "spec.registrations.ui[0].manifest",
            ),
        ] {
            assert_eq!(plugin(exposed(extra), manifest).unwrap_err().path, path);
        }
    }

    #[test]
    fn a_host_or_a_name_that_dns_does_not_know_is_refused() {
        let host = |host: &str| plugin(exposed(serde_json::json!({"host": host})), "/m.json");
        for bad in ["CRM.example", "localhost", "a..b", "-a.example", "a_b.example"] {
            assert_eq!(host(bad).unwrap_err().path, "spec.expose.host", "{bad}");
        }
        assert!(check_name("crm-panel").is_ok());
        for bad in ["1crm", "Crm", "crm-", "", &"c".repeat(53)] {
            assert_eq!(check_name(bad).unwrap_err().path, "metadata.name", "{bad}");
        }
    }

    #[test]
    fn the_tag_of_an_image_is_not_the_port_of_its_registry() {
        assert_eq!(image_tag("registry.example:5000/a/b:1.4.2"), Some("1.4.2"));
        assert_eq!(image_tag("registry.example:5000/a/b"), None);
        assert_eq!(image_tag("a:1@sha256:00"), Some("1"));
    }
}
