//! Which plugins claim which host: a small index, kept so that a pass looks at the few plugins of its own hosts alone.
//!
//! It only says whom to look at. What they claim is read from their objects as the watch has told them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::api::object::Raw;
use crate::api::plugin::WazoPlugin;
use crate::keys::PluginKey;
use crate::observe::hosts::{Claim, Place};
use crate::observe::ledger_mark::Counted;
use crate::observe::routed::prefix;

/// The index.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    listed: bool,
    plugins: HashMap<String, BTreeSet<PluginKey>>,
    places: HashMap<PluginKey, BTreeSet<Place>>,
}

impl Hosts {
    /// Before the first pass: everything that there is, so that nobody has a host only because it is looked at first.
    pub(super) fn list(&self, all: impl FnOnce() -> Vec<Claim>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.listed {
            return;
        }
        inner.listed = true;
        for claim in all() {
            inner.set(&claim.key, claim.places.into_iter().collect());
        }
    }

    /// A plugin claims these places from now on. The answer: the others at the hosts of which its claims have changed.
    pub(super) fn note(&self, key: &PluginKey, places: BTreeSet<Place>) -> BTreeSet<PluginKey> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set(key, places)
    }

    /// A plugin is gone. The answer: those that its hosts may go to now.
    pub(super) fn forget(&self, key: &PluginKey) -> BTreeSet<PluginKey> {
        self.note(key, BTreeSet::new())
    }

    /// The others that claim one of these hosts.
    pub(super) fn rivals(&self, key: &PluginKey, places: &[Place]) -> BTreeSet<PluginKey> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |place: &Place| inner.plugins.get(&place.host);
        let all = places.iter().filter_map(at).flatten();
        all.filter(|other| *other != key).cloned().collect()
    }
}

impl Inner {
    fn set(&mut self, key: &PluginKey, places: BTreeSet<Place>) -> BTreeSet<PluginKey> {
        let before = self.places.remove(key).unwrap_or_default();
        let touched: BTreeSet<String> = before
            .symmetric_difference(&places)
            .map(|place| place.host.clone())
            .collect();
        for place in &before {
            if let Some(plugins) = self.plugins.get_mut(&place.host) {
                plugins.remove(key);
            }
        }
        for place in &places {
            let plugins = self.plugins.entry(place.host.clone()).or_default();
            plugins.insert(key.clone());
        }
        if !places.is_empty() {
            self.places.insert(key.clone(), places);
        }
        let mut others = BTreeSet::new();
        for host in touched {
            match self.plugins.get(&host) {
                Some(plugins) if plugins.is_empty() => drop(self.plugins.remove(&host)),
                Some(plugins) => others.extend(plugins.iter().filter(|other| *other != key).cloned()),
                None => {}
            }
        }
        others
    }
}

/// A plugin claims no more places where it was than this: each of them wakes others.
const MOST_OLD: usize = 16;

/// What a plugin claims, even where the rest of its spec is not usable; `None`: nothing. Of where it was, only as much as
/// counts of its ledger: the annotation is its author's to edit.
pub(super) fn claim(object: &Raw<WazoPlugin>, counted: &Counted) -> Option<Claim> {
    #[derive(Deserialize)]
    struct Spec {
        expose: Option<Expose>,
    }
    #[derive(Deserialize)]
    struct Expose {
        host: String,
        path: Option<String>,
    }
    let meta = kube::Resource::meta(object);
    // Nothing holds it up any more: its hosts are free.
    if meta.deletion_timestamp.is_some() && meta.finalizers.as_ref().is_none_or(Vec::is_empty) {
        return None;
    }
    let asked = object
        .spec::<Spec>()
        .ok()
        .and_then(|spec| spec.expose)
        .map(|expose| Place {
            host: expose.host,
            path: prefix(expose.path.as_deref()),
        });
    let mut places: Vec<Place> = asked.into_iter().collect();
    for place in counted.ledger.routes.iter().take(MOST_OLD).map(Place::from) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.is_empty() {
        return None;
    }
    Some(Claim {
        created: meta.creation_timestamp.as_ref().map(|time| time.0)?,
        uid: meta.uid.clone()?,
        key: object.key(),
        places,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, path: &str) -> Place {
        Place {
            host: host.to_owned(),
            path: path.to_owned(),
        }
    }

    fn key(name: &str) -> PluginKey {
        PluginKey::new("acme", name)
    }

    #[test]
    fn only_those_at_a_host_are_told_when_a_claim_on_it_changes() {
        let hosts = Hosts::default();
        let note = |name: &str, places: &[Place]| hosts.note(&key(name), places.iter().cloned().collect());
        assert!(note("a", &[place("x", "/")]).is_empty());
        assert!(note("far", &[place("y", "/")]).is_empty());
        assert_eq!(note("b", &[place("x", "/")]), [key("a")].into());
        assert!(note("b", &[place("x", "/")]).is_empty(), "nothing has changed");
        assert_eq!(hosts.rivals(&key("b"), &[place("x", "/")]), [key("a")].into());
        assert_eq!(note("a", &[place("x", "/other")]), [key("b")].into());
        assert_eq!(hosts.forget(&key("a")), [key("b")].into());
        assert!(hosts.rivals(&key("b"), &[place("x", "/")]).is_empty());
        assert!(hosts.forget(&key("b")).is_empty());
        let inner = hosts.inner.lock().unwrap();
        assert_eq!(
            inner.plugins.len(),
            1,
            "nothing is kept of a host that nobody claims"
        );
    }

    #[test]
    fn the_list_is_read_once_and_before_anything_is_decided() {
        let hosts = Hosts::default();
        let claim = |name: &str| Claim {
            created: jiff::Timestamp::UNIX_EPOCH,
            uid: name.to_owned(),
            key: key(name),
            places: vec![place("x", "/")],
        };
        hosts.list(|| vec![claim("a"), claim("b")]);
        hosts.list(|| panic!("a second time"));
        assert_eq!(hosts.rivals(&key("a"), &[place("x", "/")]), [key("b")].into());
    }
}
