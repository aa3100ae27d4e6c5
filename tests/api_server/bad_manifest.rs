//! Manifests that browsers could not use: each is named, with whose fault it is, before anything is registered.

use serde_json::json;
use wazo_e2e::network::Line;
use wazo_e2e::objects::plugin;
use wazo_e2e::panel::{ManifestFault, Misbehave, Scope, Status};
use wazo_e2e::trial::{Trial, trial};

fn manifest(fault: ManifestFault) -> Misbehave {
    Misbehave {
        manifest: Some(fault),
        ..Misbehave::default()
    }
}

/// As many plugins at a time as one operator, built for tests, follows within seconds beside other tests.
const WAVE: usize = 6;

/// Gives each way to misbehave a plugin of its own and expects of each its fault; none is registered until its panel
/// behaves.
async fn each(trial: &mut Trial, cases: Vec<(Misbehave, &str, &str, String)>) {
    trial.connect().await;
    trial.start();
    for (wave, cases) in cases.chunks(WAVE).enumerate() {
        let mut panels = Vec::new();
        for (index, (misbehave, ..)) in cases.iter().enumerate() {
            let name = format!("crm-{wave}-{index}");
            let panel = trial.panel(&name).await;
            panel.misbehave(misbehave.clone()).expect("a switch of the panel");
            trial.apply(&plugin(&name)).await;
            panels.push((name, panel));
        }
        for (case, (name, _)) in cases.iter().zip(&panels) {
            is_at_fault(trial, name, case).await;
        }
        for (name, panel) in &panels {
            panel.misbehave(Misbehave::default()).expect("good behaviour");
            trial.well(name).await;
            assert!(trial.is_registered(name));
        }
    }
}

async fn is_at_fault(
    trial: &Trial,
    name: &str,
    (misbehave, party, reason, text): &(Misbehave, &str, &str, String),
) {
    let what = format!("{party} {reason} {text} for {misbehave:?}");
    let seen = trial
        .plugin_until(name, &what, |seen| {
            seen.is_observed() && seen.is_fault(party, reason) && seen.fault("message").contains(text)
        })
        .await;
    assert!(seen.is_blocked());
    assert_eq!(seen.fault("confidence"), "High", "{misbehave:?}");
    assert_eq!(seen.truth("Exposed"), "False");
    assert_eq!(seen.truth("Available"), "True");
    assert!(!trial.is_known(name), "registered although {misbehave:?}");
}

#[test]
fn each_required_field_is_named_where_it_is_missing_or_wrong() {
    trial(async |trial: &mut Trial| {
        let required = [
            "manifestVersion",
            "version",
            "id",
            "packageName",
            "productType",
            "name",
            "name.short",
            "name.full",
            "description",
            "description.short",
            "description.full",
            "icons",
            "icons.color",
            "developer",
            "developer.name",
            "staticTabs[0].entityId",
            "staticTabs[0].context",
            "staticTabs[0].name",
            "staticTabs[0].contentUrl",
        ];
        let without = required.map(|path| (manifest(ManifestFault::Without(path.to_owned())), path));
        let wrong = [
            ("manifestVersion", json!("7")),
            ("version", json!("one")),
            ("productType", json!("mobile")),
            (
                "name.short",
                json!("a name that is longer than thirty characters"),
            ),
            ("staticTabs", json!({})),
        ]
        .map(|(path, value)| {
            let path_given = path.to_owned();
            (
                manifest(ManifestFault::With {
                    path: path_given,
                    value,
                }),
                path,
            )
        });
        let cases = without
            .into_iter()
            .chain(wrong)
            .map(|(misbehave, path)| (misbehave, "Partner", "ManifestInvalid", path.to_owned()))
            .collect();
        each(trial, cases).await;
    });
}

#[test]
fn each_way_not_to_serve_a_manifest_has_its_party_and_reason() {
    trial(async |trial: &mut Trial| {
        let cases = vec![
            (
                manifest(ManifestFault::NotFound),
                "Config",
                "ManifestNotFound",
                "",
            ),
            (manifest(ManifestFault::Huge), "Partner", "ManifestTooLarge", ""),
            (
                manifest(ManifestFault::RedirectLoop),
                "Partner",
                "ManifestRedirects",
                "too often",
            ),
            (
                manifest(ManifestFault::RedirectTo(
                    "http://169.254.169.254/latest".to_owned(),
                )),
                "Partner",
                "ManifestRedirects",
                "redirected",
            ),
            (
                manifest(ManifestFault::RedirectTo("https://127.0.0.1/".to_owned())),
                "Partner",
                "ManifestRedirects",
                "",
            ),
            (
                manifest(ManifestFault::NotJson),
                "Partner",
                "ManifestInvalid",
                "not JSON",
            ),
            (
                Misbehave {
                    no_cors: true,
                    ..Misbehave::default()
                },
                "Partner",
                "CorsMissing",
                "",
            ),
            (
                Misbehave {
                    frame_options_deny: true,
                    ..Misbehave::default()
                },
                "Partner",
                "FramingForbidden",
                "",
            ),
            (
                Misbehave {
                    status: Some(Status {
                        code: 503,
                        on: Scope::Manifest,
                    }),
                    ..Misbehave::default()
                },
                "Partner",
                "ManifestUnavailable",
                "503",
            ),
        ];
        let cases = cases
            .into_iter()
            .map(|(misbehave, party, reason, text)| (misbehave, party, reason, text.to_owned()))
            .collect();
        each(trial, cases).await;
    });
}

#[test]
fn a_manifest_that_breaks_later_is_the_partners_fault_and_stays_registered() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        for (misbehave, reason) in [
            (manifest(ManifestFault::NotFound), "ManifestNotFound"),
            (
                manifest(ManifestFault::Without("id".to_owned())),
                "ManifestInvalid",
            ),
        ] {
            panel.misbehave(misbehave).unwrap();
            let seen = trial.fault("crm", "Partner", reason).await;
            assert_eq!(seen.truth("Ready"), "False");
            assert_eq!(seen.truth("Registered"), "True");
            assert!(!seen.fault("lastGood").is_empty(), "it worked before");
            assert!(trial.is_registered("crm"));
        }
        panel.misbehave(Misbehave::default()).unwrap();
        trial.ready("crm").await;
    });
}

#[test]
fn the_way_to_the_plugin_is_told_from_the_plugin() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.line("crm", Line::NoName);
        trial.apply(&plugin("crm")).await;
        trial.fault("crm", "Config", "HostNotResolving").await;
        trial.line("crm", Line::Refused);
        let seen = trial.fault("crm", "Cluster", "PublicAddressUnreachable").await;
        let evidence = seen.0["status"]["fault"]["evidence"].to_string();
        assert!(
            evidence.contains("operator→pod") && evidence.contains("operator→public"),
            "{evidence}"
        );
        trial.line("crm", Line::Up);
        trial.well("crm").await;
    });
}
