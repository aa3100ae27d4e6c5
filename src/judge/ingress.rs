//! Layer Route, for an Ingress: whether a controller serves it.
//!
//! An Ingress tells less than a route: that a controller has taken it shows only in the address that it publishes, and
//! some controllers never publish one. So a good answer of the public address counts for more than the status.

use super::World;
use super::candidate::Candidate;
use super::manifest;
use super::state::State;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::observe::memory::ChildKind;
use crate::observe::world::IngressClassView;
use crate::probe::Look;

/// How long a controller may take to publish where an Ingress is reached.
const CONTROLLER_SECONDS: i64 = 60;

/// Judges class and Ingress.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> State {
    let Some(ingress) = plugin
        .spec
        .expose
        .as_ref()
        .and_then(|expose| expose.ingress.as_ref())
    else {
        return State::Good;
    };
    if let Some(refused) = super::exposure::of_ingress(world, plugin) {
        return State::bad(refused);
    }
    let name = &world.itself.key.name;
    if world.ingress_class == IngressClassView::NotFound {
        let class = ingress.class_name.as_deref().unwrap_or_default();
        return without_class(world, format!("there is no IngressClass \"{class}\""));
    }
    let memory = world.memory.get(&ChildKind::Ingress);
    if let Some(refusal) = memory.and_then(|memory| memory.refusal.as_ref()) {
        let told = format!("the Ingress cannot be applied: {}", refusal.message);
        let object = Some(format!("Ingress/{name}"));
        return State::bad(
            Candidate::new(refusal.reason, refusal.since, told)
                .evidence("API server", refusal.message.clone(), object)
                .object(
                    "networking.k8s.io/v1",
                    "Ingress",
                    &world.itself.key.namespace,
                    name,
                ),
        );
    }
    let Some(standing) = &world.children.ingress else {
        return State::waiting("Progressing", "the Ingress is being made");
    };
    if standing.id.deleting {
        return State::waiting("Progressing", "the Ingress is being deleted, and made again");
    }
    if standing.published || answers_well(world, plugin) {
        return State::Good;
    }
    let since = standing.created.unwrap_or(world.now);
    let left = CONTROLLER_SECONDS - (world.now.as_second() - since.as_second());
    if left > 0 {
        let told = "no Ingress controller has published an address for the Ingress yet";
        return State::for_now("IngressPending", told, left);
    }
    if world.ingress_class == IngressClassView::NoDefault && standing.class.is_none() {
        return without_class(
            world,
            "spec.expose.ingress.className is not set, and the cluster has no default IngressClass"
                .to_owned(),
        );
    }
    State::bad(
        Candidate::new(
            Reason::IngressNotServed,
            world.now,
            "no Ingress controller has published an address for the Ingress",
        )
        .evidence(
            "API server",
            "status.loadBalancer is empty",
            Some(format!("Ingress/{name}")),
        )
        .object(
            "networking.k8s.io/v1",
            "Ingress",
            &world.itself.key.namespace,
            name,
        )
        // Some controllers never publish one.
        .indirect("a good answer of the public address"),
    )
}

/// Whether every manifest was had at the public address.
fn answers_well(world: &World, plugin: &Plugin) -> bool {
    !plugin.ui.is_empty()
        && plugin.ui.iter().all(|entry| match manifest::fact(world, entry) {
            Some(fact) => fact.public.as_ref().is_some_and(Look::is_good),
            // Before the first look of this process: what was true goes on to hold.
            None => manifest::judge_entry(world, entry).is_good(),
        })
}

fn without_class(world: &World, told: String) -> State {
    let key = &world.itself.key;
    State::bad(
        Candidate::new(Reason::IngressClassNotFound, world.now, told.clone())
            .evidence("API server", told, Some(format!("WazoPlugin/{}", key.name)))
            .object(
                "plugins.wazo.io/v1alpha1",
                "WazoPlugin",
                &key.namespace,
                &key.name,
            )
            .field("spec.expose.ingress.className"),
    )
}
