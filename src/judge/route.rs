//! Layer Route: whether the Gateway takes the plugin's route.

use jiff::Timestamp;

use super::candidate::Candidate;
use super::manifest::SETTLE_SECONDS;
use super::state::State;
use super::{World, known_faults};
use crate::api::condition::{ConditionType, find};
use crate::api::fault::Party;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::observe::facts::{ConditionFact, RouteParentFact};
use crate::observe::memory::ChildKind;
use crate::observe::world::GatewayView;

/// How long a Gateway controller may take to look at a new route.
const CONTROLLER_SECONDS: i64 = 30;
/// How long it may take to find a Service that was made at the same time.
const BACKEND_SECONDS: i64 = 15;

/// Judges Gateway and route.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> State {
    let Some(expose) = &plugin.spec.expose else {
        return State::Good;
    };
    if let Some(conflict) = super::host::judge(world, expose) {
        return conflict;
    }
    let Some(gateway) = &expose.gateway else {
        return super::ingress::judge(world, plugin);
    };
    let namespace = gateway
        .namespace
        .as_deref()
        .unwrap_or(&world.itself.key.namespace);
    let gateway = &gateway.name;
    let at_gateway = |candidate: Candidate| {
        State::bad(candidate.object("gateway.networking.k8s.io/v1", "Gateway", namespace, gateway))
    };
    match &world.gateway {
        GatewayView::NotAsked => return State::Good,
        GatewayView::ApiMissing => {
            return State::bad(
                Candidate::new(
                    Reason::GatewayApiMissing,
                    world.now,
                    "the cluster does not serve gateway.networking.k8s.io/v1",
                )
                .evidence("API server", "404 for httproutes", None),
            );
        }
        GatewayView::NotFound => {
            return at_gateway(
                Candidate::new(
                    Reason::GatewayNotFound,
                    world.now,
                    format!("there is no Gateway \"{namespace}/{gateway}\""),
                )
                .evidence("API server", "not found", Some(format!("Gateway/{gateway}"))),
            )
            .with_field("spec.expose.gateway");
        }
        GatewayView::Found(fact) => {
            if let Some(programmed) = fact
                .programmed
                .as_ref()
                .filter(|condition| condition.status == "False")
            {
                return at_gateway(said(
                    Reason::GatewayNotProgrammed,
                    "the Gateway is not programmed",
                    programmed,
                    gateway,
                    world.now,
                ));
            }
        }
    }
    if let Some(refusal) = world
        .memory
        .get(&ChildKind::HttpRoute)
        .and_then(|memory| memory.refusal.as_ref())
    {
        return State::bad(
            Candidate::new(
                refusal.reason,
                refusal.since,
                format!("the HTTPRoute cannot be applied: {}", refusal.message),
            )
            .evidence(
                "API server",
                refusal.message.clone(),
                Some(format!("HTTPRoute/{}", world.itself.key.name)),
            ),
        );
    }
    let Some(route) = &world.children.route else {
        return State::waiting("Progressing", "the HTTPRoute is being made");
    };
    if route.id.deleting {
        return State::waiting("Progressing", "the HTTPRoute is being deleted, and made again");
    }
    let current = |parent: &&RouteParentFact| parent.observed_generation >= route.id.generation;
    let Some(parent) = route.parents.iter().find(current) else {
        let told = "the Gateway has not looked at the HTTPRoute yet";
        // A controller that has seen the route before tells of it again; no time makes that a fault of its own.
        if !route.parents.is_empty() {
            // Put back, or rid of an old host: what was in force goes on until the controller says otherwise.
            let in_force = super::settled(world) && super::was_ready(world);
            return if in_force {
                State::Good
            } else {
                State::waiting("RoutePending", told)
            };
        }
        let since = route.created.unwrap_or(world.now);
        let left = CONTROLLER_SECONDS - (world.now.as_second() - since.as_second());
        if left > 0 {
            return State::for_now("RoutePending", told, left);
        }
        return at_gateway(
            Candidate::new(
                Reason::NoRouteController,
                since,
                "no Gateway controller has looked at the HTTPRoute",
            )
            .evidence(
                "API server",
                "status.parents is empty",
                Some(format!("HTTPRoute/{}", world.itself.key.name)),
            ),
        );
    };
    match (&parent.accepted, &parent.resolved) {
        (Some(accepted), _) if !accepted.is_true() => State::bad(
            said(
                Reason::RouteNotAccepted,
                "the Gateway does not accept the HTTPRoute",
                accepted,
                &world.itself.key.name,
                world.now,
            )
            .field("spec.expose"),
        ),
        (_, Some(resolved)) if !resolved.is_true() && resolved.reason == "BackendNotFound" => {
            let age = world.now.as_second() - resolved.since.unwrap_or(world.now).as_second();
            if age < BACKEND_SECONDS {
                return State::for_now(
                    "RoutePending",
                    "the Gateway has not found the Service yet",
                    BACKEND_SECONDS - age,
                );
            }
            State::bad(said(
                Reason::RouteBackendNotFound,
                "the Gateway does not find the Service",
                resolved,
                &world.itself.key.name,
                world.now,
            ))
        }
        (_, Some(resolved)) if !resolved.is_true() => State::bad(
            said(
                Reason::RouteNotAccepted,
                "the Gateway does not resolve the HTTPRoute's references",
                resolved,
                &world.itself.key.name,
                world.now,
            )
            .party(Party::Cluster),
        ),
        (Some(_), _) => State::Good,
        (None, _) => State::waiting("RoutePending", "the Gateway has not accepted the HTTPRoute yet"),
    }
}

/// Seconds in which a Gateway may still have to do what it says: it took the route a moment before it was looked. What
/// controllers tell of times is not asked: some of them tell of another one with each look.
pub(super) fn settling(world: &World, looked: Timestamp) -> Option<i64> {
    let untaken = |reason: Reason| {
        matches!(
            reason,
            Reason::GatewayNotFound
                | Reason::GatewayNotProgrammed
                | Reason::RouteNotAccepted
                | Reason::RouteBackendNotFound
                | Reason::NoRouteController
        )
    };
    if known_faults(world).any(|fault| fault.caused_by.is_none() && untaken(fault.reason)) {
        return Some(SETTLE_SECONDS);
    }
    let exposed = find(&world.itself.before.conditions, ConditionType::Exposed)?;
    let since = exposed.last_transition_time.0.as_second();
    let left = SETTLE_SECONDS - (looked.as_second() - since);
    (exposed.status == "Unknown" && left > 0).then_some(left.min(SETTLE_SECONDS))
}

/// A candidate from what a controller says in a condition.
fn said(reason: Reason, message: &str, condition: &ConditionFact, name: &str, now: Timestamp) -> Candidate {
    let words = if condition.message.is_empty() {
        &condition.reason
    } else {
        &condition.message
    };
    Candidate::new(
        reason,
        condition.since.unwrap_or(now),
        format!("{message}: {words}"),
    )
    .evidence(
        "gateway",
        format!("{}: {words}", condition.reason),
        Some(name.to_owned()),
    )
}

impl State {
    fn with_field(self, path: &str) -> Self {
        match self {
            Self::Bad(candidate) => Self::bad(candidate.field(path)),
            other => other,
        }
    }
}
