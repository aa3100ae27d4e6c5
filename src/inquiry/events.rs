//! Events: what the kubelet, the scheduler and the controllers have to say.

use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use kube::{Api, Client};

use super::job::SurroundingsJob;
use super::words::plain;
use crate::keys::PluginKey;
use crate::observe::surroundings::EventFact;

/// Events of one page, and the most pages of one namespace.
const PAGE: u32 = 500;
const MOST_PAGES: usize = 4;
/// Of one reason about one kind of object so many different messages are kept.
const MOST_OF_A_REASON: usize = 3;
/// So many events are kept.
const MOST: usize = 24;
/// What goes well, or says nothing that the pod's status does not say: most events by far.
const NOISE: [&str; 10] = [
    "BackOff",
    "Created",
    "Pulled",
    "Pulling",
    "Scheduled",
    "ScalingReplicaSet",
    "Started",
    "SuccessfulAssigned",
    "SuccessfulCreate",
    "SuccessfulDelete",
];

/// The events of a namespace that may tell of trouble.
pub(super) async fn of_namespace(client: &Client, namespace: &str) -> Result<Vec<EventFact>, kube::Error> {
    let quiet: Vec<String> = NOISE.iter().map(|reason| format!("reason!={reason}")).collect();
    list(client, namespace, &quiet.join(",")).await
}

/// The events of the nodes' own trouble; a kubelet leaves those of its node in the namespace `default`.
pub(super) async fn of_node(client: &Client, node: &str) -> Result<Vec<EventFact>, kube::Error> {
    let selector = format!("involvedObject.kind=Node,involvedObject.name={node},type=Warning");
    list(client, "default", &selector).await
}

async fn list(client: &Client, namespace: &str, fields: &str) -> Result<Vec<EventFact>, kube::Error> {
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    let mut params = ListParams::default().fields(fields).limit(PAGE);
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = api.list(&params).await?;
        found.extend(page.items.iter().map(fact));
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params.continue_token = Some(token),
            _ => break,
        }
    }
    Ok(found)
}

fn fact(event: &Event) -> EventFact {
    let series = event
        .series
        .as_ref()
        .and_then(|series| series.last_observed_time.as_ref());
    let made = event.event_time.as_ref().map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let source = event.source.as_ref().and_then(|source| source.component.clone());
    EventFact {
        kind: text(&event.involved_object.kind),
        name: text(&event.involved_object.name),
        reason: text(&event.reason),
        // Bounded here, too: the events of a namespace are kept for a moment.
        message: text(&event.message).chars().take(1024).collect(),
        reporter: event
            .reporting_component
            .clone()
            .filter(|reporter| !reporter.is_empty())
            .or(source)
            .unwrap_or_default(),
        since: first.or(made),
        at: series.map(|time| time.0).or(last).or(made).or(first),
    }
}

/// Of a namespace's events those about one plugin: the newest, and no two that say the same.
pub(super) fn about(all: &[EventFact], key: &PluginKey, job: &SurroundingsJob) -> Vec<EventFact> {
    let told = all
        .iter()
        .filter(|event| is_about(event, key, job))
        .map(|event| EventFact {
            message: plain(&event.message, &job.pods, &key.name),
            ..event.clone()
        });
    distinct(told.collect())
}

/// The newest of each kind, reason and message; of one reason only some.
pub(super) fn distinct(mut events: Vec<EventFact>) -> Vec<EventFact> {
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    let mut kept: Vec<EventFact> = Vec::new();
    for event in events {
        let alike = |known: &&mut EventFact| known.kind == event.kind && known.reason == event.reason;
        if let Some(same) = kept
            .iter_mut()
            .filter(alike)
            .find(|known| known.message == event.message)
        {
            same.since = same.since.min(event.since).or(same.since);
        } else if kept.len() < MOST && kept.iter_mut().filter(alike).count() < MOST_OF_A_REASON {
            kept.push(event);
        }
    }
    kept.sort_by(|one, other| {
        let key = |event: &EventFact| (event.kind.clone(), event.reason.clone(), event.message.clone());
        key(one).cmp(&key(other))
    });
    kept
}

fn is_about(event: &EventFact, key: &PluginKey, job: &SurroundingsJob) -> bool {
    match event.kind.as_str() {
        "Pod" => job.pods.contains(&event.name),
        "Deployment" => event.name == key.name,
        // `<Deployment>-<hash>`, and a hash has no dash.
        "ReplicaSet" => event
            .name
            .strip_prefix(key.name.as_str())
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|hash| !hash.contains('-')),
        "PersistentVolumeClaim" => job.claims.contains(&event.name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn event(kind: &str, name: &str, reason: &str, message: &str, at: i64) -> EventFact {
        EventFact {
            kind: kind.to_owned(),
            name: name.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            reporter: "kubelet".to_owned(),
            since: Timestamp::from_second(at - 1).ok(),
            at: Timestamp::from_second(at).ok(),
        }
    }

    fn job() -> SurroundingsJob {
        SurroundingsJob {
            pods: vec!["crm-5d8f-a".to_owned(), "crm-5d8f-b".to_owned()],
            claims: ["data".to_owned()].into(),
            ..SurroundingsJob::default()
        }
    }

    #[test]
    fn only_events_about_the_plugins_own_objects_count() {
        let all = [
            event("Pod", "crm-5d8f-a", "FailedMount", "m", 1),
            event("Pod", "crm-old-a", "FailedMount", "an older revision", 1),
            event("ReplicaSet", "crm-5d8f", "FailedCreate", "c", 1),
            event(
                "ReplicaSet",
                "crm-panel-5d8f",
                "FailedCreate",
                "of another plugin",
                1,
            ),
            event("PersistentVolumeClaim", "data", "ProvisioningFailed", "p", 1),
            event("PersistentVolumeClaim", "others", "ProvisioningFailed", "p", 1),
            event("Node", "a", "NodeNotReady", "n", 1),
        ];
        let found = about(&all, &PluginKey::new("acme", "crm"), &job());
        let reasons: Vec<_> = found.iter().map(|event| event.reason.as_str()).collect();
        assert_eq!(reasons, ["ProvisioningFailed", "FailedMount", "FailedCreate"]);
    }

    #[test]
    fn what_two_pods_tell_alike_is_told_once_and_in_the_same_order() {
        let one = event("Pod", "crm-5d8f-a", "FailedMount", "of crm-5d8f-a", 5);
        let two = event("Pod", "crm-5d8f-b", "FailedMount", "of crm-5d8f-b", 9);
        let other = event("Pod", "crm-5d8f-b", "FailedMount", "another cause", 7);
        let key = PluginKey::new("acme", "crm");
        let found = about(&[one.clone(), two.clone(), other.clone()], &key, &job());
        assert_eq!(found, about(&[other, two, one], &key, &job()));
        let told: Vec<_> = found.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(told, ["another cause", "of crm"]);
        assert_eq!(found[1].at, Timestamp::from_second(9).ok(), "the newest");
        assert_eq!(found[1].since, Timestamp::from_second(4).ok(), "since the oldest");
    }

    #[test]
    fn an_event_of_either_form_tells_when_it_was_seen_and_by_whom() {
        let old: Event = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "crm-5d8f-a"},
            "reason": "Killing", "message": "m", "source": {"component": "kubelet"},
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:01:00Z",
        }))
        .unwrap();
        let new: Event = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "crm-5d8f-a"},
            "reason": "FailedScheduling", "message": "m", "reportingComponent": "default-scheduler",
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "series": {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"},
        }))
        .unwrap();
        let later = "2026-01-01T00:01:00Z".parse().ok();
        assert_eq!((fact(&old).at, fact(&old).reporter.as_str()), (later, "kubelet"));
        assert_eq!(
            (fact(&new).at, fact(&new).reporter.as_str()),
            (later, "default-scheduler")
        );
    }
}
