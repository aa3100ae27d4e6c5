//! Layer Sandbox: whether a node can make the surroundings of a pod's containers, its network first of all.

use super::World;
use super::around::{at_the_start, once_it_lasts, owner, weighed_by_what_serves};
use super::candidate::Candidate;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;

/// Judges what the kubelet says of pods that it is starting.
#[must_use]
pub fn judge(world: &World, _plugin: &Plugin) -> Vec<Candidate> {
    let events = at_the_start(
        world,
        &[
            "FailedCreatePodSandBox",
            "FailedCreatePodContainer",
            "NetworkNotReady",
        ],
    );
    let Some(event) = events.first() else {
        return Vec::new();
    };
    let since = event.since.or(event.at).unwrap_or(world.now);
    let told =
        "the node cannot make the sandbox of the plugin's pods: their network, or the container runtime";
    let candidate = Candidate::new(Reason::SandboxFailed, since, told).evidence(
        "kubelet",
        event.message.clone(),
        Some(owner(world)),
    );
    vec![weighed_by_what_serves(
        world,
        once_it_lasts(event, world, candidate),
    )]
}
