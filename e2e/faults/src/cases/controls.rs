//! Nothing is wrong, and much goes on: no fault may ever be shown.

use std::time::Duration;

use kube::api::{Api, EvictParams, ListParams};
use serde_json::{Value, json};
use wazo_simulated_core::{Daemon, Fault, Stranger};

use super::helpers::{misbehaves, object, only, spec, spec_base, version};
use crate::case::{Act, Case, patch_step, step};
use crate::stage::{PLUGIN, Stage};
use crate::trouble::Result;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = pods();
    cases.extend(objects());
    cases.extend(core());
    cases.extend(shared());
    cases
}

fn two() -> crate::case::PatchStep {
    spec_base(json!({"workload": {"replicas": 2}}))
}

async fn evict_one(stage: &Stage) -> Result {
    use k8s_openapi::api::core::v1::Pod;
    use kube::ResourceExt;
    let pods: Api<Pod> = Api::namespaced(stage.ground.client.clone(), &stage.namespace);
    if let Some(pod) = pods.list(&ListParams::default()).await?.into_iter().next() {
        pods.evict(&pod.name_any(), &EvictParams::default()).await?;
    }
    Ok(())
}

fn pods() -> Vec<Case> {
    vec![
        Case::control("first-start", 15, Act::default()).with_first_contact(),
        Case::control("first-start-of-two-pods", 15, Act::default())
            .base(two())
            .with_first_contact(),
        Case::control(
            "rolling-update",
            15,
            spec(json!({"workload": {"image": "registry.wazo.test/panel:1.1.0"}})),
        ),
        Case::control("scaling-up", 12, spec(json!({"workload": {"replicas": 3}}))),
        Case::control("scaling-down", 12, spec(json!({"workload": {"replicas": 1}}))).base(two()),
        Case::control(
            "scaling-to-none-and-back",
            10,
            spec(json!({"workload": {"replicas": 0}})),
        ),
        Case::control(
            "one-of-two-pods-evicted",
            15,
            only(|stage| Box::pin(evict_one(stage))),
        )
        .base(two()),
        Case::control(
            "the-only-pod-deleted",
            15,
            only(|stage| Box::pin(async move { stage.delete_pods().await })),
        ),
        Case::control(
            "slow-start-within-its-budget",
            25,
            version("slow", json!({"listenAfterSeconds": 8})),
        )
        .base(spec_base(json!({"workload": {"startup": {"timeout": "1m"}}}))),
        Case::control(
            "one-lost-health-check",
            12,
            only(|stage| {
                Box::pin(async move {
                    stage.misbehave(&json!({"slow": {"ms": 2500}})).await?;
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    stage.misbehave(&json!({})).await
                })
            }),
        ),
        Case::control(
            "image-pulled-again",
            15,
            only(|stage| {
                Box::pin(async move {
                    let registry = &stage.ground.registry;
                    registry.forget(&format!("{}/variants:again", crate::registry::NAME))?;
                    evict_one(stage).await
                })
            }),
        )
        .base(patch_step(|stage| {
            Box::pin(async move {
                let mark = |config: &mut Value| config["config"]["Labels"]["again"] = json!("yes");
                let image = stage.ground.registry.variant("again", &mark).await?;
                Ok(json!({"spec": {"workload": {"image": image, "replicas": 2}}}))
            })
        })),
    ]
}

fn objects() -> Vec<Case> {
    vec![
        Case::control(
            "secret-applied-again",
            35,
            only(|stage| Box::pin(async move { stage.credentials().await })),
        ),
        Case::control(
            "authority-touched",
            10,
            only(|stage| {
                Box::pin(async move {
                    let touch = json!({"metadata": {"annotations": {"touched": "yes"}}});
                    stage.edit("v1", "ConfigMap", "main", touch).await
                })
            }),
        ),
        Case::control(
            "service-deleted-by-somebody",
            15,
            only(|stage| Box::pin(async move { stage.delete("v1", "Service", PLUGIN).await })),
        ),
        Case::control(
            "generous-quota",
            10,
            object(json!({
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "roomy"}, "spec": {"hard": {"pods": "50"}},
            })),
        ),
        Case::control(
            "plugin-annotated",
            10,
            Act::patch(crate::case::fixed(
                json!({"metadata": {"annotations": {"touched": "yes"}}}),
            )),
        ),
        Case::control(
            "core-labelled",
            10,
            only(|stage| {
                Box::pin(async move {
                    let mut core = stage.wazo_core();
                    core["metadata"]["labels"] = json!({"team": "telephony"});
                    stage.apply(&core).await
                })
            }),
        ),
        Case::control(
            "a-setting-is-changed",
            15,
            spec(json!({"workload": {"env": [{"name": "COLOUR", "value": "blue"}]}})),
        ),
        Case::control(
            "manifest-changes-for-the-better",
            35,
            misbehaves(json!({"manifest": {"With": {"path": "version", "value": "1.0.1"}}})),
        ),
    ]
}

fn core() -> Vec<Case> {
    vec![
        Case::control(
            "core-upgraded-with-short-502s",
            40,
            only(|stage| {
                Box::pin(async move {
                    let faults = stage.core.faults();
                    for daemon in [Daemon::Confd, Daemon::Auth] {
                        let away = faults.inject(Fault::daemon_down(daemon)).await;
                        tokio::time::sleep(Duration::from_secs(3)).await;
                        faults.clear(away).await;
                    }
                    Ok(())
                })
            }),
        ),
        Case::control(
            "core-forgets-all-tokens",
            35,
            only(|stage| {
                Box::pin(async move {
                    stage.core.faults().expire_tokens();
                    Ok(())
                })
            }),
        ),
        Case::control(
            "core-takes-half-a-second",
            35,
            super::helpers::core_fault(|| Fault::latency(Duration::from_millis(500))),
        ),
        Case::control(
            "somebody-adds-a-url-in-the-core",
            35,
            only(|stage| {
                Box::pin(async move {
                    stage.core.apps().act(&Stranger::AddUrl {
                        tenant: stage.core.tenant().to_owned(),
                        name: wazo_e2e::trial::APPS[0].to_owned(),
                        url: "https://theirs.example/manifest.json".to_owned(),
                    });
                    Ok(())
                })
            }),
        ),
        Case::control(
            "one-request-to-the-core-is-lost",
            35,
            only(|stage| {
                Box::pin(async move {
                    stage
                        .core
                        .faults()
                        .inject(Fault::reset_before_effect().times(1))
                        .await;
                    Ok(())
                })
            }),
        ),
    ]
}

fn shared() -> Vec<Case> {
    let restart = only(|stage| {
        Box::pin(async move {
            let now = kube::api::DeleteParams::default().grace_period(0);
            let pods: Api<k8s_openapi::api::core::v1::Pod> =
                Api::namespaced(stage.ground.client.clone(), wazo_e2e_node::OPERATOR);
            pods.delete_collection(&now, &ListParams::default()).await?;
            Ok(())
        })
    });
    let pause = Act::doing(
        step(|stage| {
            Box::pin(async move {
                stage.ground.halt("traefik")?;
                tokio::time::sleep(Duration::from_secs(2)).await;
                stage.ground.resume("traefik")
            })
        }),
        step(|stage| Box::pin(async move { stage.ground.resume("traefik") })),
    );
    let drain = Act::doing(
        step(|stage| {
            Box::pin(async move {
                evict_one(stage).await?;
                tokio::time::sleep(Duration::from_secs(4)).await;
                evict_one(stage).await
            })
        }),
        step(|_| Box::pin(async { Ok(()) })),
    );
    vec![
        Case::control("pods-drained-one-after-the-other", 15, drain).base(two()),
        Case::control("operator-killed", 35, restart).exclusive(),
        Case::control("gateway-pauses-for-two-seconds", 35, pause).exclusive(),
    ]
}
