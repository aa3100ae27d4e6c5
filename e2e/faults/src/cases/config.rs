//! The manifests: the WazoPlugin and what it refers to.

use serde_json::{Value, json};

use super::helpers::{core_account_secret, deleted, healthz, object, spec, spec_base, version};
use crate::case::{Act, Case, Signal, step};
use crate::certificates;

const GROUP: &str = "config";
const CONFIG: &[&str] = &["Config"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = workload();
    cases.extend(references());
    cases.extend(scheduling());
    cases.extend(exposure());
    cases.extend(core());
    cases
}

fn workload() -> Vec<Case> {
    let image = |name: &str| spec(json!({"workload": {"image": name}}));
    let bad_probe = json!({"name": "plugin", "livenessProbe": {
        "httpGet": {"path": "/nowhere", "port": 8080}, "periodSeconds": 1, "failureThreshold": 2}});
    vec![
        Case::first("image-not-found", GROUP, image("registry.wazo.test/panel:9.9.9"))
            .truth(CONFIG, &["Image"], &["ImageNotFound"])
            .signal(Signal::Object("Pod", "not found"))
            .decisive(),
        Case::later(
            "edited-to-a-missing-image",
            GROUP,
            image("registry.wazo.test/panel:9.9.8"),
        )
        .truth(CONFIG, &["Image"], &["ImageNotFound"])
        .signal(Signal::Object("Pod", "not found"))
        .decisive(),
        Case::first(
            "image-name-is-none",
            GROUP,
            image("registry.wazo.test/Panel:1.0.0"),
        )
        .truth(CONFIG, &["Spec", "Image"], &["InvalidImageName", "InvalidSpec"])
        .signal(Signal::Object("Pod", "InvalidImageName"))
        .decisive(),
        Case::first(
            "command-not-in-the-image",
            GROUP,
            spec(json!({"workload": {"command": ["/nowhere"]}})),
        )
        .truth(CONFIG, &["Container"], &["CommandNotStarted"])
        .signal(Signal::Object("Pod", "StartError"))
        .decisive(),
        Case::first(
            "command-that-ends",
            GROUP,
            spec(json!({"workload": {"command": ["/panel", "--help"]}})),
        )
        .truth(CONFIG, &["Container"], &["ProcessCompleted"])
        .signal(Signal::Object("Pod", "\"reason\":\"Completed\""))
        .outside(),
        Case::later(
            "argument-that-is-refused",
            GROUP,
            spec(json!({"workload": {"args": ["--nowhere"]}})),
        )
        .truth(CONFIG, &["Container"], &[])
        .signal(Signal::Object("Pod", "\"exitCode\":2"))
        .outside(),
        Case::later(
            "port-edited-wrong",
            GROUP,
            spec(json!({"workload": {"port": 9999}})),
        )
        .truth(CONFIG, &["Probe"], &["NotListening"])
        .signal(Signal::Object("Event", "connection refused"))
        .window(40),
        Case::first(
            "port-wrong-from-the-start",
            GROUP,
            spec(json!({"workload": {"port": 9999}})),
        )
        .truth(CONFIG, &["Probe"], &["NotListening"])
        .window(40),
        Case::later(
            "health-path-edited-wrong",
            GROUP,
            spec(json!({"workload": {"readiness": {"path": "/nowhere"}}})),
        )
        .truth(CONFIG, &["Probe"], &[])
        .signal(Signal::Object("Event", "statuscode: 404"))
        .outside()
        .window(40),
        Case::later(
            "memory-limit-edited-too-small",
            GROUP,
            spec(json!({"workload": {"resources": {"limits": {"memory": "24Mi"}}}})),
        )
        .base(needs_memory())
        .truth(CONFIG, &["Container"], &["OutOfMemory"])
        .signal(Signal::Object("Pod", "OOMKilled"))
        .window(20),
        Case::first(
            "memory-limit-too-small",
            GROUP,
            spec(json!({"workload": {"resources": {"limits": {"memory": "24Mi"}}}})),
        )
        .base(needs_memory())
        .truth(CONFIG, &["Container"], &["OutOfMemory"])
        .signal(Signal::Object("Pod", "OOMKilled"))
        .window(20),
        Case::later(
            "liveness-probe-of-a-wrong-path",
            GROUP,
            spec(json!({"workload": {"podTemplate": {"spec": {"containers": [bad_probe]}}}})),
        )
        .truth(CONFIG, &[], &[])
        .outside()
        .window(30),
        Case::first(
            "privileged-pod-template",
            GROUP,
            spec(json!({"workload": {"podTemplate": {"spec": {"hostNetwork": true}}}})),
        )
        .truth(CONFIG, &["Spec"], &["InvalidSpec"])
        .outside()
        .decisive(),
    ]
}

/// A version that needs 48 MiB, as it always did.
pub(super) fn needs_memory() -> crate::case::PatchStep {
    version("needs-memory", json!({"eatMiB": 48}))
        .patch
        .unwrap_or_else(|| spec_base(json!({})))
}

fn volume(source: Value) -> Value {
    json!({"workload": {"podTemplate": {"spec": {
        "volumes": [{"name": "extra", "configMap": source}],
        "containers": [{"name": "plugin", "volumeMounts": [{"name": "extra", "mountPath": "/extra"}]}],
    }}}})
}

fn from_secret(name: &str, key: &str) -> Value {
    json!({"workload": {"env": [{"name": "EXTRA", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]}})
}

fn references() -> Vec<Case> {
    let secret = || {
        object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "extra"}, "stringData": {"token": "x"}}),
        )
    };
    let settings = || {
        object(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a.ini": "x"}}),
        )
    };
    let gone = Act::doing(
        step(|stage| {
            Box::pin(async move {
                stage.delete("v1", "Secret", "extra").await?;
                stage.delete_pods().await
            })
        }),
        secret()
            .inject
            .unwrap_or_else(|| step(|_| Box::pin(async { Ok(()) }))),
    );
    let prepared = |act: Act| act.inject.unwrap_or_else(|| step(|_| Box::pin(async { Ok(()) })));
    vec![
        Case::first(
            "secret-of-environment-missing",
            GROUP,
            spec(from_secret("absent", "token")),
        )
        .truth(CONFIG, &["References"], &["ReferenceMissing"])
        .signal(Signal::Object("Pod", "CreateContainerConfigError"))
        .decisive(),
        Case::first(
            "key-of-secret-missing",
            GROUP,
            spec(from_secret("extra", "absent")),
        )
        .prepared(prepared(secret()))
        .truth(CONFIG, &["References"], &["ReferenceMissing"])
        .signal(Signal::Object("Pod", "CreateContainerConfigError"))
        .decisive(),
        Case::later("secret-deleted-after-the-start", GROUP, gone)
            .prepared(prepared(secret()))
            .base(spec_base(from_secret("extra", "token")))
            .truth(CONFIG, &["References"], &["ReferenceMissing"])
            .signal(Signal::Object("Pod", "CreateContainerConfigError"))
            .outside()
            .decisive(),
        Case::first(
            "configmap-of-volume-missing",
            GROUP,
            spec(volume(json!({"name": "absent"}))),
        )
        .truth(CONFIG, &["References", "Volume"], &["ReferenceMissing"])
        .signal(Signal::Object("Event", "FailedMount")),
        Case::first(
            "key-of-configmap-volume-missing",
            GROUP,
            spec(volume(
                json!({"name": "settings", "items": [{"key": "b.ini", "path": "b.ini"}]}),
            )),
        )
        .prepared(prepared(settings()))
        .truth(CONFIG, &["References", "Volume"], &["ReferenceMissing"])
        .signal(Signal::Object("Event", "FailedMount"))
        .outside(),
        Case::first(
            "service-account-missing",
            GROUP,
            spec(json!({"workload": {"serviceAccountName": "absent"}})),
        )
        .truth(CONFIG, &["References", "Admission"], &[])
        .signal(Signal::Object("ReplicaSet", "serviceaccount"))
        .outside(),
        Case::first(
            "volume-claim-missing",
            GROUP,
            spec(json!({"workload": {"podTemplate": {"spec": {
                "volumes": [{"name": "extra", "persistentVolumeClaim": {"claimName": "absent"}}],
            }}}})),
        )
        .truth(CONFIG, &["References", "Volume", "Scheduling"], &[])
        .signal(Signal::Object("Pod", "persistentvolumeclaim"))
        .outside(),
    ]
}

fn scheduling() -> Vec<Case> {
    let selector = json!({"workload": {"podTemplate": {"spec": {"nodeSelector": {"disk": "ssd"}}}}});
    let large = json!({"workload": {"resources": {"requests": {"cpu": "512"}}}});
    vec![
        Case::first("node-selector-matches-none", GROUP, spec(selector.clone()))
            .truth(CONFIG, &["Scheduling"], &["NoNodeMatches"])
            .signal(Signal::Object("Pod", "Unschedulable"))
            .decisive(),
        Case::later("node-selector-edited-wrong", GROUP, spec(selector))
            .truth(CONFIG, &["Scheduling"], &["NoNodeMatches"])
            .signal(Signal::Object("Pod", "Unschedulable"))
            .decisive(),
        Case::first("request-larger-than-any-node", GROUP, spec(large))
            .truth(CONFIG, &["Scheduling"], &["RequestTooLarge"])
            .signal(Signal::Object("Pod", "Unschedulable"))
            .decisive(),
    ]
}

fn exposure() -> Vec<Case> {
    let manifest = || {
        spec(json!({"registrations": {"ui": [
        {"name": "panel", "product": "App", "manifest": "/nowhere.json"}]}}))
    };
    vec![
        Case::first("host-of-no-listener", GROUP, spec(json!({"expose": {"host": "crm.elsewhere.example"}})))
            .truth(CONFIG, &["Route"], &["RouteNotAccepted"])
            .signal(Signal::Object("HTTPRoute", "NoMatchingListenerHostname"))
            .decisive(),
        Case::later("host-edited-to-no-listener", GROUP, spec(json!({"expose": {"host": "crm.elsewhere.example"}})))
            .truth(CONFIG, &["Route", "DNS"], &["RouteNotAccepted", "HostNotResolving"])
            .signal(Signal::Object("HTTPRoute", "NoMatchingListenerHostname"))
            .decisive(),
        Case::first("gateway-does-not-exist", GROUP, spec(json!({"expose": {"gateway": {"name": "absent"}}})))
            .truth(CONFIG, &["Route"], &["GatewayNotFound"])
            .decisive(),
        Case::first("section-does-not-exist", GROUP, spec(json!({"expose": {"gateway": {"sectionName": "absent"}}})))
            .truth(CONFIG, &["Route"], &["RouteNotAccepted"])
            .decisive(),
        Case::first(
            "host-does-not-resolve",
            GROUP,
            spec(json!({"expose": {"host": "crm.nowhere.example", "gateway": {"sectionName": "http"}}})),
        )
        .truth(CONFIG, &["DNS"], &["HostNotResolving"])
        .signal(Signal::Look)
        .window(20),
        Case::first("manifest-path-wrong-from-the-start", GROUP, manifest())
            .base(healthz())
            .truth(CONFIG, &["Manifest"], &["ManifestNotFound"])
            .window(20),
        Case::later("manifest-path-edited-wrong", GROUP, manifest())
            .base(healthz())
            .truth(CONFIG, &["Manifest"], &["ManifestNotFound"])
            .outside()
            .window(35),
        Case::first(
            "registration-not-granted",
            GROUP,
            spec(json!({"registrations": {"account": {"acl": ["confd.users.read"]}}})),
        )
        .truth(CONFIG, &["References", "Registration"], &["NotGranted", "AclNotGranted"])
        .decisive(),
        Case::first(
            "tenant-that-is-none",
            GROUP,
            spec(json!({"tenants": {"from": "List", "list": [{"uuid": "11111111-2222-4333-8444-555555555555"}]}})),
        )
        .truth(CONFIG, &["References", "Registration"], &["NotGranted", "TenantNotFound"])
        .outside(),
        Case::first(
            "core-that-is-none",
            GROUP,
            deleted("plugins.wazo.io/v1alpha1", "WazoCore", "main", |stage| {
                Box::pin(async move { stage.apply(&stage.wazo_core()).await })
            }),
        )
        .truth(CONFIG, &["References"], &["CoreNotFound"])
        .decisive(),
    ]
}

fn core() -> Vec<Case> {
    let wrong_authority = |text: fn() -> crate::trouble::Result<String>| {
        Act::doing(
            step(move |stage| {
                Box::pin(async move { stage.apply(&wazo_e2e::objects::authority(&text()?)).await })
            }),
            step(|stage| Box::pin(async move { stage.authority().await })),
        )
    };
    vec![
        Case::later(
            "password-edited-wrong",
            GROUP,
            core_account_secret("not-the-password"),
        )
        .truth(CONFIG, &["CoreAuth"], &["CoreCredentialsRejected"])
        .signal(Signal::Core)
        .window(30)
        .decisive(),
        Case::first(
            "password-wrong-from-the-start",
            GROUP,
            core_account_secret("not-the-password"),
        )
        .truth(CONFIG, &["CoreAuth"], &["CoreCredentialsRejected"])
        .window(15)
        .decisive(),
        Case::later(
            "credentials-deleted",
            GROUP,
            deleted("v1", "Secret", "main", |stage| {
                Box::pin(async move { stage.credentials().await })
            }),
        )
        .truth(CONFIG, &["References"], &["CredentialsMissing"])
        .decisive(),
        Case::later(
            "authority-of-another-core",
            GROUP,
            wrong_authority(|| Ok(certificates::authority()?.certificate)),
        )
        .truth(
            CONFIG,
            &["References", "CoreTransport"],
            &["CaBundleMissing", "CaBundleInvalid"],
        )
        .window(30)
        .outside(),
        Case::later(
            "authority-that-is-no-certificate",
            GROUP,
            wrong_authority(|| Ok("not a certificate".to_owned())),
        )
        .truth(CONFIG, &["References"], &["CaBundleInvalid"])
        .outside()
        .decisive(),
    ]
}
