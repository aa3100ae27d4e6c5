//! The plugins of the scenarios.

use serde_json::{Value, json};
use wazo_e2e::objects::CORE;

/// The image of plugins.
pub const IMAGE: &str = "registry.wazo.test/panel:1.0.0";
/// Its next version.
pub const NEXT_IMAGE: &str = "registry.wazo.test/panel:1.1.0";
/// The listener of the gateway with the certificate for `*.plugins.test`.
const LISTENER: &str = "https";

/// The environment of a panel of a version that behaves well.
#[must_use]
pub fn environment(name: &str, version: &str) -> Value {
    json!([{"name": "PANEL_NAME", "value": name}, {"name": "PANEL_VERSION", "value": version}])
}

/// The environment of a panel with a switch of `panel::Misbehave`.
#[must_use]
pub fn misbehaving(name: &str, misbehave: &Value) -> Value {
    let mut environment = environment(name, "1.0.0");
    if let Some(list) = environment.as_array_mut() {
        list.push(json!({"name": "PANEL_MISBEHAVE", "value": misbehave.to_string()}));
    }
    environment
}

/// The part of a spec that says where a plugin is reached.
#[must_use]
pub fn expose(host: &str, listener: &str) -> Value {
    json!({"host": host, "gateway": {"name": "public", "namespace": "gateways", "sectionName": listener}})
}

/// A plugin with one entry for `App`.
#[must_use]
pub fn plugin(name: &str, host: &str) -> Value {
    json!({
        "apiVersion": "plugins.wazo.io/v1alpha1", "kind": "WazoPlugin", "metadata": {"name": name},
        "spec": {
            "coreRef": {"name": CORE},
            "workload": {"image": IMAGE, "port": 8080, "env": environment(name, "1.0.0")},
            "expose": expose(host, LISTENER),
            "registrations": {"ui": [{"name": "panel", "product": "App", "manifest": "/manifest.json"}]},
        },
    })
}
