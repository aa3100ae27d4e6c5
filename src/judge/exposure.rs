//! Layer Spec: whether the pods would get the credentials of a core. Whoever may write a plugin is not trusted with
//! them: they act on every tenant of the core's account.

use super::World;
use super::candidate::Candidate;
use crate::api::parse::Plugin;
use crate::api::pod_template::mentions;
use crate::api::reason::Reason;

/// Seconds after which it is looked at again: a WazoCore that goes away wakes nobody.
const LOOK_AGAIN: i64 = 60;

/// What is wrong where a workload mentions the credentials Secret of a WazoCore of its namespace.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Option<Candidate> {
    if world.core_secrets.is_empty() {
        return None;
    }
    let mentioned = mentions(plugin.workload()?, plugin.pod_template.as_ref());
    let found = mentioned
        .into_iter()
        .find(|mention| world.core_secrets.contains(&mention.name))?;
    let told = format!(
        "{}: Secret \"{}\" holds the credentials of a WazoCore",
        found.path, found.name
    );
    let key = &world.itself.key;
    Some(
        Candidate::new(Reason::CoreCredentialsExposed, world.now, told)
            .evidence(
                "operator",
                format!("{} names it", found.path),
                Some(format!("Secret/{}", found.name)),
            )
            .object(
                "plugins.wazo.io/v1alpha1",
                "WazoPlugin",
                &key.namespace,
                &key.name,
            )
            .field(found.path)
            .again(LOOK_AGAIN),
    )
}
