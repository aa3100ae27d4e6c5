//! Plugins that share something and fail alike: what each knows of the others is how many they are.

use serde_json::{Value, json};
use wazo_e2e::objects::plugin;
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

#[test]
fn a_registry_that_three_namespaces_do_not_reach_is_blamed_with_more_confidence_and_nobody_is_named() {
    trial(async |trial: &mut Trial| {
        let (acme, other) = (trial.neighbour().await, trial.neighbour().await);
        trial.connect().await;
        trial.start();
        trial.pods("one", unreachable("one"));
        trial.apply(&pulling("one")).await;
        let seen = trial.fault("one", "Cluster", "RegistryUnreachable").await;
        assert_eq!(
            seen.0["status"]["fault"]["confidence"], "Medium",
            "it is alone with that"
        );
        let own = trial.enter(&acme);
        for (namespace, name) in [(&acme, "two"), (&other, "three")] {
            trial.enter(namespace);
            trial.connect().await;
            trial.pods(name, unreachable(name));
            trial.apply(&pulling(name)).await;
            trial.fault(name, "Cluster", "RegistryUnreachable").await;
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
