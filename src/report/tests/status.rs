use serde_json::{Value, json};

use super::rules::broken;
use super::told;
use crate::api::condition::{ConditionType, find};
use crate::api::plugin::{RegistrationState, WazoPluginStatus};
use crate::api::reason::Reason;
use crate::judge::assess;
use crate::observe::fixture::{NOW, at, core_facts, serving};
use crate::observe::world::World;
use crate::report::status::{deleting, suspended};

/// Status and reason of a condition.
fn condition(status: &WazoPluginStatus, kind: ConditionType) -> Option<(&str, &str)> {
    find(&status.conditions, kind).map(|found| (found.status.as_str(), found.reason.as_str()))
}

fn ready(status: &WazoPluginStatus) -> (&str, &str) {
    condition(status, ConditionType::Ready).unwrap()
}

#[test]
fn the_status_of_a_plugin_that_works_is_this() {
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "message": message,
            "observedGeneration": 1, "lastTransitionTime": "1970-01-12T14:46:40Z",
        })
    };
    let expected = json!({
        "observedGeneration": 1,
        "url": "https://crm.example",
        "version": "1.4.2",
        "image": "registry.example/crm-panel@sha256:0f",
        "replicas": 1,
        "readyReplicas": 1,
            "selector": "plugins.wazo.io/plugin=crm-panel",
        "registered": {"desired": 2, "current": 2, "summary": "2/2"},
        "registrations": [{
            "kind": "UiApplication", "name": "panel", "desired": 2, "current": 2, "state": "Registered",
            "url": "https://crm.example/manifest.json",
        }],
        "conditions": [
            condition("Ready", "Ready", "the plugin runs, is reachable and is registered"),
            condition("Available", "PodsReady", "at least one pod serves"),
            condition("Exposed", "Reachable", "the Gateway takes the route, and the manifest is as browsers need it"),
            condition("Registered", "Registered", "the core holds what the spec asks for"),
            condition("WorkloadReady", "RolledOut", "the newest revision runs in full"),
        ],
    });
    let status: Value = serde_json::to_value(told(&World::healthy())).unwrap();
    assert_eq!(status, expected);
}

#[test]
fn each_phase_has_its_conditions() {
    use ConditionType::{Reconciling, Stalled};
    for (world, expected, reconciling, stalled) in [
        (
            World::just_applied(),
            ("Unknown", "Progressing"),
            Some("RolloutInProgress"),
            None,
        ),
        (
            World::reachable(),
            ("Unknown", "RegistrationHeld"),
            Some("Progressing"),
            None,
        ),
        (
            World::reachable().crashing(3),
            ("False", "ProcessExited"),
            Some("ProgressingWithRetry"),
            None,
        ),
        (
            World::reachable().waiting("ErrImagePull", "r/p:1: not found"),
            ("False", "ImageNotFound"),
            None,
            Some("ImageNotFound"),
        ),
        (
            World::just_applied().reported().later(240),
            ("False", "RolloutDeadlineExceeded"),
            None,
            Some("RolloutDeadlineExceeded"),
        ),
        (
            World::healthy().crashing(3),
            ("False", "ProcessExited"),
            None,
            None,
        ),
        (World::healthy(), ("True", "Ready"), None, None),
    ] {
        let status = told(&world);
        assert_eq!(ready(&status), expected);
        assert_eq!(
            condition(&status, Reconciling),
            reconciling.map(|reason| ("True", reason))
        );
        assert_eq!(
            condition(&status, Stalled),
            stalled.map(|reason| ("True", reason))
        );
        assert_eq!(broken(&status, 1), [""; 0]);
    }
}

#[test]
fn the_message_of_ready_says_what_is_wrong_and_what_to_do() {
    let status = told(&World::healthy().crashing(3));
    let fault = status.fault.as_ref().unwrap();
    let message = &find(&status.conditions, ConditionType::Ready).unwrap().message;
    assert_eq!(*message, format!("{}. Next: {}", fault.message, fault.action));
}

#[test]
fn a_core_that_is_away_degrades_a_plugin_that_is_done() {
    let status = told(&World::healthy().core_away());
    assert_eq!(ready(&status), ("True", "Ready"));
    assert_eq!(
        condition(&status, ConditionType::Degraded),
        Some(("True", "CoreUnreachable"))
    );
    assert_eq!(
        condition(&status, ConditionType::Registered),
        Some(("True", "Registered"))
    );
}

#[test]
fn available_says_that_something_serves_whatever_its_generation() {
    let world = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm-panel:2".to_owned())
        .deployment(|deployment| {
            deployment.id.generation = 2;
            deployment.template = "def".to_owned();
        });
    let status = told(&world);
    assert_eq!(
        condition(&status, ConditionType::Available),
        Some(("True", "PodsReady"))
    );
    assert_eq!(ready(&status), ("Unknown", "RolloutInProgress"));
    assert_eq!(status.observed_generation, 2);
}

#[test]
fn a_spec_that_is_not_usable_leaves_what_is_known_of_what_runs() {
    let before = told(&World::healthy());
    let status = told(&World::healthy().spec(|spec| spec.workload.as_mut().unwrap().image = String::new()));
    assert_eq!(ready(&status), ("False", "InvalidSpec"));
    assert_eq!(
        (&status.url, &status.version, &status.image, &status.registrations),
        (&before.url, &before.version, &before.image, &before.registrations)
    );
    let never =
        told(&World::just_applied().spec(|spec| spec.workload.as_mut().unwrap().image = String::new()));
    for kind in [
        ConditionType::Registered,
        ConditionType::Exposed,
        ConditionType::WorkloadReady,
    ] {
        assert_eq!(condition(&never, kind), Some(("Unknown", "InvalidSpec")));
    }
    assert_eq!(broken(&never, 2), [""; 0]);
}

#[test]
fn the_manifest_tells_the_version_and_the_tag_until_then() {
    let version = |world: &World| told(world).version;
    assert_eq!(version(&World::just_applied()).as_deref(), Some("1.4.2"));
    let mut world = World::healthy();
    world.probe.manifests[0].manifest.as_mut().unwrap().version = "1.4.2-beta".to_owned();
    assert_eq!(version(&world).as_deref(), Some("1.4.2-beta"));
    let restarted = world.reported().restarted();
    assert_eq!(version(&restarted).as_deref(), Some("1.4.2-beta"));
    let next = restarted
        .spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm-panel:2.0".to_owned());
    assert_eq!(version(&next).as_deref(), Some("2.0"));
}

#[test]
fn an_image_is_told_where_all_pods_run_the_same() {
    let mut other = serving("crm-panel-abc-2", 8);
    other.container.image_id = Some("registry.example/crm-panel@sha256:ff".to_owned());
    assert_eq!(told(&World::healthy().with_pod(other)).image, None);
}

#[test]
fn a_request_to_reconcile_is_answered() {
    let mut world = World::healthy();
    world.itself.requested_at = Some("2026-01-01T00:00:00Z".to_owned());
    assert_eq!(
        told(&world).last_handled_reconcile_at.as_deref(),
        Some("2026-01-01T00:00:00Z")
    );
}

#[test]
fn a_deletion_says_what_holds_it() {
    let away = World::healthy().core_away();
    let suspended = {
        let mut world = World::healthy();
        let core = world.core.as_mut().unwrap();
        let mut entry = core.entry.as_ref().clone();
        entry.spec.as_mut().unwrap().suspend = Some(true);
        core.entry = std::sync::Arc::new(entry);
        world
    };
    let bad_spec = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().image = String::new())
        .core_away();
    for (world, fault) in [
        (away, Some(Reason::CoreUnreachable)),
        (World::healthy().without_core(), Some(Reason::CoreNotFound)),
        (suspended, Some(Reason::CoreSuspended)),
        (bad_spec, Some(Reason::CoreUnreachable)),
    ] {
        let world = world.deleted();
        let status = deleting(&world, &assess(&world));
        assert_eq!(ready(&status), ("False", "DeregistrationBlocked"));
        assert_eq!(status.fault.as_ref().map(|fault| fault.reason), fault);
        assert!(status.fault.as_ref().unwrap().blocking);
        let judged = world.itself.plugin.is_ok() && world.core.is_some();
        assert_eq!(status.fault.unwrap().caused_by.is_some(), judged);
    }
}

#[test]
fn a_deletion_that_goes_on_blames_nobody() {
    let missing = r#"secret "crm" not found"#;
    let mut degraded = core_facts();
    let confd = degraded
        .services
        .get_mut(&crate::core::facts::Daemon::Confd)
        .unwrap();
    confd.state = crate::core::facts::ServiceState::Degraded;
    let key = crate::observe::fixture::core_key();
    let events = crate::judge::core::judge(&key, None, Some(&degraded), true, at(NOW));
    for world in [
        World::healthy(),
        // Layer References, but nothing to do with the core.
        World::healthy().waiting("CreateContainerConfigError", missing),
        World::healthy().core_fault(events.map(|found| found.fault)),
    ] {
        let world = world.reported().deleted();
        let status = deleting(&world, &assess(&world));
        assert_eq!(
            (ready(&status), status.fault.as_ref()),
            (("False", "Deleting"), None)
        );
        assert_eq!(condition(&status, ConditionType::Degraded), None);
        assert_eq!(status.registrations[0].state, RegistrationState::Deregistering);
        assert_eq!(broken(&status, 1), [""; 0]);
    }
}

#[test]
fn a_suspended_plugin_keeps_what_was_true_and_says_that_a_change_waits() {
    let world = World::healthy().spec(|spec| spec.suspend = Some(true));
    let status = suspended(&world, false);
    assert_eq!(ready(&status), ("True", "Ready"));
    assert_eq!(
        condition(&status, ConditionType::Suspended),
        Some(("True", "Suspended"))
    );
    assert_eq!(status.observed_generation, 2);
    assert_eq!(broken(&status, 2), [""; 0]);
    let status = suspended(&world, true);
    assert_eq!(ready(&status), ("False", "SuspendedWithChanges"));
    let ill = World::healthy()
        .crashing(3)
        .reported()
        .spec(|spec| spec.suspend = Some(true));
    let status = suspended(&ill, false);
    assert_eq!(
        (ready(&status), &status.fault),
        (("False", "ProcessExited"), &None)
    );
    let new = World::just_applied().spec(|spec| spec.suspend = Some(true));
    assert_eq!(ready(&suspended(&new, true)), ("False", "SuspendedWithChanges"));
}

#[test]
fn a_plugin_that_goes_on_after_a_pause_says_nothing_of_it() {
    let mut world = World::healthy().spec(|spec| spec.suspend = Some(true));
    world.itself.before = suspended(&world, true);
    let status = told(&world.spec(|spec| spec.suspend = None));
    assert_eq!(condition(&status, ConditionType::Suspended), None);
    assert_eq!(ready(&status), ("True", "Ready"));
}
