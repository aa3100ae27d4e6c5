//! The objects that tests apply, and how tests read what the operator says of them: as a user would, by field.

use serde_json::{Value, json};
use wazo_simulated_core::SimulatedCore;

/// The children of a plugin with a workload behind a Gateway: `apiVersion` and `kind`.
pub const CHILDREN: [(&str, &str); 5] = [
    ("v1", "ServiceAccount"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
];
/// The name of the WazoCore of a test.
pub const CORE: &str = "main";
/// The name of the Gateway of a test.
pub const GATEWAY: &str = "public";
/// The image of plugins.
pub const IMAGE: &str = "registry.test/panel:1.0.0";

/// The public host of a plugin.
#[must_use]
pub fn host(plugin: &str) -> String {
    format!("{plugin}.plugins.test")
}

/// The URL of a plugin's manifest: what stands in the core when it is registered.
#[must_use]
pub fn manifest_url(plugin: &str) -> String {
    format!("https://{}/manifest.json", host(plugin))
}

/// The Secret of the core's account.
#[must_use]
pub fn credentials(username: &str, password: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": CORE},
        "type": "plugins.wazo.io/core-credentials",
        "stringData": {"username": username, "password": password},
    })
}

/// The ConfigMap with the core's certificate authority.
#[must_use]
pub fn authority(pem: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CORE}, "data": {"ca.crt": pem}})
}

/// A WazoCore at a URL.
#[must_use]
pub fn core_at(url: &str) -> Value {
    json!({
        "apiVersion": "plugins.wazo.io/v1alpha1", "kind": "WazoCore", "metadata": {"name": CORE},
        "spec": {
            "url": url, "caBundle": {"configMapName": CORE}, "credentials": {"secretName": CORE},
            "requestsPerSecond": 1000,
        },
    })
}

/// All that a WazoCore needs, in the order in which it is to be applied.
#[must_use]
pub fn core(core: &SimulatedCore) -> [Value; 3] {
    let (username, password) = core.account();
    [
        credentials(username, password),
        authority(core.ca_pem()),
        core_at(&core.url()),
    ]
}

/// The Gateway of a test.
#[must_use]
pub fn gateway() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": GATEWAY},
        "spec": {"gatewayClassName": "simulated", "listeners": [{
            "name": "https", "port": 443, "protocol": "HTTPS",
            "tls": {"mode": "Terminate", "certificateRefs": [{"name": "public"}]},
        }]},
    })
}

/// A plugin with one entry for `App`.
#[must_use]
pub fn plugin(name: &str) -> Value {
    json!({
        "apiVersion": "plugins.wazo.io/v1alpha1", "kind": "WazoPlugin", "metadata": {"name": name},
        "spec": {
            "coreRef": {"name": CORE},
            "workload": {"image": IMAGE, "port": 8080},
            "expose": {"host": host(name), "gateway": {"name": GATEWAY, "sectionName": "https"}},
            "registrations": {"ui": [{"name": "panel", "product": "App", "manifest": "/manifest.json"}]},
        },
    })
}

/// An object as it was read.
#[derive(Clone, Debug)]
pub struct Seen(pub Value);

impl Seen {
    /// A condition.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Value> {
        self.0["status"]["conditions"]
            .as_array()?
            .iter()
            .find(|condition| condition["type"] == kind)
    }

    /// The status of a condition: `True`, `False`, `Unknown`, or nothing where it is absent.
    #[must_use]
    pub fn truth(&self, kind: &str) -> &str {
        self.text_of(kind, "status")
    }

    /// The reason of a condition.
    #[must_use]
    pub fn reason(&self, kind: &str) -> &str {
        self.text_of(kind, "reason")
    }

    /// The message of a condition.
    #[must_use]
    pub fn message(&self, kind: &str) -> &str {
        self.text_of(kind, "message")
    }

    fn text_of(&self, kind: &str, field: &str) -> &str {
        self.condition(kind)
            .and_then(|condition| condition[field].as_str())
            .unwrap_or_default()
    }

    /// Whether the status speaks of the spec as it is.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.0["status"]["observedGeneration"] == self.0["metadata"]["generation"]
    }

    /// Whether it is Ready, as `kubectl wait` sees it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_observed() && self.truth("Ready") == "True"
    }

    /// A field of `status.fault` as text; empty where there is no fault.
    #[must_use]
    pub fn fault(&self, field: &str) -> &str {
        self.0["status"]["fault"][field].as_str().unwrap_or_default()
    }

    /// Whether there is a fault, and it is this one.
    #[must_use]
    pub fn is_fault(&self, party: &str, reason: &str) -> bool {
        self.fault("party") == party && self.fault("reason") == reason
    }

    /// Whether there is a fault.
    #[must_use]
    pub fn has_fault(&self) -> bool {
        !self.0["status"]["fault"].is_null()
    }

    /// Whether the fault is blocking.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.0["status"]["fault"]["blocking"] == true
    }

    /// The finalizers.
    #[must_use]
    pub fn finalizers(&self) -> Vec<&str> {
        self.0["metadata"]["finalizers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}
