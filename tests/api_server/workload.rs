//! Pods and routes that do not come up: each with its party and reason, and each heals.

use serde_json::json;
use wazo_e2e::gateway::GatewayState;
use wazo_e2e::network::TestNetwork;
use wazo_e2e::objects::{self, IMAGE, plugin};
use wazo_e2e::panel::{Misbehave, Scope, Status};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{Trial, trial};

/// A plugin whose pods are in a state from the start has this fault, and becomes Ready when they recover.
async fn pods_in(trial: &mut Trial, state: PodState, party: &str, reason: &str, text: &str) {
    trial.connect().await;
    trial.start();
    trial.panel("crm").await;
    trial.pods("crm", state);
    trial.apply(&plugin("crm")).await;
    let seen = trial.fault("crm", party, reason).await;
    assert!(seen.fault("message").contains(text), "{}", seen.fault("message"));
    assert!(seen.is_blocked());
    assert_eq!(
        (seen.truth("WorkloadReady"), seen.truth("Available")),
        ("False", "False")
    );
    let pods = trial.list("v1", "Pod").await;
    let status = seen.0["status"].to_string();
    for pod in pods {
        let name = pod["metadata"]["name"].as_str().unwrap_or("a pod without a name");
        assert!(
            !status.contains(name),
            "evidence names the owner, not the pod {name}"
        );
    }
    assert!(!trial.is_known("crm"), "nothing is registered that does not run");
    trial.pods("crm", PodState::Ready);
    trial.well("crm").await;
}

#[test]
fn an_image_that_does_not_exist_stalls_until_the_spec_changes() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let wrong = "registry.test/panel:typo";
        trial
            .plane()
            .nodes()
            .set_image(trial.namespace(), "crm", wrong, PodState::image_not_found(wrong));
        let mut object = plugin("crm");
        object["spec"]["workload"]["image"] = json!(wrong);
        trial.apply(&object).await;
        let seen = trial.fault("crm", "Config", "ImageNotFound").await;
        assert!(seen.fault("message").contains(wrong));
        assert_eq!(seen.truth("Stalled"), "True", "only the spec can help");
        trial.apply(&plugin("crm")).await;
        trial.well("crm").await;
    });
}

#[test]
fn a_bad_new_image_leaves_the_old_pods_and_the_registration_alone() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let wrong = "registry.test/panel:typo";
        trial
            .plane()
            .nodes()
            .set_image(trial.namespace(), "crm", wrong, PodState::image_not_found(wrong));
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"image": wrong}}}))
            .await;
        let seen = trial.fault("crm", "Config", "ImageNotFound").await;
        assert_eq!((seen.truth("Ready"), seen.truth("Available")), ("False", "True"));
        assert!(trial.is_registered("crm"));
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"image": IMAGE}}}))
            .await;
        trial.well("crm").await;
    });
}

#[test]
fn a_crash_is_the_partners() {
    trial(async |trial: &mut Trial| {
        pods_in(trial, PodState::crash(3), "Partner", "ProcessExited", "code 3").await;
    });
}

#[test]
fn a_process_that_ends_by_itself_is_the_partners() {
    trial(async |trial: &mut Trial| {
        let ended = PodState::CrashLoop {
            exit_code: 0,
            reason: "Completed",
            restarts: 2,
        };
        pods_in(trial, ended, "Partner", "ProcessCompleted", "").await;
    });
}

#[test]
fn an_image_that_runs_as_root_is_named() {
    trial(async |trial: &mut Trial| {
        let refused = PodState::Waiting {
            reason: "CreateContainerConfigError",
            message: "container has runAsNonRoot and image will run as root".to_owned(),
        };
        pods_in(trial, refused, "Partner", "ImageRunsAsRoot", "root").await;
    });
}

#[test]
fn pods_that_are_not_ready_are_asked_why() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.panel("crm").await;
        let unhealthy = Status {
            code: 503,
            on: Scope::Health,
        };
        panel
            .misbehave(Misbehave {
                status: Some(unhealthy),
                ..Misbehave::default()
            })
            .unwrap();
        trial.pods("crm", PodState::NotReady);
        let mut object = plugin("crm");
        object["spec"]["workload"]["readiness"] = json!({"path": "/healthz"});
        trial.apply(&object).await;
        let seen = trial.fault("crm", "Partner", "ReportsUnhealthy").await;
        assert!(seen.fault("message").contains("503"), "{}", seen.fault("message"));
        panel.misbehave(Misbehave::default()).unwrap();
        trial.pods("crm", PodState::Ready);
        trial.well("crm").await;
    });
}

#[test]
fn a_crash_of_a_plugin_that_worked_is_told_at_once_and_heals() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.pods("crm", PodState::crash(1));
        // The pod's status is known a moment before the Deployment's: for that long the fault does not block.
        let seen = trial
            .plugin_until("crm", "down", |seen| {
                seen.is_fault("Partner", "ProcessExited") && seen.is_blocked()
            })
            .await;
        assert_eq!((seen.truth("Ready"), seen.truth("Registered")), ("False", "True"));
        assert!(
            trial.is_registered("crm"),
            "a plugin that is ill stays registered"
        );
        trial.pods("crm", PodState::Ready);
        trial.well("crm").await;
    });
}

#[test]
fn a_route_that_the_gateway_refuses_is_named_and_heals() {
    trial(async |trial: &mut Trial| {
        trial.gateway(GatewayState::Refusing {
            address: TestNetwork::gateway(),
            reason: "NotAllowedByListeners",
            message: "no listener takes routes of this namespace",
        });
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Config", "RouteNotAccepted").await;
        let message = seen.fault("message");
        assert!(
            message.contains("no listener takes routes of this namespace"),
            "{message}"
        );
        assert_eq!(seen.truth("Exposed"), "False");
        assert!(!trial.is_known("crm"));
        trial.gateway(GatewayState::Programmed(TestNetwork::gateway()));
        trial.well("crm").await;
    });
}

#[test]
fn a_gateway_that_is_missing_or_not_programmed_is_named_and_heals() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.gateway(GatewayState::NotProgrammed);
        trial
            .delete("gateway.networking.k8s.io/v1", "Gateway", objects::GATEWAY)
            .await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Config", "GatewayNotFound").await;
        assert!(
            seen.fault("message").contains(objects::GATEWAY),
            "{}",
            seen.fault("message")
        );
        trial.apply(&objects::gateway()).await;
        trial.fault("crm", "Cluster", "GatewayNotProgrammed").await;
        trial.gateway(GatewayState::Programmed(TestNetwork::gateway()));
        trial.well("crm").await;
    });
}

#[test]
fn a_quota_that_is_used_up_is_the_clusters() {
    trial(async |trial: &mut Trial| {
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
            "spec": {"hard": {"pods": "0"}},
        });
        trial.apply(&quota).await;
        let api = kube::Api::namespaced_with(
            trial.client().clone(),
            trial.namespace(),
            &kube::core::ApiResource::erase::<k8s_openapi::api::core::v1::ResourceQuota>(&()),
        );
        let in_force =
            |seen: Option<&objects::Seen>| seen.is_some_and(|seen| seen.0["status"]["hard"]["pods"] == "0");
        trial.until(api, "none", "in force", in_force).await;
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Cluster", "QuotaExceeded").await;
        assert!(
            seen.fault("message").contains("exceeded quota"),
            "{}",
            seen.fault("message")
        );
    });
}

#[test]
fn more_pods_take_no_ready_away() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"replicas": 3}}}))
            .await;
        trial
            .plugin_until("crm", "running three pods", |seen| {
                seen.is_ready() && seen.0["status"]["readyReplicas"] == 3
            })
            .await;
        for status in trial
            .recorder()
            .history("WazoPlugin/crm")
            .iter()
            .skip_while(|status| objects::Seen(json!({"status": status})).truth("Ready") != "True")
        {
            assert_eq!(objects::Seen(json!({"status": status})).truth("Ready"), "True");
        }
    });
}
