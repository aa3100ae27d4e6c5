//! Publishes events. kube's own recorder cannot set annotations; series are folded as it folds them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::api::fault::{Confidence, Party};
use crate::api::names::{CONFIDENCE_ANNOTATION, PARTY_ANNOTATION};
use crate::report::events::Note;

const CONTROLLER: &str = "wazo-plugin-operator";
/// The same again within this time counts up the series of the first one (as client-go and kube do).
const SERIES_LASTS: SignedDuration = SignedDuration::from_mins(6);
/// The API server takes notes of up to 1 kB.
const LONGEST_NOTE: usize = 1000;

/// Publishes events about objects.
pub(super) struct Recorder {
    client: Client,
    instance: String,
    published: Mutex<HashMap<Same, Published>>,
}

/// What two events of one series have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Same {
    uid: Option<String>,
    warning: bool,
    reason: &'static str,
    action: &'static str,
    attribution: Option<(Party, Confidence)>,
}

#[derive(Clone)]
struct Published {
    name: String,
    count: i32,
    last: Timestamp,
}

impl Recorder {
    /// A recorder; `instance` is the name of this pod.
    pub(super) fn new(client: Client, instance: Option<&str>) -> Self {
        Self {
            client,
            instance: instance.unwrap_or(CONTROLLER).to_owned(),
            published: Mutex::default(),
        }
    }

    fn published(&self) -> MutexGuard<'_, HashMap<Same, Published>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes an event about an object, or counts up the series that it belongs to.
    pub(super) async fn publish(&self, about: &ObjectReference, note: &Note) -> Result<(), kube::Error> {
        let now = Timestamp::now();
        let same = Same {
            uid: about.uid.clone(),
            warning: note.warning,
            reason: note.reason,
            action: note.action,
            attribution: note.attribution,
        };
        let api: Api<Event> = Api::namespaced(
            self.client.clone(),
            about.namespace.as_deref().unwrap_or("default"),
        );
        let known = {
            let mut published = self.published();
            published.retain(|_, one| now.duration_since(one.last) < SERIES_LASTS);
            published.get(&same).cloned()
        };
        let told = match known {
            Some(one) => count_up(&api, one, now).await?,
            None => None,
        };
        let told = match told {
            Some(one) => one,
            None => {
                let event = self.event(about, note, now);
                let name = event.metadata.name.clone().unwrap_or_default();
                api.create(&PostParams::default(), &event).await?;
                let (count, last) = (1, now);
                Published { name, count, last }
            }
        };
        self.published().insert(same, told);
        Ok(())
    }

    fn event(&self, about: &ObjectReference, note: &Note, now: Timestamp) -> Event {
        let name = about.name.as_deref().unwrap_or(CONTROLLER);
        Event {
            metadata: ObjectMeta {
                namespace: about.namespace.clone(),
                name: Some(format!("{name}.{:x}", now.as_nanosecond())),
                annotations: note.attribution.map(annotations),
                ..ObjectMeta::default()
            },
            type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(note.reason.to_owned()),
            action: Some(note.action.to_owned()),
            note: Some(note.text.chars().take(LONGEST_NOTE).collect()),
            regarding: Some(about.clone()),
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            ..Event::default()
        }
    }
}

fn annotations((party, confidence): (Party, Confidence)) -> BTreeMap<String, String> {
    BTreeMap::from([
        (PARTY_ANNOTATION.to_owned(), format!("{party:?}")),
        (CONFIDENCE_ANNOTATION.to_owned(), format!("{confidence:?}")),
    ])
}

/// `None`: the first event of the series is gone.
async fn count_up(
    api: &Api<Event>,
    one: Published,
    now: Timestamp,
) -> Result<Option<Published>, kube::Error> {
    let count = one.count.saturating_add(1);
    let series = json!({"series": {"count": count, "lastObservedTime": MicroTime(now)}});
    match api
        .patch(&one.name, &PatchParams::default(), &Patch::Merge(series))
        .await
    {
        Ok(_) => Ok(Some(Published {
            count,
            last: now,
            ..one
        })),
        Err(kube::Error::Api(answer)) if answer.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
