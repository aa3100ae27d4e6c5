//! Bad input: a clear error, in the right place, and nothing else disturbed.

use serde_json::{Value, json};
use wazo_e2e::cluster::ControlPlane;
use wazo_e2e::crds::UNDECODABLE;
use wazo_e2e::objects::{self, Seen, plugin};
use wazo_e2e::trial::{Trial, trial, trial_in};
use wazo_plugin_operator::api::core::WazoCore;

#[test]
fn an_object_that_cannot_be_decoded_is_reported_and_stops_nobody_else() {
    let namespace = ControlPlane::shared().undecodable_namespace();
    trial_in(namespace, async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let seen = trial.fault(UNDECODABLE, "Config", "InvalidSpec").await;
        assert!(
            seen.fault("message").contains("spec.workload.port"),
            "{}",
            seen.fault("message")
        );
        assert_eq!(seen.truth("Stalled"), "True");
        let core = trial
            .until(trial.of::<WazoCore>(), UNDECODABLE, "reported", |seen| {
                seen.is_some_and(|seen| seen.is_observed() && seen.is_fault("Config", "InvalidSpec"))
            })
            .await
            .unwrap();
        let message = core.fault("message");
        assert!(message.contains("spec.credentials.secretName"), "{message}");
        let mut lost = plugin("lost");
        lost["spec"]["coreRef"]["name"] = json!(UNDECODABLE);
        trial.panel("lost").await;
        trial.apply(&lost).await;
        let seen = trial.fault("lost", "Config", "InvalidSpec").await;
        assert_eq!(seen.0["status"]["fault"]["causedBy"]["name"], UNDECODABLE);
        for name in [UNDECODABLE, "lost"] {
            trial.delete_plugin(name).await;
            trial.gone(name).await;
        }
        assert!(trial.ready("crm").await.is_ready());
    });
}

#[test]
fn what_only_the_operator_can_refuse_is_named_by_its_field_and_heals_when_corrected() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        for (path, pointer, bad, remedy) in [
            (
                "spec.workload.image",
                "/workload/image",
                json!("https://registry.test/panel:1"),
                "without a scheme",
            ),
            (
                "spec.expose.host",
                "/expose/host",
                json!("10.0.0.1"),
                "not an address",
            ),
            (
                "spec.registrations.ui[0].manifest",
                "/registrations/ui/0/manifest",
                json!("/../manifest.json"),
                "..",
            ),
        ] {
            let mut object = plugin("crm");
            *object["spec"].pointer_mut(pointer).unwrap() = bad;
            trial.apply(&object).await;
            let seen = trial
                .plugin_until("crm", path, |seen| {
                    seen.is_observed()
                        && seen.is_fault("Config", "InvalidSpec")
                        && seen.fault("message").contains(path)
                })
                .await;
            assert!(
                seen.fault("message").contains(remedy),
                "{}",
                seen.fault("message")
            );
            assert_eq!(seen.truth("Stalled"), "True", "{path}");
            assert_eq!(seen.0["status"]["fault"]["object"]["fieldPath"], path);
        }
        trial.apply(&plugin("crm")).await;
        trial.well("crm").await;
    });
}

#[test]
fn what_the_schema_can_refuse_is_refused_at_apply_with_the_field() {
    trial(async |trial: &mut Trial| {
        trial.apply(&plugin("crm")).await;
        let with = |pointer: &str, value: Value| {
            let mut object = plugin("crm");
            object["spec"]["workload"]["replicas"] = json!(1);
            *object["spec"].pointer_mut(pointer).unwrap() = value;
            object
        };
        let mut without_expose = plugin("other");
        without_expose["spec"].as_object_mut().unwrap().remove("expose");
        let mut long = plugin("crm");
        long["metadata"]["name"] = json!("a".repeat(53));
        let mut plain = objects::core_at("http://core.test");
        plain["metadata"]["name"] = json!("plain");
        for (object, text) in [
            (with("/coreRef/name", json!("other")), "spec.coreRef is immutable"),
            (with("/workload/port", json!(0)), "spec.workload.port"),
            (with("/workload/replicas", json!(-1)), "spec.workload.replicas"),
            (
                with("/registrations/ui/0/product", json!("Portal")),
                "spec.registrations.ui[0].product",
            ),
            (with("/expose/host", json!("no dots")), "spec.expose.host"),
            (without_expose, "spec.expose is needed"),
            (long, "at most 52 characters"),
            (plain, "must begin with https://"),
        ] {
            let refused = trial.try_apply(&object).await.map_err(|error| error.to_string());
            assert!(
                refused.as_ref().is_err_and(|error| error.contains(text)),
                "{text}: {refused:?}"
            );
        }
    });
}

/// Applies what a core needs with one object changed, and expects a fault of the core that its plugins refer to; then
/// the right object, and everything heals.
async fn heals(trial: &mut Trial, bad: Option<Value>, reason: &str, text: &str) {
    let [credentials, authority, core] = objects::core(trial.core());
    let kind = |object: &Value| (object["kind"].clone(), object["metadata"]["name"].clone());
    for object in [&credentials, &authority, &core] {
        match &bad {
            Some(bad) if kind(bad) == kind(object) => trial.apply(bad).await,
            None if object["kind"] == "Secret" => {}
            _ => trial.apply(object).await,
        }
    }
    trial.apply(&objects::gateway()).await;
    trial.start();
    trial.panel("crm").await;
    trial.apply(&plugin("crm")).await;
    let seen = trial.core_fault("Config", reason).await;
    assert_eq!(seen.truth("Ready"), "False");
    let message = seen.fault("message");
    assert!(message.contains(text), "{message}");
    let seen = trial.fault("crm", "Config", reason).await;
    assert_eq!(seen.0["status"]["fault"]["causedBy"]["kind"], "WazoCore");
    assert_eq!(
        trial.core().journal().effects().len(),
        0,
        "nothing was done at the core"
    );
    for object in [credentials, authority, core] {
        trial.apply(&object).await;
    }
    trial.ready("crm").await;
    assert!(!trial.core_until("Ready", Seen::is_ready).await.has_fault());
}

#[test]
fn a_missing_secret_is_named() {
    trial(async |trial: &mut Trial| heals(trial, None, "CredentialsMissing", "main").await);
}

#[test]
fn a_secret_without_keys_is_named_with_the_keys() {
    trial(async |trial: &mut Trial| {
        let empty = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "main"},
            "type": "plugins.wazo.io/core-credentials", "stringData": {"username": "operator"},
        });
        heals(trial, Some(empty), "CredentialsMissing", "password").await;
    });
}

#[test]
fn a_certificate_authority_that_is_no_pem_is_named() {
    trial(async |trial: &mut Trial| {
        heals(
            trial,
            Some(objects::authority("not PEM at all")),
            "CaBundleInvalid",
            "BEGIN CERTIFICATE",
        )
        .await;
    });
}

#[test]
fn a_key_that_the_config_map_lacks_is_named() {
    trial(async |trial: &mut Trial| {
        let other = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "main"}, "data": {"other": "x"},
        });
        heals(trial, Some(other), "CaBundleMissing", "ca.crt").await;
    });
}

#[test]
fn another_certificate_authority_is_not_trusted() {
    trial(async |trial: &mut Trial| {
        let other = wazo_e2e::authority::Authority::new("another").pem();
        heals(
            trial,
            Some(objects::authority(&other)),
            "CaBundleMissing",
            "authority",
        )
        .await;
    });
}

#[test]
fn a_core_url_with_a_path_is_refused_with_the_path_and_the_remedy() {
    trial(async |trial: &mut Trial| {
        let url = format!("{}/api/auth", trial.core().url());
        let seen = refused_url(trial, &url).await;
        assert!(
            seen.fault("message").contains("/api/auth"),
            "{}",
            seen.fault("message")
        );
        assert!(
            seen.fault("message").contains("remove the path"),
            "{}",
            seen.fault("message")
        );
        assert_eq!(trial.core().journal().sequence(), 0, "nothing was sent");
        let url = trial.core().url();
        trial.edit_core(&json!({"spec": {"url": url}})).await;
        trial.core_until("Ready", Seen::is_ready).await;
    });
}

async fn refused_url(trial: &mut Trial, url: &str) -> Seen {
    trial.connect().await;
    trial.apply(&objects::core_at(url)).await;
    trial.start();
    let seen = trial
        .core_until("refused for its URL", |seen| {
            seen.is_observed() && ["InvalidSpec", "CoreUrlWrong"].contains(&seen.fault("reason"))
        })
        .await;
    assert_eq!(seen.fault("party"), "Config");
    assert_eq!(seen.0["status"]["fault"]["object"]["fieldPath"], "spec.url");
    assert_eq!(seen.truth("Stalled"), "True");
    seen
}

#[test]
fn a_server_that_answers_html_is_no_core() {
    trial(async |trial: &mut Trial| {
        let page = wazo_e2e::wazo_simulated_core::Fault::answer(200, "text/html", "<html>welcome</html>");
        trial.core().faults().inject(page).await;
        let url = trial.core().url();
        let seen = refused_url(trial, &url).await;
        assert!(
            seen.fault("message").contains("text/html"),
            "{}",
            seen.fault("message")
        );
        trial.core().faults().clear_all().await;
        trial.core_until("Ready", Seen::is_ready).await;
    });
}
