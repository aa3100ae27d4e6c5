//! The end of a plugin: what is registered is taken out first, and nothing of anybody else.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams};
use serde_json::json;
use wazo_e2e::objects::{CORE, plugin};
use wazo_e2e::trial::{APPS, STRANGER, Trial, trial};
use wazo_e2e::wazo_simulated_core::Fault;
use wazo_plugin_operator::api::core::WazoCore;

#[test]
fn a_deleted_plugin_is_deregistered_and_the_others_data_stays() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        for name in ["crm", "board"] {
            trial.ready_plugin(name).await;
        }
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"), "deregistered before it is gone");
        assert!(trial.is_registered("board"));
        trial.strangers_data_is_intact();
        // It is told after the object was let go.
        let told = async || {
            let events = trial.list("events.k8s.io/v1", "Event").await;
            events.iter().any(|event| event["reason"] == "Deregistered")
        };
        trial.patient(told).await;
        trial.delete_plugin("board").await;
        trial.gone("board").await;
        assert_eq!(trial.urls(APPS[0]), [STRANGER]);
        let web = trial.core().apps().get(trial.core().tenant(), APPS[1]).unwrap();
        assert_eq!(
            web.configuration["manifest_urls"],
            json!([]),
            "an application is never deleted"
        );
    });
}

#[test]
fn a_core_stays_while_plugins_refer_to_it() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.delete("plugins.wazo.io/v1alpha1", "WazoCore", CORE).await;
        trial
            .core_until("in use", |seen| seen.reason("Ready") == "InUse")
            .await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        trial
            .until(trial.of::<WazoCore>(), CORE, "gone", |seen| seen.is_none())
            .await;
    });
}

#[test]
fn a_deleted_namespace_takes_its_plugins_out_of_the_core() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        // Kubernetes deletes pods first, and looks again after half of their grace period, 15 s, whether they are
        // gone or not.
        trial.wait_at_most(std::time::Duration::from_secs(90));
        let namespaces: Api<Namespace> = Api::all(trial.client().clone());
        namespaces
            .delete(trial.namespace(), &DeleteParams::default())
            .await
            .unwrap();
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        trial.strangers_data_is_intact();
        trial
            .until(trial.of::<WazoCore>(), CORE, "gone", |seen| seen.is_none())
            .await;
        let gone = kube::runtime::wait::await_condition(
            namespaces,
            trial.namespace(),
            |namespace: Option<&Namespace>| namespace.is_none(),
        );
        tokio::time::timeout(std::time::Duration::from_secs(90), gone)
            .await
            .unwrap()
            .unwrap();
    });
}

#[test]
fn a_core_that_is_down_holds_a_deletion_until_it_is_back() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.core().faults().inject(Fault::refuse_connections()).await;
        trial.delete_plugin("crm").await;
        let seen = trial
            .plugin_until("crm", "blocked", |seen| {
                seen.reason("Ready") == "DeregistrationBlocked"
            })
            .await;
        assert!(
            seen.is_fault("Core", "CoreUnreachable"),
            "{:#}",
            seen.0["status"]["fault"]
        );
        assert!(
            trial.get("apps/v1", "Deployment", "crm").await.is_some(),
            "children stay until then"
        );
        trial.core().faults().clear_all().await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        trial.strangers_data_is_intact();
    });
}

#[test]
fn a_deletion_may_abandon_a_core_that_is_gone_for_good() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.core().faults().inject(Fault::refuse_connections()).await;
        trial.delete_plugin("crm").await;
        trial
            .plugin_until("crm", "blocked", |seen| {
                seen.reason("Ready") == "DeregistrationBlocked"
            })
            .await;
        let annotation =
            json!({"metadata": {"annotations": {"plugins.wazo.io/abandon-registrations": "true"}}});
        trial.edit_plugin("crm", &annotation).await;
        trial.gone("crm").await;
        trial.stop().await;
        let events = trial.list("events.k8s.io/v1", "Event").await;
        let told = events
            .iter()
            .find(|event| event["reason"] == "RegistrationsAbandoned")
            .unwrap();
        assert!(
            told["note"].as_str().unwrap().contains("crm.plugins.test"),
            "{told:#}"
        );
    });
}

#[test]
fn what_is_to_be_retained_stays_in_the_core() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mut object = plugin("crm");
        object["spec"]["deletionPolicy"] = json!("Retain");
        trial.apply(&object).await;
        trial.ready("crm").await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(trial.is_registered("crm"));
    });
}

#[test]
fn what_was_never_registered_goes_without_a_core() {
    trial(async |trial: &mut Trial| {
        trial.apply(&wazo_e2e::objects::gateway()).await;
        trial.start();
        trial.apply(&plugin("crm")).await;
        trial.fault("crm", "Config", "CoreNotFound").await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
    });
}

#[test]
fn a_suspended_plugin_is_deregistered_all_the_same() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        trial
            .plugin_until("crm", "Suspended", |seen| seen.truth("Suspended") == "True")
            .await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
    });
}

#[test]
fn a_plugin_that_is_deleted_while_it_is_being_registered_leaves_nothing_behind() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        let written = "/api/confd/1.1/external/apps";
        let slow = std::time::Duration::from_millis(300);
        // Once a write that works, once one that is answered 500 although it was done, once one without an answer.
        for (name, accident) in [
            ("late", Fault::late_answer(slow)),
            ("doubtful", Fault::rabbitmq_down(slow)),
            ("cut", Fault::reset_after_effect()),
        ] {
            trial
                .core()
                .faults()
                .inject(accident.on("PUT", written).times(1))
                .await;
            gate.arm(None);
            trial.panel(name).await;
            trial.apply(&plugin(name)).await;
            trial
                .holds("the write has had its effect", || trial.is_known(name))
                .await;
            trial.delete_plugin(name).await;
            trial.gone(name).await;
            trial.core().faults().clear_all().await;
            // A write that was under way would have come by the time of the next readings.
            gate.arm(None);
            let read = || {
                gate.reads()
                    .iter()
                    .filter(|asked| asked.path.contains("/external/apps"))
                    .count()
            };
            trial.holds("two more readings of the core", || read() >= 2).await;
            assert!(!trial.is_known(name), "{name}");
        }
        trial.strangers_data_is_intact();
    });
}
