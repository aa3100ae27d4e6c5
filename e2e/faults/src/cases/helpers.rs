//! Acts that many cases have in common.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use wazo_simulated_core::Fault;

use crate::case::{Act, PatchStep, fixed, patch_step, step};
use crate::stage::Stage;
use crate::trouble::Result;

/// A merge patch of the spec.
pub(super) fn spec(patch: Value) -> Act {
    Act::patch(fixed(json!({"spec": patch})))
}

/// Another version of the image, whose configuration (`config` of the OCI image configuration) is changed: what a partner
/// would have shipped.
pub(super) fn image(tag: &'static str, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Act {
    let change: Arc<dyn Fn(&mut Value) + Send + Sync> = Arc::new(change);
    Act::patch(patch_step(move |stage| {
        let change = Arc::clone(&change);
        Box::pin(async move {
            let image = stage.ground.registry.variant(tag, change.as_ref()).await?;
            Ok(json!({"spec": {"workload": {"image": image}}}))
        })
    }))
}

/// A version of the panel that misbehaves from its start on.
pub(super) fn version(tag: &'static str, misbehave: Value) -> Act {
    image(tag, move |config| {
        let switch = format!("PANEL_MISBEHAVE={misbehave}");
        if let Some(list) = config["config"]["Env"].as_array_mut() {
            list.push(json!(switch));
        }
    })
}

/// The running panel misbehaves.
pub(super) fn misbehaves(how: Value) -> Act {
    Act::doing(
        step(move |stage| {
            let how = how.clone();
            Box::pin(async move { stage.misbehave(&how).await })
        }),
        step(|stage| Box::pin(async move { stage.misbehave(&json!({})).await })),
    )
}

/// A fault stands in the simulated core.
pub(super) fn core_fault(fault: impl Fn() -> Fault + Send + Sync + 'static) -> Act {
    Act::doing(
        step(move |stage| {
            let fault = fault();
            Box::pin(async move {
                stage.core.faults().inject(fault).await;
                Ok(())
            })
        }),
        step(|stage| {
            Box::pin(async move {
                stage.core.faults().clear_all().await;
                Ok(())
            })
        }),
    )
}

/// An object of the namespace comes, and goes.
pub(super) fn object(object: Value) -> Act {
    let copy = object.clone();
    Act::doing(
        step(move |stage| {
            let object = object.clone();
            Box::pin(async move { stage.apply(&object).await })
        }),
        step(move |stage| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (version, kind, name) = (
                text(&copy["apiVersion"]),
                text(&copy["kind"]),
                text(&copy["metadata"]["name"]),
            );
            Box::pin(async move { stage.delete(&version, &kind, &name).await })
        }),
    )
}

/// A merge patch of the spec that the plugin has from the start.
pub(super) fn spec_base(patch: Value) -> PatchStep {
    fixed(json!({"spec": patch}))
}

/// The kubelet asks for the panel's health and not for its manifest.
pub(super) fn healthz() -> PatchStep {
    spec_base(json!({"workload": {"readiness": {"path": "/healthz"}}}))
}

/// The running panel is told the same over and over, since a new process has forgotten it.
pub(super) fn misbehaves_again(how: Value) -> Act {
    Act::doing(
        step(move |stage| {
            let how = how.to_string();
            let teller = stage.teller();
            Box::pin(async move {
                stage.spawn(tokio::spawn(async move {
                    loop {
                        // It may be away at the moment: that is the point.
                        let _ = teller.tell(&how).await;
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                }));
                Ok(())
            })
        }),
        step(|stage| {
            Box::pin(async move {
                // The last of the orders may still be on its way.
                tokio::time::sleep(Duration::from_millis(500)).await;
                stage.delete_pods().await
            })
        }),
    )
}

/// The Secret with the core's account gets another password, and then the right one again.
pub(super) fn core_account_secret(password: &'static str) -> Act {
    Act::doing(
        step(move |stage| {
            Box::pin(async move {
                let (username, _) = stage.core.account();
                stage
                    .apply(&wazo_e2e::objects::credentials(username, password))
                    .await
            })
        }),
        step(|stage| Box::pin(async move { stage.credentials().await })),
    )
}

/// An object is deleted, and made again.
pub(super) fn deleted(
    version: &'static str,
    kind: &'static str,
    name: &'static str,
    again: impl for<'a> Fn(&'a Stage) -> BoxFuture<'a, Result> + Send + Sync + 'static,
) -> Act {
    Act::doing(
        step(move |stage| Box::pin(async move { stage.delete(version, kind, name).await })),
        step(again),
    )
}

/// After what an act does, the plugin's pods are deleted.
pub(super) fn then_delete_pods(act: Act) -> Act {
    let inject = act.inject.clone();
    Act {
        inject: Some(step(move |stage| {
            let inject = inject.clone();
            Box::pin(async move {
                if let Some(inject) = &inject {
                    inject(stage).await?;
                }
                stage.delete_pods().await
            })
        })),
        ..act
    }
}

/// After what an act mends, the plugin's pods are deleted: what they were given they keep.
pub(super) fn mended_with_new_pods(act: Act) -> Act {
    let heal = act.heal.clone();
    Act {
        heal: Some(step(move |stage| {
            let heal = heal.clone();
            Box::pin(async move {
                if let Some(heal) = &heal {
                    heal(stage).await?;
                }
                stage.delete_pods().await
            })
        })),
        ..act
    }
}

/// Does something and leaves it at that.
pub(super) fn only(does: impl for<'a> Fn(&'a Stage) -> BoxFuture<'a, Result> + Send + Sync + 'static) -> Act {
    Act::doing(step(does), step(|_| Box::pin(async { Ok(()) })))
}
