//! When what a plugin depends on last became another than it was: the symptom that begins right after a change is likely
//! to be its consequence, and what worked for long is not likely to be misconfigured.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account_secret;
use super::tls_secret::{TlsSecretFact, TlsSecretView};
use super::world::World;
use crate::api::condition::{ConditionType, find};
use crate::keys::PluginKey;

/// The last change of each thing; `None`: none is known, of what this process saw and of what objects tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// The spec of the WazoPlugin, its replicas through the scale subresource aside (`metadata.managedFields`).
    pub spec: Option<Timestamp>,
    /// The digest of the image that the pods of the newest revision run, as a node told it.
    pub image: Option<Timestamp>,
    /// The credentials that the pods mount (when their password was made).
    pub credentials: Option<Timestamp>,
    /// The certificate of its Ingress (its `notBefore`).
    pub certificate: Option<Timestamp>,
    /// The version of the core.
    pub core: Option<Timestamp>,
    /// The way to the core: the URL, certificate authority, credentials or tenant of the WazoCore.
    pub core_settings: Option<Timestamp>,
    /// When it was `Ready` last.
    pub ready: Option<Ready>,
    /// The digest of the image with which it was `Ready` when the spec was last changed; `None`: it was not, or nobody
    /// looked then.
    pub worked: Option<String>,
}

/// A stretch of time in which a plugin was `Ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// From then on.
    pub from: Timestamp,
    /// Until then; `None`: it is.
    pub until: Option<Timestamp>,
}

impl Ready {
    /// For how many seconds it was.
    #[must_use]
    pub fn seconds(&self, now: Timestamp) -> i64 {
        self.until.unwrap_or(now).as_second() - self.from.as_second()
    }
}

/// What this process knows of all plugins.
#[derive(Debug, Default)]
pub struct ChangeBook {
    known: Mutex<HashMap<PluginKey, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    image: Option<String>,
    image_changed: Option<Timestamp>,
    ready: Option<Ready>,
    /// The generation that was looked at last.
    generation: Option<i64>,
    worked: Option<String>,
}

impl ChangeBook {
    /// Notes how a plugin is, and tells what changed when. `spec`: what its object tells.
    pub fn note(&self, world: &World, spec: Option<Timestamp>) -> Changes {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(world.itself.key.clone()).or_default();
        known.note_spec(world);
        known.note_image(world);
        known.note_ready(world);
        let entry = world.core.as_ref().map(|core| &core.entry);
        Changes {
            spec,
            image: known.image_changed,
            credentials: credentials(world),
            certificate: certificate(world),
            core: entry.and_then(|entry| entry.version_changed),
            core_settings: entry.and_then(|entry| entry.settings_changed),
            ready: known.ready.clone(),
            worked: known.worked.clone(),
        }
    }

    /// Forgets a plugin.
    pub fn forget(&self, key: &PluginKey) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(key);
    }
}

impl Known {
    /// Before the image is noted: what ran until the spec was changed.
    fn note_spec(&mut self, world: &World) {
        let before = &world.itself.before;
        // What was so under an earlier process is in the status.
        if self.image.is_none() {
            self.image.clone_from(&before.image);
        }
        let known = self.generation.replace(world.itself.generation);
        if known.unwrap_or(before.observed_generation) == world.itself.generation {
            return;
        }
        let ready = find(&before.conditions, ConditionType::Ready);
        let well = ready.is_some_and(|ready| ready.status == "True");
        self.worked = self.image.clone().filter(|_| well);
    }

    fn note_image(&mut self, world: &World) {
        let runs = digests(world);
        // On nodes of several architectures one image has several digests.
        if self.image.as_ref().is_some_and(|known| runs.contains(known)) {
            return;
        }
        let Some(image) = runs.into_iter().next() else {
            return;
        };
        if self.image.replace(image).is_some() {
            self.image_changed = Some(world.now);
        }
    }

    fn note_ready(&mut self, world: &World) {
        let Some(ready) = find(&world.itself.before.conditions, ConditionType::Ready) else {
            return;
        };
        let turned = ready.last_transition_time.0;
        if ready.status == "True" {
            self.ready = Some(Ready {
                from: turned,
                until: None,
            });
        } else if let Some(known) = &mut self.ready {
            known.until.get_or_insert(turned);
        }
    }
}

/// What the pods of the newest revision run, as far as they tell.
fn digests(world: &World) -> BTreeSet<String> {
    let newest = world.children.deployment.as_ref().map(|newest| &newest.template);
    let pods = world.children.pods.values();
    let newest = pods.filter(|pod| !pod.deleting && Some(&pod.revision) == newest);
    newest.filter_map(|pod| pod.container.image_id.clone()).collect()
}

fn credentials(world: &World) -> Option<Timestamp> {
    let plugin = world.itself.plugin.as_ref().ok()?;
    account_secret::mounted(world, plugin)?.1.made
}

fn certificate(world: &World) -> Option<Timestamp> {
    match &world.certificate {
        TlsSecretView::Found(TlsSecretFact::Certificate { certificate, .. }) => {
            Some(certificate.validity.not_before)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::fixture::{NOW, START, at};

    fn running(image: &str) -> World {
        let mut world = World::healthy().pods(|pod| pod.container.image_id = Some(image.to_owned()));
        world.itself.before.image = None;
        world
    }

    #[test]
    fn another_digest_is_a_change_and_the_same_under_another_process_is_none() {
        let book = ChangeBook::default();
        assert_eq!(
            book.note(&running("registry.example/crm-panel@sha256:0f"), None)
                .image,
            None
        );
        let changed = book.note(&running("registry.example/crm-panel@sha256:ff").later(5), None);
        assert_eq!(changed.image, Some(at(NOW + 5)));
        let later = book.note(&running("registry.example/crm-panel@sha256:ff").later(60), None);
        assert_eq!(later.image, Some(at(NOW + 5)), "it changed when it changed");
        let restarted = ChangeBook::default();
        let mut world = running("registry.example/crm-panel@sha256:ff");
        world.itself.before.image = Some("registry.example/crm-panel@sha256:ff".to_owned());
        assert_eq!(restarted.note(&world, None).image, None);
        world.itself.before.image = Some("registry.example/crm-panel@sha256:0f".to_owned());
        let restarted = ChangeBook::default();
        assert_eq!(
            restarted.note(&world, None).image,
            Some(at(NOW)),
            "it changed while nobody looked"
        );
    }

    #[test]
    fn what_ran_well_until_an_edit_is_known_and_what_did_not_is_none() {
        const DIGEST: &str = "registry.example/crm-panel@sha256:0f";
        let book = ChangeBook::default();
        assert_eq!(book.note(&running(DIGEST).reported(), None).worked, None);
        let edited = running(DIGEST).reported().spec(|_| {});
        assert_eq!(book.note(&edited, Some(at(NOW))).worked.as_deref(), Some(DIGEST));
        let mut failing = edited.crashing(1).reported();
        failing.itself.before.observed_generation = failing.itself.generation;
        assert_eq!(book.note(&failing, Some(at(NOW))).worked.as_deref(), Some(DIGEST));
        let again = failing.spec(|_| {});
        assert_eq!(
            book.note(&again, Some(at(NOW + 5))).worked,
            None,
            "it was ill before this edit"
        );
    }

    #[test]
    fn a_pod_of_an_older_revision_tells_nothing_of_the_image() {
        let book = ChangeBook::default();
        book.note(&running("registry.example/crm-panel@sha256:0f"), None);
        let old =
            running("registry.example/crm-panel@sha256:ff").pods(|pod| pod.revision = "older".to_owned());
        assert_eq!(book.note(&old, None).image, None);
    }

    #[test]
    fn how_long_it_was_ready_is_known_after_it_broke() {
        let book = ChangeBook::default();
        let world = World::healthy();
        let from = book.note(&world, Some(at(START))).ready.unwrap();
        assert_eq!(from.until, None);
        let mut broken = World::healthy().crashing(1).later(60).reported();
        broken.itself.before.conditions.iter_mut().for_each(|condition| {
            if condition.type_ == "Ready" {
                condition.status = "False".to_owned();
                condition.last_transition_time.0 = at(NOW + 60);
            }
        });
        let ready = book.note(&broken.later(600), None).ready.unwrap();
        assert_eq!((ready.from, ready.until), (from.from, Some(at(NOW + 60))));
        assert_eq!(ready.seconds(at(NOW + 660)), NOW + 60 - from.from.as_second());
    }
}
