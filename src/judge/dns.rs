//! Layer DNS: whether it is one name that does not resolve, or none does.

use super::World;
use super::candidate::Candidate;
use super::endpoints::since;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::probe::{ControlFact, Look, LookError, Resolver};

/// Judges the cluster's resolver, while the public host does not resolve.
#[must_use]
pub fn judge(world: &World, _plugin: &Plugin) -> Vec<Candidate> {
    let failed = world.probe.manifests.iter().find(|fact| {
        matches!(fact.public, Some(Look::Bad(LookError::ResolverFailed)))
            && matches!(
                fact.control,
                ControlFact {
                    resolver: Some(Resolver::Silent),
                    ..
                }
            )
    });
    if failed.is_none() {
        return Vec::new();
    }
    let told = "the cluster's resolver answers for no name, its own API server's among them";
    vec![
        Candidate::new(Reason::ClusterDnsDown, since(world), told)
            .evidence("operator→DNS", "no answer for the public host name", None)
            .evidence("operator→DNS", "no answer for kubernetes.default.svc", None),
    ]
}
