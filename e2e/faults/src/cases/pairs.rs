//! Two faults at once that have nothing to do with each other. The one that blocks is to be named first, else the one that
//! began earlier; one that lies behind the other in a chain need not be named.

use serde_json::json;
use wazo_simulated_core::{Daemon, Presented};

use super::cluster::{dead_webhook, quota_used_up};
use super::core::{down, password_changed, presents, refuses, rights_taken, stack_replaced};
use super::helpers::{healthz, misbehaves, object, spec, version};
use super::path::closed;
use super::route::{Served, behind_it, gateway_deleted, name, own_gateway, serves};
use crate::case::{Act, Case};
use crate::firewall::Fate;

const PARTNER: &[&str] = &["Partner"];
const CONFIG: &[&str] = &["Config"];
const CLUSTER: &[&str] = &["Cluster"];
const PLATFORM: &[&str] = &["Cluster", "Config"];
const CORE: &[&str] = &["Core"];

fn missing_image() -> Act {
    spec(json!({"workload": {"image": "registry.wazo.test/panel:9.9.7"}}))
}

fn bad_selector() -> Act {
    spec(json!({"workload": {"podTemplate": {"spec": {"nodeSelector": {"disk": "ssd"}}}}}))
}

fn missing_secret() -> Act {
    spec(json!({"workload": {"env": [
        {"name": "EXTRA", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "token"}}}]}}))
}

fn exits() -> Act {
    version("exits", json!({"crash": {"exitCode": 3}}))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = across();
    cases.extend(from_the_start());
    cases.extend(behind());
    cases
}

/// One of the plugin's chain, one of the core's: both are to be named.
fn across() -> Vec<Case> {
    let pair = |name, first, second| Case::pair(name, first, second).window(40);
    vec![
        pair(
            "cors-gone+confd-down",
            misbehaves(json!({"noCors": true})),
            down(Daemon::Confd),
        )
        .truth(PARTNER, &["Manifest"], &[])
        .truth(CORE, &[], &[]),
        pair(
            "next-version-crashes+right-taken",
            exits(),
            rights_taken("confd.external.apps.read"),
        )
        .truth(PARTNER, &["Container"], &[])
        .truth(CONFIG, &["CoreAuth"], &[]),
        pair("missing-image+core-refuses", missing_image(), refuses())
            .truth(CONFIG, &["Image"], &[])
            .truth(CORE, &[], &[]),
        pair("bad-selector+confd-down", bad_selector(), down(Daemon::Confd))
            .truth(CONFIG, &["Scheduling"], &[])
            .truth(CORE, &[], &[]),
        pair("missing-secret+core-refuses", missing_secret(), refuses())
            .truth(CONFIG, &["References"], &[])
            .truth(CORE, &[], &[]),
        pair("quota-used-up+auth-down", quota_used_up(), down(Daemon::Auth))
            .truth(CLUSTER, &["Quota"], &[])
            .truth(CORE, &[], &[]),
        pair(
            "manifest-html+right-taken",
            misbehaves(json!({"manifest": "NotJson"})),
            rights_taken("confd.external.apps.read"),
        )
        .base(healthz())
        .truth(PARTNER, &["Manifest"], &[])
        .truth(CONFIG, &["CoreAuth"], &[])
        .either_first(),
        pair(
            "framing-denied+password-changed",
            misbehaves(json!({"frameOptionsDeny": true})),
            password_changed(),
        )
        .truth(PARTNER, &["Manifest"], &[])
        .truth(CONFIG, &["CoreAuth"], &[])
        .either_first()
        .clear_within(400),
        pair(
            "manifest-html+stack-replaced",
            misbehaves(json!({"manifest": "NotJson"})),
            stack_replaced(),
        )
        .base(healthz())
        .truth(PARTNER, &["Manifest"], &[])
        .truth(CONFIG, &["CoreTransport"], &[])
        .either_first(),
        pair(
            "certificate-expires+core-refuses",
            serves(Served::Expired),
            refuses(),
        )
        .prepared(own_gateway())
        .base(behind_it())
        .truth(CLUSTER, &["Certificate"], &[])
        .truth(CORE, &[], &[]),
        pair("gateway-deleted+core-refuses", gateway_deleted(), refuses())
            .prepared(own_gateway())
            .base(behind_it())
            .truth(PLATFORM, &["Route"], &[])
            .truth(CORE, &[], &[]),
        pair(
            "host-name-disappears+confd-down",
            name(|stage, host| stage.ground.dns.unknown(host)),
            down(Daemon::Confd),
        )
        .prepared(own_gateway())
        .base(behind_it())
        .truth(PLATFORM, &["DNS"], &[])
        .truth(CORE, &[], &[]),
        pair(
            "cors-gone+way-to-the-core-closed",
            misbehaves(json!({"noCors": true})),
            closed(Fate::Dropped),
        )
        .truth(PARTNER, &["Manifest"], &[])
        .truth(&["Path"], &[], &[])
        .window(50),
        pair(
            "webhook-dead+core-certificate-expired",
            super::helpers::then_delete_pods(dead_webhook()),
            presents(Presented::Expired),
        )
        .truth(CLUSTER, &["Admission"], &[])
        .truth(CORE, &["CoreTransport"], &[]),
    ]
}

/// Nothing worked before: both block.
fn from_the_start() -> Vec<Case> {
    let pair = |name, first, second| {
        Case::pair(name, first, second)
            .with_first_contact()
            .either_first()
            .window(25)
    };
    let quota = object(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}},
    }));
    vec![
        pair(
            "crash-at-start+password-wrong",
            exits(),
            super::helpers::core_account_secret("not-the-password"),
        )
        .truth(PARTNER, &["Container"], &[])
        .truth(CONFIG, &["CoreAuth"], &[]),
        pair("missing-image+core-refuses-first", missing_image(), refuses())
            .truth(CONFIG, &["Image"], &[])
            .truth(CORE, &[], &[]),
        pair("quota+confd-down-first", quota, down(Daemon::Confd))
            .truth(CLUSTER, &["Quota"], &[])
            .truth(CORE, &[], &[]),
        pair(
            "no-listener+auth-down-first",
            spec(json!({"expose": {"host": "crm.elsewhere.example"}})),
            down(Daemon::Auth),
        )
        .truth(CONFIG, &["Route"], &[])
        .truth(CORE, &[], &[]),
        pair(
            "invalid-manifest+confd-down-first",
            version("no-version", json!({"manifest": {"Without": "version"}})),
            down(Daemon::Confd),
        )
        .truth(PARTNER, &["Manifest"], &[])
        .truth(CORE, &[], &[]),
        pair(
            "missing-image+credentials-missing-first",
            missing_image(),
            super::helpers::deleted("v1", "Secret", "main", |stage| {
                Box::pin(async move { stage.credentials().await })
            }),
        )
        .truth(CONFIG, &["Image"], &[])
        .truth(CONFIG, &["References"], &[]),
    ]
}

/// Two of one chain: the second cannot be seen behind the first.
fn behind() -> Vec<Case> {
    let pair = |name, first, second| Case::pair(name, first, second).masked().window(40);
    let unhealthy = || misbehaves(json!({"status": {"code": 503, "on": "Health"}}));
    vec![
        pair("bad-selector>missing-image", bad_selector(), missing_image())
            .truth(CONFIG, &["Scheduling"], &[])
            .truth(CONFIG, &["Image"], &[]),
        pair("quota>missing-image", quota_used_up(), missing_image())
            .truth(CLUSTER, &["Quota"], &[])
            .truth(CONFIG, &["Image"], &[]),
        pair(
            "certificate-expires>name-disappears",
            serves(Served::Expired),
            name(|stage, host| stage.ground.dns.unknown(host)),
        )
        .prepared(own_gateway())
        .base(behind_it())
        .truth(PLATFORM, &["DNS"], &[])
        .truth(CLUSTER, &["Certificate"], &[]),
        pair(
            "unhealthy>cors-gone",
            unhealthy(),
            misbehaves(json!({"noCors": true, "status": {"code": 503, "on": "Health"}})),
        )
        .base(healthz())
        .truth(PARTNER, &["Probe"], &[])
        .truth(PARTNER, &["Manifest"], &[]),
        pair(
            "cors-gone=framing-denied",
            misbehaves(json!({"noCors": true})),
            misbehaves(json!({"noCors": true, "frameOptionsDeny": true})),
        )
        .truth(PARTNER, &["Manifest"], &["CorsMissing", "FramingForbidden"])
        .truth(PARTNER, &["Manifest"], &[]),
        pair(
            "core-refuses>right-taken",
            refuses(),
            rights_taken("confd.external.apps.read"),
        )
        .truth(CORE, &["CoreTransport"], &[])
        .truth(CONFIG, &["CoreAuth"], &[]),
        pair("auth-down>confd-down", down(Daemon::Auth), down(Daemon::Confd))
            .truth(CORE, &[], &[])
            .truth(CORE, &[], &[]),
        pair(
            "missing-secret>command-wrong",
            missing_secret(),
            spec(json!({"workload": {"command": ["/nowhere"]}})),
        )
        .truth(CONFIG, &["References"], &[])
        .truth(CONFIG, &["Container"], &[]),
    ]
}
