//! Other judges, scored on the same faults: what each says of the recorded scene, and the party that this means, by a
//! fixed mapping. None of them names a party itself; the mapping gives each the best that its words allow.

use serde_json::Value;

use crate::line::Scene;

/// What is said where no mapping of the words to a party is possible.
pub(crate) const NOTHING: &str = "Unknown";

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn living(scene: &Scene) -> impl Iterator<Item = &Value> {
    scene.pods.iter().filter(|pod| pod["deleted"].is_null())
}

/// The waiting reasons of the containers of a pod.
fn waiting(pod: &Value) -> impl Iterator<Item = &str> {
    list(&pod["status"], "containerStatuses")
        .filter_map(|status| status["state"]["waiting"]["reason"].as_str())
}

/// The party that a waiting reason points to.
fn of_waiting(reason: &str) -> &'static str {
    match reason {
        "CrashLoopBackOff" | "RunContainerError" => "Partner",
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "CreateContainerConfigError" => "Config",
        "CreateContainerError" => "Cluster",
        _ => NOTHING,
    }
}

/// Knative Serving's Revision: `ContainerHealthy` is the user's side, `ResourcesAvailable` the platform's; it looks at the
/// Deployment and at the first pod, and only while none is available (`pkg/reconciler/revision/reconcile_resources.go`).
pub(crate) fn knative(scene: &Scene) -> &'static str {
    let available = scene
        .deployments
        .iter()
        .any(|deployment| deployment["status"]["availableReplicas"].as_u64().unwrap_or(0) > 0);
    if available {
        return NOTHING;
    }
    let failed = scene.deployments.iter().any(|deployment| {
        list(&deployment["status"], "conditions")
            .any(|condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True")
    });
    let Some(pod) = living(scene).next() else {
        return if failed { "Cluster" } else { NOTHING };
    };
    let unscheduled = list(&pod["status"], "conditions")
        .any(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False");
    if unscheduled {
        return "Cluster";
    }
    let exited = list(&pod["status"], "containerStatuses").any(|status| {
        status["lastState"]["terminated"].is_object() || status["state"]["terminated"].is_object()
    });
    if exited {
        return "Partner";
    }
    waiting(pod)
        .map(of_waiting)
        .find(|party| *party != NOTHING)
        .unwrap_or(NOTHING)
}

/// Argo CD's health of the children: a Pod is Degraded by its waiting reason, a Deployment by `ProgressDeadlineExceeded`, an
/// HTTPRoute by its parents' conditions; else Progressing or Healthy, which say nothing of whose turn it is
/// (`gitops-engine/pkg/health`, `resource_customizations/gateway.networking.k8s.io/HTTPRoute`).
pub(crate) fn argo_cd(scene: &Scene) -> &'static str {
    let degraded = living(scene)
        .flat_map(waiting)
        .filter(|reason| {
            reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff")
        })
        .map(of_waiting)
        .find(|party| *party != NOTHING);
    if let Some(party) = degraded {
        return party;
    }
    let refused = scene.routes.iter().any(|route| {
        list(&route["status"], "parents")
            .flat_map(|parent| list(parent, "conditions"))
            .any(|condition| condition["type"] != "Programmed" && condition["status"] == "False")
    });
    if refused { "Config" } else { NOTHING }
}

/// Somebody who reads the warnings of `kubectl describe` and takes the first that he knows.
pub(crate) fn describe(scene: &Scene) -> &'static str {
    let known: [(&str, &'static str); 12] = [
        ("FailedScheduling", "Cluster"),
        ("exceeded quota", "Cluster"),
        ("FailedCreate", "Cluster"),
        ("FailedMount", "Config"),
        ("InspectFailed", "Config"),
        ("not found", "Config"),
        ("unauthorized", "Config"),
        ("connection refused: unknown", "Cluster"),
        ("Failed to pull image", "Cluster"),
        ("BackOff", "Partner"),
        ("Unhealthy", "Partner"),
        ("Evicted", "Cluster"),
    ];
    known
        .into_iter()
        .find(|(text, _)| scene.warnings.iter().any(|warning| warning.contains(text)))
        .map_or(NOTHING, |(_, party)| party)
}
