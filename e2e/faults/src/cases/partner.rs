//! The plugin's author: the image, and what runs in it.

use std::time::Duration;

use serde_json::{Value, json};

use super::helpers::{healthz, image, misbehaves, misbehaves_again, spec_base, version};
use crate::case::{Act, Case, Signal, patch_step, step};

const GROUP: &str = "partner";
const PARTNER: &[&str] = &["Partner"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = process();
    cases.extend(health());
    cases.extend(manifest());
    cases.extend(browser());
    cases.extend(images());
    cases
}

fn process() -> Vec<Case> {
    let exits = || version("exits", json!({"crash": {"exitCode": 3}}));
    vec![
        Case::first("crash-at-start", GROUP, exits())
            .truth(PARTNER, &["Container"], &["ProcessExited"])
            .signal(Signal::Object("Pod", "\"exitCode\":3")),
        Case::later("next-version-crashes", GROUP, exits())
            .truth(PARTNER, &["Container"], &["ProcessExited"])
            .signal(Signal::Object("Pod", "\"exitCode\":3")),
        Case::first(
            "ends-without-error",
            GROUP,
            version("completes", json!({"crash": {"exitCode": 0}})),
        )
        .truth(PARTNER, &["Container"], &["ProcessCompleted"])
        .signal(Signal::Object("Pod", "\"reason\":\"Completed\""))
        .decisive(),
        Case::first(
            "leaves-a-child-and-ends",
            GROUP,
            version("forks", json!({"fork": true})),
        )
        .truth(PARTNER, &["Container"], &["ProcessCompleted"])
        .signal(Signal::Object("Pod", "\"reason\":\"Completed\""))
        .outside()
        .decisive(),
        Case::first(
            "aborts",
            GROUP,
            version("aborts", json!({"crash": {"abort": true}})),
        )
        .truth(PARTNER, &["Container"], &["ProcessCrashed"])
        .signal(Signal::Object("Pod", "\"terminated\":"))
        .decisive(),
        Case::later(
            "crashes-again-and-again",
            GROUP,
            misbehaves_again(json!({"crash": {"exitCode": 7}})),
        )
        .truth(PARTNER, &["Container"], &["ProcessExited"])
        .signal(Signal::Object("Pod", "\"exitCode\":7"))
        .window(20),
        Case::later("leaks-memory", GROUP, misbehaves_again(json!({"eatMiB": 200})))
            .base(spec_base(
                json!({"workload": {"resources": {"limits": {"memory": "64Mi"}}}}),
            ))
            .truth(PARTNER, &["Container"], &["OutOfMemory"])
            .signal(Signal::Object("Pod", "OOMKilled"))
            .outside()
            .window(20),
        Case::later(
            "next-version-leaks-memory",
            GROUP,
            version("leaks", json!({"eatMiB": 200})),
        )
        .base(spec_base(
            json!({"workload": {"resources": {"limits": {"memory": "64Mi"}}}}),
        ))
        .truth(PARTNER, &["Container"], &["OutOfMemory"])
        .signal(Signal::Object("Pod", "OOMKilled"))
        .outside()
        .window(20),
    ]
}

/// A version that listens elsewhere than it did.
fn listens(tag: &'static str, at: &'static str) -> Act {
    image(tag, move |config| add_env(config, &format!("PANEL_LISTEN={at}")))
}

pub(super) fn add_env(config: &mut Value, line: &str) {
    if let Some(list) = config["config"]["Env"].as_array_mut() {
        list.push(json!(line));
    }
}

fn health() -> Vec<Case> {
    let unhealthy = json!({"status": {"code": 503, "on": "Health"}});
    let deaf = Act {
        patch: None,
        inject: misbehaves(json!({"stopAccepting": true})).inject,
        heal: Some(step(|stage| Box::pin(async move { stage.delete_pods().await }))),
    };
    vec![
        Case::first(
            "listens-on-loopback-only",
            GROUP,
            listens("loopback", "127.0.0.1:8080"),
        )
        .truth(PARTNER, &["Probe"], &["NotListening"])
        .outside()
        .window(40),
        Case::later(
            "next-version-listens-on-loopback-only",
            GROUP,
            listens("loopback", "127.0.0.1:8080"),
        )
        .truth(PARTNER, &["Probe"], &["NotListening"])
        .outside()
        .signal(Signal::Object("Event", "connection refused"))
        .window(40),
        Case::later(
            "next-version-listens-on-another-port",
            GROUP,
            listens("another-port", "0.0.0.0:9090"),
        )
        .truth(PARTNER, &["Probe"], &["NotListening"])
        .outside()
        .signal(Signal::Object("Event", "connection refused"))
        .window(40),
        Case::first(
            "starts-too-slowly",
            GROUP,
            version("late", json!({"listenAfterSeconds": 90})),
        )
        .base(spec_base(json!({"workload": {"startup": {"timeout": "16s"}}})))
        .truth(PARTNER, &["Probe", "Container"], &[])
        .outside()
        .window(45),
        Case::later("reports-unhealthy", GROUP, misbehaves(unhealthy.clone()))
            .base(healthz())
            .truth(PARTNER, &["Probe"], &["ReportsUnhealthy"])
            // A proxy beside the plugin may answer so: it does not decide alone.
            .signal(Signal::Object("Event", "statuscode: 503"))
            .window(10),
        Case::first(
            "reports-unhealthy-from-the-start",
            GROUP,
            version("unhealthy", unhealthy),
        )
        .base(healthz())
        .truth(PARTNER, &["Probe"], &["ReportsUnhealthy"])
        .signal(Signal::Object("Event", "statuscode: 503"))
        .window(30),
        Case::later(
            "health-check-hangs",
            GROUP,
            misbehaves(json!({"slow": {"ms": 60000, "on": "Health"}})),
        )
        .base(healthz())
        .truth(PARTNER, &["Probe"], &["ProbeTimeout"])
        .signal(Signal::Object("Event", "Unhealthy"))
        .window(20),
        Case::later(
            "everything-hangs",
            GROUP,
            misbehaves(json!({"slow": {"ms": 60000}})),
        )
        .truth(PARTNER, &["Probe"], &["ProbeTimeout"])
        .signal(Signal::Object("Event", "Unhealthy"))
        .outside()
        .window(20),
        Case::later("accepts-no-connections-any-more", GROUP, deaf)
            .truth(PARTNER, &["Probe"], &["ProbeTimeout", "NotListening"])
            .signal(Signal::Object("Event", "Unhealthy"))
            .outside()
            .window(20),
    ]
}

/// The manifest at run time, while the health check of another path goes well.
fn bad_manifest(name: &'static str, how: Value) -> Case {
    Case::later(name, GROUP, misbehaves(how))
        .base(healthz())
        .signal(Signal::Panel)
        .window(35)
}

fn manifest() -> Vec<Case> {
    let of = |reasons: &'static [&'static str]| (PARTNER, &["Manifest"] as &[&str], reasons);
    let with = |case: Case, reasons: &'static [&'static str]| {
        let (parties, layers, reasons) = of(reasons);
        case.truth(parties, layers, reasons)
    };
    let broken = json!({"manifest": {"Without": "version"}});
    vec![
        with(
            bad_manifest(
                "manifest-answers-500",
                json!({"status": {"code": 500, "on": "Manifest"}}),
            ),
            &["ManifestUnavailable"],
        )
        .decisive(),
        with(
            bad_manifest("manifest-disappears", json!({"manifest": "NotFound"})),
            &["ManifestNotFound"],
        ),
        with(
            bad_manifest("manifest-becomes-html", json!({"manifest": "NotJson"})),
            &["ManifestInvalid"],
        )
        .decisive(),
        with(
            bad_manifest(
                "manifest-loses-a-field",
                json!({"manifest": {"Without": "name.short"}}),
            ),
            &["ManifestInvalid"],
        )
        .decisive(),
        with(
            bad_manifest(
                "manifest-field-of-another-type",
                json!({"manifest": {"With": {"path": "name", "value": "CRM"}}}),
            ),
            &["ManifestInvalid"],
        )
        .outside()
        .decisive(),
        with(
            Case::first(
                "manifest-invalid-from-the-start",
                GROUP,
                version("no-version", broken),
            ),
            &["ManifestInvalid"],
        )
        .signal(Signal::Panel)
        .window(20)
        .decisive(),
        with(
            bad_manifest("manifest-too-large", json!({"manifest": "Huge"})),
            &["ManifestTooLarge"],
        )
        .outside(),
        with(
            bad_manifest("manifest-redirects-for-ever", json!({"manifest": "RedirectLoop"})),
            &["ManifestRedirects"],
        )
        .outside(),
        with(
            bad_manifest(
                "manifest-leads-to-a-login-page",
                json!({"manifest": {"RedirectTo": "/index.html"}}),
            ),
            &[],
        )
        .outside(),
        with(
            bad_manifest("manifest-is-cut-off", json!({"manifest": "CutOff"})),
            &[],
        )
        .outside(),
        with(
            bad_manifest("manifest-trickles", json!({"manifest": "Trickle"})),
            &[],
        )
        .outside()
        .window(50),
    ]
}

fn browser() -> Vec<Case> {
    let case = |name, how| {
        Case::later(name, GROUP, misbehaves(how))
            .signal(Signal::Panel)
            .window(35)
            .decisive()
    };
    vec![
        case("cors-gone", json!({"noCors": true})).truth(PARTNER, &["Manifest"], &["CorsMissing"]),
        case(
            "cors-for-one-origin-only",
            json!({"corsOrigin": "https://intranet.example"}),
        )
        .truth(PARTNER, &["Manifest"], &["CorsMissing"])
        .outside(),
        case("framing-denied", json!({"frameOptionsDeny": true})).truth(
            PARTNER,
            &["Manifest"],
            &["FramingForbidden"],
        ),
        case("framing-for-no-ancestor", json!({"frameAncestors": "'none'"}))
            .truth(PARTNER, &["Manifest"], &["FramingForbidden"])
            .outside(),
    ]
}

fn images() -> Vec<Case> {
    let missing = || {
        image("no-entrypoint", |config| {
            config["config"]["Entrypoint"] = json!(["/nowhere"])
        })
    };
    let root = || image("root", |config| config["config"]["User"] = json!("0"));
    let foreign = || {
        Act::patch(patch_step(|stage| {
            Box::pin(async move {
                let image = stage.ground.registry.only_for("foreign", "s390x").await?;
                Ok(json!({"spec": {"workload": {"image": image}}}))
            })
        }))
    };
    vec![
        Case::first("entrypoint-missing-in-the-image", GROUP, missing())
            .truth(PARTNER, &["Container"], &["CommandNotStarted"])
            .signal(Signal::Object("Pod", "StartError"))
            .decisive(),
        Case::first("image-runs-as-root", GROUP, root())
            .truth(PARTNER, &["Image", "Container"], &["ImageRunsAsRoot"])
            .signal(Signal::Object("Pod", "image will run as root"))
            .decisive(),
        Case::later("next-version-runs-as-root", GROUP, root())
            .truth(PARTNER, &["Image", "Container"], &["ImageRunsAsRoot"])
            .signal(Signal::Object("Pod", "image will run as root"))
            .decisive(),
        Case::first("image-of-another-architecture", GROUP, foreign())
            .truth(PARTNER, &["Image"], &["ArchitectureUnsupported"])
            .signal(Signal::Object("Pod", "no match for platform"))
            .decisive(),
        tag_deleted(),
    ]
}

/// The image ran, then its owner deletes it in the registry, and a node needs it again.
fn tag_deleted() -> Case {
    const TAG: &str = "deleted-later";
    fn label(config: &mut Value) {
        config["config"]["Labels"]["lives"] = json!("for a while");
    }
    let push = || {
        patch_step(|stage| {
            Box::pin(async move {
                let image = stage.ground.registry.variant(TAG, &label).await?;
                Ok(json!({"spec": {"workload": {"image": image}}}))
            })
        })
    };
    let act = Act::doing(
        step(|stage| {
            Box::pin(async move {
                stage.ground.registry.delete(TAG).await?;
                let registry = &stage.ground.registry;
                registry.forget(&format!("{}/variants:{TAG}", crate::registry::NAME))?;
                stage.delete_pods().await
            })
        }),
        step(|stage| {
            Box::pin(async move {
                stage.ground.registry.variant(TAG, &label).await?;
                // The kubelet waits longer and longer between two pulls; a new pod is tried at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
                stage.delete_pods().await
            })
        }),
    );
    Case::later("tag-deleted-after-it-worked", GROUP, act)
        .base(push())
        .truth(PARTNER, &["Image"], &["ImageNotFound"])
        .signal(Signal::Object("Pod", "not found"))
}
