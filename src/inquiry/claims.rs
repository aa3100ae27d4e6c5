//! The claims of volumes that a plugin's pods name.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::GetParams;
use kube::{Api, Client};

use crate::observe::surroundings::ClaimFact;

/// A claim, and the class that it names where it is not bound.
pub(super) async fn one(client: &Client, namespace: &str, name: &str) -> Result<ClaimFact, kube::Error> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let mut fact = match api.get_with(name, &GetParams::any()).await {
        Ok(claim) => fact(&claim),
        Err(kube::Error::Api(status)) if status.code == 404 => ClaimFact {
            name: name.to_owned(),
            ..ClaimFact::default()
        },
        Err(error) => return Err(error),
    };
    // The empty name means: no class, a volume made by hand.
    if let Some(class) = fact
        .class
        .clone()
        .filter(|class| !class.is_empty() && fact.phase != "Bound")
    {
        (fact.class_found, fact.waits_for_pod) = found(client, &class).await;
    }
    Ok(fact)
}

/// Whether a class exists, where that can be read, and whether it waits for a pod.
async fn found(client: &Client, class: &str) -> (Option<bool>, bool) {
    let api: Api<StorageClass> = Api::all(client.clone());
    match api.get_with(class, &GetParams::any()).await {
        Ok(class) => {
            let waits = class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer");
            (Some(true), waits)
        }
        Err(kube::Error::Api(status)) if status.code == 404 => (Some(false), false),
        Err(_) => (None, false),
    }
}

fn fact(claim: &PersistentVolumeClaim) -> ClaimFact {
    let spec = claim.spec.as_ref();
    let status = claim.status.as_ref();
    ClaimFact {
        name: claim.metadata.name.clone().unwrap_or_default(),
        found: true,
        phase: status.and_then(|status| status.phase.clone()).unwrap_or_default(),
        class: spec.and_then(|spec| spec.storage_class_name.clone()),
        class_found: None,
        waits_for_pod: false,
        since: claim.metadata.creation_timestamp.as_ref().map(|time| time.0),
    }
}
