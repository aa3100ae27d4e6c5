//! Attacks by somebody who may write in one namespace, or who answers for a core or a plugin: each is tried, and gains
//! nothing. What is tried elsewhere: objects of a child's name (`strangers`), Secrets of a core in a pod and privileges
//! (`workload`, `api/pod_template`), rights, tenants and cores of others (`grants`, `account`), addresses one by one
//! (`probe/guard`, `probe/tests`), fields that are paths (`schema`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};
use wazo_e2e::objects::{self, host, plugin};
use wazo_e2e::panel::{ManifestFault, Misbehave};
use wazo_e2e::trial::{Trial, trial};
use wazo_e2e::wazo_simulated_core::Fault;

const METADATA: &str = "169.254.169.254";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn a_host_that_resolves_to_an_inner_address_is_not_asked_even_beside_a_good_one() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let network = trial.wiring().network.clone();
        let good = network.address(&host("crm"));
        for answers in [
            vec![ip(METADATA)],
            vec![good, ip("10.0.0.1")],
            vec![ip("::ffff:127.0.0.1")],
        ] {
            network.answer(&host("crm"), answers.clone());
            trial.apply(&plugin("crm")).await;
            let seen = trial.fault("crm", "Config", "AddressRefused").await;
            assert_eq!(seen.truth("Ready"), "False");
            assert!(!trial.is_known("crm"));
            let connected = network.connected();
            let inner: Vec<_> = connected
                .iter()
                .filter(|address| answers.contains(&address.ip()) && address.ip() != good)
                .collect();
            assert!(inner.is_empty(), "{inner:?}");
            trial.delete_plugin("crm").await;
            trial.gone("crm").await;
        }
    });
}

#[test]
fn a_manifest_that_redirects_to_an_inner_address_is_not_followed() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.panel("crm").await;
        let redirect = Misbehave {
            manifest: Some(ManifestFault::RedirectTo(format!("https://{METADATA}/latest/"))),
            ..Misbehave::default()
        };
        panel.misbehave(redirect).unwrap();
        trial.apply(&plugin("crm")).await;
        let seen = trial
            .plugin_until("crm", "refused", |seen| {
                seen.is_observed() && ["AddressRefused", "ManifestRedirects"].contains(&seen.fault("reason"))
            })
            .await;
        assert_eq!(seen.truth("Ready"), "False");
        assert!(!trial.is_known("crm"));
        let network = trial.wiring().network.clone();
        let asked = network.connected();
        assert!(
            asked.iter().all(|address| address.ip() != ip(METADATA)),
            "{asked:?}"
        );
    });
}

#[test]
fn a_core_that_answers_with_our_own_secrets_makes_nobody_tell_them() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let password = trial.core().account().1.to_owned();
        let token = "0e2c4ab7-5f7e-4b1f-9f06-5d0c52d1a6f3";
        for (status, kind) in [
            (500, "application/json"),
            (401, "application/json"),
            (400, "text/html"),
        ] {
            let body = json!({"message": password, "details": {"token": token, "password": password}});
            let body = if kind == "text/html" {
                format!("<p>{password} {token}</p>")
            } else {
                body.to_string()
            };
            let id = trial
                .core()
                .faults()
                .inject(Fault::answer(status, kind, &body).on("GET", "/api/confd/1.1/"))
                .await;
            let seen = trial.core_until("faulty", objects::Seen::has_fault).await;
            let text = seen.0["status"].to_string();
            assert!(
                !text.contains(&password) && !text.contains(token),
                "{status}: {text}"
            );
            trial.core().faults().clear(id).await;
            trial
                .core_until("well", |seen| seen.is_ready() && !seen.has_fault())
                .await;
        }
        for told in [trial.log(), trial.recorder().story()] {
            assert!(!told.contains(token), "a token is told");
        }
    });
}

#[test]
fn every_request_to_the_core_bears_a_trace_and_a_fault_of_the_core_tells_which() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let fault = Fault::answer(500, "application/json", "{}").on("GET", "/api/confd/1.1/");
        trial.core().faults().inject(fault).await;
        let seen = trial
            .core_until("faulty by the core", |seen| {
                seen.fault("party") == "Core"
                    && !seen.0["status"]["fault"]["evidence"][0]["traceId"].is_null()
            })
            .await;
        let told = seen.0["status"]["fault"]["evidence"][0]["traceId"]
            .as_str()
            .unwrap()
            .to_owned();
        let entries = trial.core().journal().entries();
        let without: Vec<&String> = entries
            .iter()
            .filter(|entry| !entry.stranger && entry.trace_id.is_none())
            .map(|entry| &entry.path)
            .collect();
        assert!(without.is_empty(), "{without:?}");
        let traces: BTreeSet<&String> = entries
            .iter()
            .filter_map(|entry| entry.trace_id.as_ref())
            .collect();
        assert!(traces.contains(&told), "the core has not seen {told}");
        let failed = entries
            .iter()
            .find(|entry| entry.trace_id.as_ref() == Some(&told))
            .unwrap();
        assert_eq!(failed.status, Some(500), "{}", failed.path);
    });
}

#[test]
fn what_stands_in_a_bad_manifest_is_not_told() {
    const SECRET: &str = "s3cr3t-of-the-partner with blanks";
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let values = [json!(SECRET), json!({"inner": SECRET}), json!([SECRET])];
        let paths = ["version", "name.short"];
        let cases = paths
            .iter()
            .flat_map(|path| values.iter().map(move |value| (path, value)));
        let names: Vec<_> = (0..paths.len() * values.len())
            .map(|index| format!("crm-{index}"))
            .collect();
        for ((path, value), name) in cases.clone().zip(&names) {
            let bad = Misbehave {
                manifest: Some(ManifestFault::With {
                    path: (*path).to_owned(),
                    value: value.clone(),
                }),
                ..Misbehave::default()
            };
            trial.panel(name).await.misbehave(bad).unwrap();
            trial.apply(&plugin(name)).await;
        }
        for ((path, value), name) in cases.zip(&names) {
            trial
                .plugin_until(name, &format!("at fault for {path}: {value}"), |seen| {
                    seen.is_fault("Partner", "ManifestInvalid") && seen.fault("message").contains(path)
                })
                .await;
        }
        for told in [trial.log(), trial.recorder().story()] {
            assert!(!told.contains(SECRET), "it is told");
        }
    });
}

#[test]
fn a_secret_that_was_not_made_for_a_core_is_not_sent_to_one() {
    trial(async |trial: &mut Trial| {
        let [credentials, authority, mut core] = objects::core(trial.core());
        let mut database = credentials.clone();
        database["metadata"]["name"] = json!("database");
        database["type"] = json!("Opaque");
        let mut elsewhere = credentials;
        elsewhere["metadata"]["name"] = json!("elsewhere");
        elsewhere["stringData"]["url"] = json!("https://other.example");
        for object in [&database, &elsewhere, &authority] {
            trial.apply(object).await;
        }
        trial.start();
        for name in ["database", "elsewhere"] {
            core["spec"]["credentials"]["secretName"] = Value::from(name);
            trial.apply(&core).await;
            let seen = trial
                .core_until("refused", |seen| {
                    seen.is_observed()
                        && seen.is_fault("Config", "CredentialsMissing")
                        && seen.fault("message").contains(name)
                })
                .await;
            assert_eq!(seen.truth("Ready"), "False");
        }
        assert_eq!(trial.core().journal().sequence(), 0, "nothing was sent");
    });
}
