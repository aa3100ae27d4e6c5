//! How plugins are reached: by an Ingress, with labels and annotations of the user, and by one thing at a time.

use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use wazo_e2e::objects::{GATEWAY, plugin};
use wazo_e2e::trial::{Trial, trial};

pub(super) const INGRESS: &str = "networking.k8s.io/v1";
const ROUTE: &str = "gateway.networking.k8s.io/v1";

/// Makes an IngressClass of the test's own; its name is that of the namespace.
pub(super) async fn class(trial: &Trial) -> String {
    let name = trial.namespace().to_owned();
    let class: IngressClass = serde_json::from_value(json!({
        "metadata": {"name": name}, "spec": {"controller": "simulated.test/ingress"},
    }))
    .expect("an IngressClass");
    Api::<IngressClass>::all(trial.client().clone())
        .create(&PostParams::default(), &class)
        .await
        .expect("a name of the test's own");
    name
}

/// Removes the IngressClass of a test: it belongs to no namespace.
pub(super) async fn unclass(trial: &Trial, name: &str) {
    Api::<IngressClass>::all(trial.client().clone())
        .delete(name, &DeleteParams::default())
        .await
        .expect("the class stands");
}

fn ingresses(trial: &Trial) -> Api<Ingress> {
    Api::namespaced(trial.client().clone(), trial.namespace())
}

/// Plays the controller: says where the Ingress is reached.
pub(super) async fn publish(trial: &Trial, name: &str) {
    trial
        .until(trial.of::<Ingress>(), name, "made", |seen| seen.is_some())
        .await;
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}});
    ingresses(trial)
        .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("the Ingress stands");
}

pub(super) fn with_ingress(name: &str, class: &str) -> Value {
    let mut object = plugin(name);
    object["spec"]["expose"]["gateway"] = Value::Null;
    object["spec"]["expose"]["ingress"] =
        json!({"className": class, "tls": {"secretName": format!("{name}-tls")}});
    object
}

#[test]
fn an_ingress_leads_to_the_plugin_when_its_class_is_there_and_its_controller_has_published_an_address() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let certificate = trial.wiring().network.issue("crm.plugins.test", 90);
        trial.apply(&certificate.secret("crm-tls")).await;
        let name = trial.namespace().to_owned();
        trial.apply(&with_ingress("crm", &name)).await;
        let seen = trial.fault("crm", "Config", "IngressClassNotFound").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.expose.ingress.className"
        );
        class(trial).await;
        publish(trial, "crm").await;
        trial.well("crm").await;
        let ingress = trial.get(INGRESS, "Ingress", "crm").await.unwrap();
        assert_eq!(
            ingress["spec"],
            json!({
                "ingressClassName": name,
                "rules": [{"host": "crm.plugins.test", "http": {"paths": [{
                    "path": "/", "pathType": "Prefix",
                    "backend": {"service": {"name": "crm", "port": {"number": 80}}},
                }]}}],
                "tls": [{"hosts": ["crm.plugins.test"], "secretName": "crm-tls"}],
            })
        );
        assert!(trial.is_registered("crm"));
        assert!(trial.list(ROUTE, "HTTPRoute").await.is_empty());
        unclass(trial, &name).await;
    });
}

#[test]
fn from_a_gateway_to_an_ingress_and_back_each_in_one_edit_nothing_is_left_behind() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let name = class(trial).await;
        let edit = json!({"spec": {"expose": {"gateway": null, "ingress": {"className": name}}}});
        trial.edit_plugin("crm", &edit).await;
        publish(trial, "crm").await;
        trial
            .until(
                trial.of::<wazo_plugin_operator::observe::gateway_api::HttpRoute>(),
                "crm",
                "gone",
                |seen| seen.is_none(),
            )
            .await;
        trial.well("crm").await;
        let edit = json!({"spec": {"expose": {"gateway": {"name": GATEWAY}, "ingress": null}}});
        trial.edit_plugin("crm", &edit).await;
        trial
            .until(trial.of::<Ingress>(), "crm", "gone", |seen| seen.is_none())
            .await;
        trial.well("crm").await;
        assert!(trial.get(ROUTE, "HTTPRoute", "crm").await.is_some());
        assert!(trial.is_registered("crm"));
    });
}

#[test]
fn labels_and_annotations_reach_the_route_and_ours_win() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mut object = plugin("crm");
        object["spec"]["expose"]["metadata"] = json!({
            "labels": {"team": "crm", "app.kubernetes.io/managed-by": "somebody"},
            "annotations": {"external-dns.alpha.kubernetes.io/ttl": "60"},
        });
        trial.apply(&object).await;
        trial.ready("crm").await;
        let route = trial.get(ROUTE, "HTTPRoute", "crm").await.unwrap();
        let metadata = &route["metadata"];
        assert_eq!(metadata["labels"]["team"], "crm");
        assert_eq!(
            metadata["labels"]["app.kubernetes.io/managed-by"],
            "wazo-plugin-operator"
        );
        assert_eq!(
            metadata["annotations"]["external-dns.alpha.kubernetes.io/ttl"],
            "60"
        );
        let service = trial.get("v1", "Service", "crm").await.unwrap();
        assert!(service["metadata"]["labels"]["team"].is_null());
        let bad = json!({"spec": {"expose": {"metadata": {"labels": {"plugins.wazo.io/plugin": "x"}}}}});
        trial.edit_plugin("crm", &bad).await;
        let seen = trial.fault("crm", "Config", "InvalidSpec").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.expose.metadata.labels[\"plugins.wazo.io/plugin\"]"
        );
        // Taken away again, they leave the route.
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"metadata": null}}}))
            .await;
        trial.well("crm").await;
        let route = trial.get(ROUTE, "HTTPRoute", "crm").await.unwrap();
        assert!(route["metadata"]["labels"]["team"].is_null());
    });
}
