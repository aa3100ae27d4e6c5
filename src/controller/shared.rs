//! What other plugins have in the core, too, of what one is about to take out of it.

use kube::Resource;
use kube::runtime::reflector::ObjectRef;

use super::context::Context;
use crate::api::core::{WazoCore, WazoCoreSpec};
use crate::api::object::Raw;
use crate::api::parse::Plugin;
use crate::api::plugin::{WazoPlugin, WazoPluginSpec, WazoPluginStatus};
use crate::core::facts::SessionFact;
use crate::observe::claims::Claims;
use crate::observe::world::{CoreView, World};
use crate::plan::registrations;
use crate::plan::registrations::claims::{Claimant, attested};

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
        let status: WazoPluginStatus = other.status();
        if self.is_not_looked_at(other, core) {
            attested(&status.registrations).for_each(|url| claims.wait_anywhere(url));
            return;
        }
        let Some(theirs) = self.seen_core(other).filter(|theirs| may_be_same(theirs, core)) else {
            return;
        };
        // Where it cannot be told what is granted, nothing is.
        let key = other.key();
        let Some(allowance) = self.allowance(&theirs.key, &key.namespace) else {
            return;
        };
        let plugin = other.spec::<WazoPluginSpec>().ok();
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

    /// Whether another plugin's core of the same URL was not looked at yet since this process began: it is within moments.
    fn is_not_looked_at(&self, other: &Raw<WazoPlugin>, core: &CoreView) -> bool {
        let Some(key) = Self::core_of(other).filter(|key| key.namespace == other.key().namespace) else {
            return false;
        };
        let object = ObjectRef::new(&key.name).within(&key.namespace);
        let spec = |object: &Raw<WazoCore>| object.spec::<WazoCoreSpec>().ok();
        let theirs = self.core_objects.get(&object).and_then(|object| spec(&object));
        let ours = core.entry.spec.as_ref().map(url);
        self.directory.get(&key).is_none() && theirs.is_some() && theirs.as_ref().map(url) == ours
    }
}

fn url(spec: &WazoCoreSpec) -> &str {
    spec.url.trim_end_matches('/')
}

/// Whether two cores lead to the same server, as far as is known. What uuid the server behind another URL names is its own word; a session is
/// what shows that the other one may do anything there.
fn may_be_same(theirs: &CoreView, core: &CoreView) -> bool {
    let (one, two) = (theirs.entry.spec.as_ref(), core.entry.spec.as_ref());
    let may_work = theirs.facts.as_ref().is_some_and(|facts| {
        !matches!(facts.session, SessionFact::Failed(_)) && facts.stack_changed.is_none()
    });
    theirs.key == core.key || may_work && one.is_some() && one.map(url) == two.map(url)
}
