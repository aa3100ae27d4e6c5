//! What other plugins have in the core, too, of what one is about to take out of it.

use kube::Resource;

use super::context::Context;
use crate::api::object::Raw;
use crate::api::parse::Plugin;
use crate::api::plugin::{WazoPlugin, WazoPluginSpec, WazoPluginStatus};
use crate::core::facts::SessionFact;
use crate::observe::claims::Claims;
use crate::observe::world::{CoreView, World};
use crate::plan::registrations::{self, claims::Claimant};

impl Context {
    /// What other plugins have there of what this one is about to take out of the core. What they only say counts for
    /// nothing: anybody may write a WazoPlugin, and a WazoCore of any URL.
    pub(super) fn shared(&self, world: &World) -> Claims {
        let mut claims = Claims::default();
        let (itself, Some(core)) = (&world.itself, &world.core) else {
            return claims;
        };
        if !registrations::leaves(world) {
            return claims;
        }
        let others = self.plugins.state_filter(|other| {
            other.meta().deletion_timestamp.is_none() && other.meta().uid.as_deref() != Some(&itself.uid)
        });
        for other in others {
            self.claim(&mut claims, &other, core);
        }
        claims
    }

    fn claim(&self, claims: &mut Claims, other: &Raw<WazoPlugin>, core: &CoreView) {
        let Some(theirs) = self
            .seen_core(other)
            .filter(|theirs| is_same_server(theirs, core))
        else {
            return;
        };
        // Where it cannot be told what is granted, nothing is.
        let key = other.key();
        let Some(allowance) = self.allowance(&theirs.key, &key.namespace) else {
            return;
        };
        let plugin = other.spec::<WazoPluginSpec>().ok();
        let status: WazoPluginStatus = other.status();
        let claimant = Claimant {
            same_core: theirs.key == core.key,
            core: &theirs,
            allowance: &allowance,
            plugin: plugin.and_then(|spec| Plugin::parse(spec).ok()),
            outcomes: self.applier.cores.outcomes(&theirs.key, &key),
            rows: &status.registrations,
            lost: self.lost_by(other),
        };
        claimant.claim(claims);
    }
}

/// Whether two cores lead to the same server. What uuid the server behind another URL names is its own word; a session is
/// what shows that the other one may do anything there.
fn is_same_server(theirs: &CoreView, core: &CoreView) -> bool {
    let url = |view: &CoreView| {
        let spec = view.entry.spec.as_ref()?;
        Some(spec.url.trim_end_matches('/').to_owned())
    };
    let works = theirs.facts.as_ref().is_some_and(|facts| {
        matches!(facts.session, SessionFact::LoggedIn(_)) && facts.stack_changed.is_none()
    });
    theirs.key == core.key || works && url(theirs).is_some() && url(theirs) == url(core)
}
