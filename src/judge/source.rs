//! The three sources of a plugin: pods of the operator's, a Service of the partner's, or an address elsewhere.

use jiff::Timestamp;

use super::state::State;
use super::{World, service, settled, was, workload};
use crate::api::condition::ConditionType;
use crate::api::parse::Plugin;
use crate::probe::Look;

/// Whether the plugin runs. Also: the seconds after which time alone may change what is seen.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> (State, Option<i64>) {
    if let Some(reference) = &plugin.spec.service_ref {
        return (service::judge(world, reference), None);
    }
    if plugin.spec.url.is_some() {
        return (State::Good, None);
    }
    workload::judge(world, plugin)
}

/// Whether anything serves now, of whatever source or revision.
#[must_use]
pub fn available(world: &World) -> State {
    let plugin = world.itself.plugin.as_ref().ok();
    if let Some(plugin) = plugin.filter(|plugin| plugin.spec.url.is_some()) {
        return elsewhere(world, plugin);
    }
    let pods = world.children.deployment.as_ref();
    if pods.is_some_and(|deployment| deployment.available > 0) || serves_behind_service(world) {
        return State::Good;
    }
    match plugin {
        Some(plugin) if plugin.spec.service_ref.is_some() => {
            State::waiting("NoReadyEndpoints", "no endpoint of the Service is ready")
        }
        Some(plugin) if plugin.is_scaled_to_zero() => {
            State::waiting("ScaledToZero", "spec.workload.replicas is 0")
        }
        _ => State::waiting("NoReadyPods", "no pod is ready"),
    }
}

fn serves_behind_service(world: &World) -> bool {
    match service::known(world) {
        Some(backend) => !backend.ready().is_empty(),
        None => {
            let plugin = world.itself.plugin.as_ref().ok();
            let named = plugin.is_some_and(|plugin| plugin.spec.service_ref.is_some());
            named && settled(world) && was(world, ConditionType::Available)
        }
    }
}

/// A plugin that somebody else hosts serves where its manifests can be had.
fn elsewhere(world: &World, plugin: &Plugin) -> State {
    if plugin.ui.is_empty() {
        return State::waiting("NotProbed", "nothing of the plugin is looked at");
    }
    let looks: Vec<Option<&Look>> = plugin
        .ui
        .iter()
        .map(|entry| super::manifest::fact(world, entry).and_then(|fact| fact.public.as_ref()))
        .collect();
    let unseen = looks.iter().any(Option::is_none);
    let bad = looks.iter().flatten().any(|look| !look.is_good());
    if !bad && (!unseen || settled(world) && was(world, ConditionType::Available)) {
        return State::Good;
    }
    State::waiting("NotAnswering", "the manifest cannot be had at spec.url")
}

/// The revision that a look at a manifest is of: what changes when another release serves, as far as is known.
#[must_use]
pub fn revision(world: &World) -> String {
    let spec = world.itself.plugin.as_ref().ok().map(|plugin| &plugin.spec);
    match spec {
        Some(spec) if spec.url.is_some() => "elsewhere".to_owned(),
        Some(spec) => match &spec.service_ref {
            Some(reference) => format!("Service/{}:{}", reference.name, reference.port),
            None => workload::revision(world),
        },
        None => workload::revision(world),
    }
}

/// Whether a look that failed says something: without anything that serves it says nothing.
#[must_use]
pub fn may_answer(world: &World) -> bool {
    let plugin = world.itself.plugin.as_ref().ok();
    plugin.is_some_and(|plugin| plugin.spec.url.is_some()) || available(world).is_good()
}

/// Since when something serves without a break, as far as is known.
#[must_use]
pub fn serving_since(world: &World) -> Timestamp {
    let plugin = world.itself.plugin.as_ref().ok();
    let workload = plugin.is_none_or(|plugin| plugin.workload().is_some());
    if !workload {
        let backend = service::known(world).filter(|backend| !backend.ready().is_empty());
        return backend.map_or(Timestamp::MIN, |backend| backend.since);
    }
    let ready = world
        .children
        .pods
        .values()
        .filter(|pod| pod.ready && !pod.deleting);
    ready
        .map(|pod| pod.ready_since.unwrap_or(Timestamp::MIN))
        .min()
        .unwrap_or(Timestamp::MIN)
}
