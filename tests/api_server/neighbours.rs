//! Plugins that share something and fail alike: what each knows of the others is how many they are.

use serde_json::{Value, json};
use wazo_e2e::objects::{Seen, plugin};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{Trial, trial};

fn pulling(name: &str) -> Value {
    let mut object = plugin(name);
    object["spec"]["workload"]["image"] = json!(format!("registry.example/{name}:1"));
    object
}

fn unreachable(name: &str) -> PodState {
    let image = format!("registry.example/{name}:1");
    PodState::Waiting {
        reason: "ErrImagePull",
        message: format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": dial tcp 10.0.0.9:443: i/o timeout"
        ),
    }
}

/// Applies a plugin whose image cannot be pulled, and waits until it is blamed on the registry: confirming that takes ten
/// seconds, which begin when the operator has come so far as to look at the plugin.
async fn blamed_on_the_registry(trial: &mut Trial, name: &str) -> Seen {
    trial.pods(name, unreachable(name));
    trial.apply(&pulling(name)).await;
    trial
        .plugin_until(name, "looked at", |seen| {
            seen.0["status"]["observedGeneration"] == 1
        })
        .await;
    trial.fault(name, "Cluster", "RegistryUnreachable").await
}

#[test]
fn a_registry_that_three_namespaces_do_not_reach_is_blamed_with_more_confidence_and_nobody_is_named() {
    trial(async |trial: &mut Trial| {
        let (acme, other) = (trial.neighbour().await, trial.neighbour().await);
        trial.connect().await;
        trial.start();
        let seen = blamed_on_the_registry(trial, "one").await;
        assert_eq!(
            seen.0["status"]["fault"]["confidence"], "Medium",
            "it is alone with that"
        );
        let own = trial.enter(&acme);
        for (namespace, name) in [(&acme, "two"), (&other, "three")] {
            trial.enter(namespace);
            trial.connect().await;
            blamed_on_the_registry(trial, name).await;
        }
        trial.enter(&own);
        let seen = trial
            .plugin_until("one", "told of its neighbours", |seen| {
                seen.0["status"]["fault"]["confidence"] == "High"
            })
            .await;
        let told = seen.0["status"].to_string();
        assert!(
            told.contains("3 of 3 namespaces with the same registry"),
            "{told}"
        );
        assert!(
            !told.contains(acme.as_str()) && !told.contains(other.as_str()),
            "{told}"
        );
    });
}
