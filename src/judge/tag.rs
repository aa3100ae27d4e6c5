//! Layer Image: whether the pods of one revision run one image.

use std::collections::BTreeSet;

use super::World;
use super::candidate::Candidate;
use super::workload::newest_pods;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;

/// A tag that was pushed again: pods that were made later run another release than the others, and serve as well.
pub(super) fn judge(world: &World, plugin: &Plugin) -> Vec<Candidate> {
    let Some(workload) = plugin.workload() else {
        return Vec::new();
    };
    let serving: Vec<_> = newest_pods(world).into_iter().filter(|pod| pod.ready).collect();
    let ids = serving.iter().filter_map(|pod| pod.container.image_id.as_deref());
    // The same digest by way of a mirror is the same image.
    let digests: BTreeSet<&str> = ids.filter_map(|id| Some(id.rsplit_once('@')?.1)).collect();
    if digests.len() < 2 {
        return Vec::new();
    }
    let since = serving.iter().filter_map(|pod| pod.ready_since).max();
    let told = format!(
        "image \"{}\": pods of one revision run {} different images",
        workload.image,
        digests.len()
    );
    let owner = format!("Deployment/{}", world.itself.key.name);
    let candidate = Candidate::new(Reason::TagMoved, since.unwrap_or(world.now), told)
        .evidence("kubelet", "image ids that differ", Some(owner))
        .field("spec.workload.image")
        .not_blocking();
    // An image of several architectures has a digest for each of them on some runtimes.
    let capacity = world.surroundings.capacity.as_ref();
    let alike = capacity.is_some_and(|capacity| capacity.architectures.len() == 1);
    vec![if alike {
        candidate
    } else {
        candidate.indirect("whether all nodes are of one architecture")
    }]
}
