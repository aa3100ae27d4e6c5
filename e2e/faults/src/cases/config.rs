//! The manifests: the WazoPlugin and what it refers to.

use serde_json::json;

use super::helpers::spec;
use crate::case::{Case, Signal};

const GROUP: &str = "config";
const CONFIG: &[&str] = &["Config"];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::first(
            "image-not-found",
            GROUP,
            spec(json!({"workload": {"image": "registry.wazo.test/panel:9.9.9"}})),
        )
        .truth(CONFIG, &["Image"], &["ImageNotFound"])
        .signal(Signal::Object("Pod", "not found"))
        .decisive(),
        Case::first(
            "node-selector-matches-none",
            GROUP,
            spec(json!({"workload": {"podTemplate": {"spec": {"nodeSelector": {"disk": "ssd"}}}}})),
        )
        .truth(CONFIG, &["Scheduling"], &["Unschedulable"])
        .signal(Signal::Object("Pod", "Unschedulable"))
        .decisive(),
        Case::first(
            "host-of-no-listener",
            GROUP,
            spec(json!({"expose": {"host": "crm.elsewhere.example"}})),
        )
        .truth(CONFIG, &["Route"], &["RouteNotAccepted"])
        .signal(Signal::Object("HTTPRoute", "NoMatchingListenerHostname"))
        .decisive(),
    ]
}
