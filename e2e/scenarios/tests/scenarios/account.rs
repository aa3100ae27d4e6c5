//! A plugin's account in the core, used by the plugin's own process.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use scenarios::asking;
use scenarios::scene::{Scene, scenario};
use scenarios::waiting::PATIENCE;
use serde_json::{Value, json};
use wazo_e2e::objects::Seen;

/// A WazoCore that lets the plugins of its namespace have accounts.
async fn connect(scene: &Scene) {
    scene.connect().await;
    let mut core = scene.wazo_core();
    core["spec"]["grants"] =
        json!([{"registrations": ["UiApplication", "Account"], "acl": ["confd.users.read"]}]);
    scene.apply(&core).await;
}

/// What the plugin's process says of its account; `None` where the way to the process fails, as while pods change.
async fn asked(scene: &Scene) -> Option<Result<Value, String>> {
    let answer = asking::get(&scene.host("crm"), "/account").await;
    match answer.status {
        200 => Some(serde_json::from_str(&answer.body).map_err(|error| error.to_string())),
        503 if answer.body.starts_with("account:") => Some(Err(answer.body)),
        _ => None,
    }
}

async fn username(scene: &Scene) -> String {
    let waiting = async {
        loop {
            match asked(scene).await {
                Some(Ok(report)) => return report["username"].as_str().unwrap_or_default().to_owned(),
                Some(Err(error)) => panic!("the plugin cannot use its account: {error}"),
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("the plugin does not answer within {PATIENCE:?}"))
}

fn is_registered(seen: &Seen) -> bool {
    seen.is_ready() && seen.0["status"]["registered"]["summary"] == "3/3"
}

#[test]
fn a_plugin_uses_its_account_and_is_never_without_one_while_it_is_replaced() {
    scenario(async |scene| {
        connect(scene).await;
        let mut plugin = scene.plugin("crm");
        plugin["spec"]["workload"]["replicas"] = json!(2);
        plugin["spec"]["registrations"]["account"] = json!({"acl": ["confd.users.read"]});
        scene.apply(&plugin).await;
        scene
            .plugin_until("crm", "Ready with two applications and an account", is_registered)
            .await;
        let first = username(scene).await;
        assert!(first.starts_with("wazo-plugin-"), "{first}");
        let rotate = json!({"metadata": {"annotations": {"plugins.wazo.io/rotate": "now"}}});
        scene
            .api("plugins.wazo.io/v1alpha1", "WazoPlugin")
            .patch("crm", &PatchParams::default(), &Patch::Merge(rotate))
            .await
            .expect("the API server takes an annotation");
        // Asked all the time: any answer that says that the account cannot be used fails the test.
        let replaced = async {
            while username(scene).await == first {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, replaced).await.is_ok(),
            "the account was not replaced"
        );
        let seen = scene
            .plugin_until("crm", "Ready with the next account", is_registered)
            .await;
        assert!(!seen.has_fault());
        assert_ne!(username(scene).await, first);
    });
}
