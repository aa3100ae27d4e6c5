//! Another host, another path, another kind of exposure, without a moment in which users are without the plugin; and
//! hosts that somebody else has.

use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use wazo_e2e::crash;
use wazo_e2e::gate::Blow;
use wazo_e2e::network::Line;
use wazo_e2e::objects::{host, manifest_url, plugin};
use wazo_e2e::trial::{APPS, STRANGER, Trial, trial};
use wazo_e2e::users::Users;
use wazo_plugin_operator::observe::gateway_api::HttpRoute;

const NEW: &str = "new.plugins.test";
const ROUTE: &str = "gateway.networking.k8s.io/v1";

/// The host leads to the plugin's panel, too.
fn lead(trial: &mut Trial, host: &str, panel: &wazo_e2e::panel::Panel) {
    let address = trial.plane().nodes().address(trial.namespace(), "crm");
    trial.wiring().network.lead(host, address, panel.addr());
}

async fn hosts_until(trial: &Trial, wanted: &[&str]) {
    trial
        .until(trial.of::<HttpRoute>(), "crm", "routed as wanted", |seen| {
            seen.is_some_and(|seen| seen.0["spec"]["hostnames"] == json!(wanted))
        })
        .await;
}

async fn registered_alone(trial: &Trial, url: &str) {
    trial
        .holds("the new URL stands alone", || {
            trial.urls(APPS[0]) == [STRANGER, url] && trial.urls(APPS[1]) == [url]
        })
        .await;
}

#[test]
fn users_reach_the_plugin_at_every_moment_of_a_change_of_its_host() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        lead(trial, NEW, &panel);
        let users = Users::begin(trial, "crm");
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"host": NEW}}}))
            .await;
        registered_alone(trial, &format!("https://{NEW}/manifest.json")).await;
        hosts_until(trial, &[NEW]).await;
        trial.well("crm").await;
        assert!(users.end().await > 5);
    });
}

#[test]
fn the_old_host_stays_over_restarts_as_long_as_the_new_one_is_not_good() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        lead(trial, NEW, &panel);
        trial.wiring().network.set(NEW, Line::NoName);
        let users = Users::begin(trial, "crm");
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"host": NEW}}}))
            .await;
        hosts_until(trial, &[NEW, &host("crm")]).await;
        trial.fault("crm", "Config", "HostNotResolving").await;
        trial.stop().await;
        trial.start();
        trial.fault("crm", "Config", "HostNotResolving").await;
        hosts_until(trial, &[NEW, &host("crm")]).await;
        assert!(trial.is_registered("crm"), "the old URL stands in the core");
        trial.wiring().network.set(NEW, Line::Up);
        registered_alone(trial, &format!("https://{NEW}/manifest.json")).await;
        hosts_until(trial, &[NEW]).await;
        users.end().await;
    });
}

#[test]
fn a_change_that_is_taken_back_leaves_everything_as_it_was() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        lead(trial, NEW, &panel);
        trial.wiring().network.set(NEW, Line::NoName);
        let users = Users::begin(trial, "crm");
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"host": NEW}}}))
            .await;
        hosts_until(trial, &[NEW, &host("crm")]).await;
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"host": host("crm")}}}))
            .await;
        hosts_until(trial, &[&host("crm")]).await;
        trial.well("crm").await;
        registered_alone(trial, &manifest_url("crm")).await;
        users.end().await;
    });
}

#[test]
fn users_reach_the_plugin_at_every_moment_of_a_change_of_its_path() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mut object = plugin("crm");
        object["spec"]["expose"]["verify"] = json!("None");
        object["spec"]["expose"]["path"] = json!("/a");
        trial.apply(&object).await;
        trial.well("crm").await;
        let users = Users::begin(trial, "crm");
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"path": "/b"}}}))
            .await;
        registered_alone(trial, &format!("https://{}/b/manifest.json", host("crm"))).await;
        trial
            .until(trial.of::<HttpRoute>(), "crm", "at the new path alone", |seen| {
                seen.is_some_and(|seen| {
                    let rules = seen.0["spec"]["rules"].as_array();
                    rules.is_some_and(|rules| {
                        rules.len() == 1 && rules[0]["matches"][0]["path"]["value"] == "/b"
                    })
                })
            })
            .await;
        users.end().await;
    });
}

#[test]
fn the_route_stays_until_the_ingress_has_an_address() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        lead(trial, NEW, &panel);
        let class = trial.namespace().to_owned();
        let object: IngressClass = serde_json::from_value(json!({
            "metadata": {"name": class}, "spec": {"controller": "simulated.test/ingress"},
        }))
        .unwrap();
        let classes: Api<IngressClass> = Api::all(trial.client().clone());
        classes.create(&PostParams::default(), &object).await.unwrap();
        let users = Users::begin(trial, "crm");
        let expose = json!({"host": NEW, "gateway": null, "ingress": {"className": class}});
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": expose}}))
            .await;
        trial
            .until(trial.of::<Ingress>(), "crm", "made", |seen| seen.is_some())
            .await;
        let route = trial.get(ROUTE, "HTTPRoute", "crm").await.unwrap();
        assert_eq!(route["spec"]["hostnames"], json!([host("crm")]));
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}});
        Api::<Ingress>::namespaced(trial.client().clone(), trial.namespace())
            .patch_status("crm", &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
        registered_alone(trial, &format!("https://{NEW}/manifest.json")).await;
        trial
            .until(trial.of::<HttpRoute>(), "crm", "gone", |seen| seen.is_none())
            .await;
        trial.well("crm").await;
        users.end().await;
        classes.delete(&class, &DeleteParams::default()).await.unwrap();
    });
}

/// A second plugin at the host of the first.
fn copy(path: Value) -> Value {
    let mut object = plugin("copy");
    object["spec"]["expose"]["host"] = json!(host("crm"));
    object["spec"]["expose"]["path"] = path;
    object["spec"]["expose"]["verify"] = json!("None");
    object
}

#[test]
fn a_path_that_another_plugin_has_is_refused_and_goes_to_the_next_when_it_leaves() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.apply(&copy(json!("/"))).await;
        let seen = trial.fault("copy", "Config", "HostConflict").await;
        let fault = &seen.0["status"]["fault"];
        assert_eq!(fault["object"]["fieldPath"], "spec.expose.path");
        assert_eq!(seen.truth("Stalled"), "True");
        assert!(trial.get(ROUTE, "HTTPRoute", "copy").await.is_none());
        trial.well("crm").await;
        assert!(trial.is_registered("crm"), "the first one keeps what it has");
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        trial.well("copy").await;
        assert!(trial.get(ROUTE, "HTTPRoute", "copy").await.is_some());
    });
}

#[test]
fn plugins_of_one_namespace_share_a_host_by_path() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.apply(&copy(json!("/copy"))).await;
        trial.well("copy").await;
        let url = format!("https://{}/copy/manifest.json", host("crm"));
        assert!(trial.urls(APPS[0]).contains(&url) && trial.is_registered("crm"));
    });
}

#[test]
fn a_change_of_the_host_survives_a_death_at_every_request_and_users_do_not_notice() {
    let points = crash::every_point_of_a_host_change(Blow::Death);
    assert!(points >= 10, "only {points} points");
}

#[test]
fn a_change_of_the_host_survives_the_loss_of_every_request_and_of_every_answer() {
    let points = crash::every_point_of_a_host_change(Blow::Loss);
    assert!(points >= 10, "only {points} points");
}
