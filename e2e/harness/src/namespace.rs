//! A namespace of one test.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;

use crate::gateway;

/// Makes a namespace with a name of its own.
///
/// # Panics
/// Where the API server refuses.
pub async fn make(client: &Client) -> String {
    let namespace: Namespace = serde_json::from_value(json!({
        "metadata": {"generateName": "test-", "labels": {"wazo-e2e": "true"}}
    }))
    .expect("a namespace");
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap_or_else(|error| panic!("no namespace for the test: {error}"))
        .name_any()
}

/// Makes a namespace with a given name, or takes the one that is there.
///
/// # Panics
/// Where the API server refuses.
pub async fn make_named(client: &Client, name: &str) {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"wazo-e2e": "true"}},
    });
    let api = Api::<Namespace>::all(client.clone());
    let params = PatchParams::apply("wazo-e2e").force();
    if let Err(error) = api.patch(name, &params, &Patch::Apply(namespace)).await {
        panic!("no namespace {name}: {error}");
    }
}

/// Deletes a namespace with all that is in it. Finalizers of ours are taken away and pods are ended: there is no
/// operator and soon no kubelet any more. What is gone already needs no help; what fails shows as a namespace that
/// stays.
pub async fn delete(client: &Client, namespace: &str) {
    let _ = Api::<Namespace>::all(client.clone())
        .delete(namespace, &DeleteParams::default())
        .await;
    for resource in [
        ApiResource::erase::<WazoPlugin>(&()),
        ApiResource::erase::<WazoCore>(&()),
    ] {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let Ok(list) = api.list_metadata(&ListParams::default()).await else {
            continue;
        };
        for object in list {
            let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            let _ = api
                .patch(&object.name_any(), &PatchParams::default(), &free)
                .await;
        }
    }
    let now = DeleteParams::default().grace_period(0);
    let _ = Api::<Pod>::namespaced(client.clone(), namespace)
        .delete_collection(&now, &ListParams::default())
        .await;
}

/// Everything that helps to understand a failure: our objects, children, pods, routes and events.
pub async fn describe(client: &Client, namespace: &str) -> String {
    let mut text = String::new();
    for resource in [
        ApiResource::erase::<WazoCore>(&()),
        ApiResource::erase::<WazoPlugin>(&()),
        gateway::resource("Gateway"),
        gateway::resource("HTTPRoute"),
        ApiResource::erase::<k8s_openapi::api::networking::v1::Ingress>(&()),
        ApiResource::erase::<k8s_openapi::api::networking::v1::NetworkPolicy>(&()),
    ] {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        objects(&mut text, &resource.kind, &api).await;
    }
    of::<Deployment>(&mut text, client, namespace).await;
    of::<Pod>(&mut text, client, namespace).await;
    text.push_str("--- events\n");
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    for event in events.list(&ListParams::default()).await.into_iter().flatten() {
        let about = event.regarding.unwrap_or_default();
        text.push_str(&format!(
            "{} {}/{} {}: {}\n",
            event.type_.unwrap_or_default(),
            about.kind.unwrap_or_default(),
            about.name.unwrap_or_default(),
            event.reason.unwrap_or_default(),
            event.note.unwrap_or_default(),
        ));
    }
    text
}

async fn of<K>(text: &mut String, client: &Client, namespace: &str)
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    K: Clone + DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    objects(
        text,
        &K::kind(&()),
        &Api::<K>::namespaced(client.clone(), namespace),
    )
    .await;
}

async fn objects<K>(text: &mut String, kind: &str, api: &Api<K>)
where
    K: Clone + DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    let list = match api.list(&ListParams::default()).await {
        Ok(list) => list,
        Err(error) => {
            text.push_str(&format!("--- {kind}: {error}\n"));
            return;
        }
    };
    for object in list {
        let mut value = serde_json::to_value(&object).unwrap_or(Value::Null);
        if let Some(metadata) = value["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        text.push_str(&format!("--- {kind}\n{value:#}\n"));
    }
}
