//! Acts that many cases have in common.

use std::sync::Arc;

use serde_json::{Value, json};
use wazo_simulated_core::Fault;

use crate::case::{Act, fixed, patch_step, step};

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
