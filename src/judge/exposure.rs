//! Layer Spec: whether the pods, or the Ingress, would get the credentials of a core. Whoever may write a plugin is not trusted with
//! them: they act on every tenant of the core's account.

use super::World;
use super::candidate::Candidate;
use super::certificate;
use crate::api::parse::Plugin;
use crate::api::pod_template::{SecretMention, mentions};
use crate::api::reason::Reason;
use crate::observe::tls_secret::TlsReference;

/// Seconds after which it is looked at again: a WazoCore that goes away wakes nobody.
const LOOK_AGAIN: i64 = 60;

/// What is wrong where a workload mentions the credentials Secret of a WazoCore of its namespace.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Option<Candidate> {
    if world.core_secrets.is_empty() {
        return None;
    }
    refused(world, mentions(plugin.workload()?, plugin.pod_template.as_ref()))
}

/// What is wrong where the Ingress's certificate is to come from such a Secret, or from one of ours.
#[must_use]
pub fn of_ingress(world: &World, plugin: &Plugin) -> Option<Candidate> {
    let mention = SecretMention {
        path: certificate::FIELD.to_owned(),
        name: TlsReference::of(plugin)?.secret,
    };
    refused(world, vec![mention])
}

fn refused(world: &World, mentioned: Vec<SecretMention>) -> Option<Candidate> {
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
