//! Layers Admission and Quota: why the API server takes no pods.

use super::World;
use super::around::owner;
use super::candidate::Candidate;
use crate::api::fault::Party;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::observe::facts::ConditionFact;
use crate::observe::map::CONTAINER;

/// Judges what the Deployment's controller tells: pods cannot be made.
pub(super) fn of_pods(failure: &ConditionFact, world: &World, plugin: &Plugin) -> Candidate {
    let message = failure.message.as_str();
    let reason = reason(message);
    let told = without_pod_name(message);
    let candidate = Candidate::new(
        reason,
        failure.since.unwrap_or(world.now),
        format!("pods cannot be created: {told}"),
    )
    .evidence("API server", told, Some(owner(world)));
    let candidate = match reason {
        Reason::PodSecurityViolated => match who_violates(message, plugin) {
            Some(party @ Party::Config) => candidate.party(party).field("spec.workload"),
            Some(party) => candidate.party(party),
            None => candidate,
        },
        Reason::QuotaExceeded => used_up(candidate, world),
        _ => candidate,
    };
    match webhook(message).filter(|_| reason == Reason::WebhookUnavailable) {
        Some(name) => candidate.evidence("API server", format!("webhook \"{name}\" does not answer"), None),
        None => candidate,
    }
}

fn reason(message: &str) -> Reason {
    if message.contains("failed calling webhook") {
        Reason::WebhookUnavailable
    } else if message.contains("exceeded quota") || message.contains("failed quota") {
        Reason::QuotaExceeded
    } else if message.contains("violates PodSecurity") {
        Reason::PodSecurityViolated
    } else if message.contains("admission webhook")
        || message.contains("ValidatingAdmissionPolicy")
        || is_of_a_limit_range(message)
    {
        Reason::PolicyDenied
    } else {
        Reason::ApplyRejected
    }
}

/// The words of the LimitRanger (`plugin/pkg/admission/limitranger`): `minimum cpu usage per Container is 100m, but …`,
/// `memory max limit to request ratio per Pod is 2, but …`.
fn is_of_a_limit_range(message: &str) -> bool {
    let bounds = [" usage per ", " max limit to request ratio per "];
    bounds
        .iter()
        .filter_map(|bound| message.split_once(bound))
        .any(|(_, rest)| {
            ["Container is ", "Pod is ", "PersistentVolumeClaim is "]
                .iter()
                .any(|of| rest.starts_with(of))
        })
}

/// Who violates the namespace's Pod Security level: the operator's pods keep `restricted`, the strictest one, so it is what
/// the spec adds to them, or a mistake of the operator's. `None`: the message does not say what violates it.
fn who_violates(message: &str, plugin: &Plugin) -> Option<Party> {
    let (_, violations) = message.split_once("violates PodSecurity")?;
    // `… (container "proxy" must set …)`, `(pod or container "plugin" must …)`
    let mut containers = violations.split("container").skip(1);
    let of_another = containers.any(|rest| {
        let name = rest.split('"').nth(1);
        name.is_some_and(|name| name != CONTAINER)
    });
    if of_another || plugin.pod_template.is_some() {
        Some(Party::Config)
    } else if violations.contains(':') && violations.contains('(') {
        Some(Party::Operator)
    } else {
        None
    }
}

/// With the quotas of which nothing is left, where they were read.
fn used_up(mut candidate: Candidate, world: &World) -> Candidate {
    for quota in world.surroundings.quotas.iter().take(2) {
        let told = format!("nothing is left of {}", quota.exhausted.join(", "));
        candidate = candidate.evidence("API server", told, Some(format!("ResourceQuota/{}", quota.name)));
    }
    if let Some(quota) = world.surroundings.quotas.first() {
        return candidate.object("v1", "ResourceQuota", &world.itself.key.namespace, &quota.name);
    }
    candidate
}

/// The webhook that could not be called, as in `failed calling webhook "a.example": …`.
fn webhook(message: &str) -> Option<&str> {
    message
        .split_once("failed calling webhook \"")?
        .1
        .split('"')
        .next()
}

/// The message names a pod that was never made; its name changes with every try.
fn without_pod_name(message: &str) -> String {
    match message.split_once("\" is forbidden: ") {
        Some((_, cause)) => cause.to_owned(),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::fixture::condition;

    fn judged(message: &str, world: &World) -> Candidate {
        let plugin = world.itself.plugin.clone().unwrap();
        of_pods(&condition("True", "FailedCreate", message), world, &plugin)
    }

    #[test]
    fn a_webhook_that_does_not_answer_is_the_clusters_and_is_named() {
        let told = judged(
            "Internal error occurred: failed calling webhook \"w.example\": failed to call webhook: Post \"https://w\": EOF",
            &World::reachable(),
        );
        assert_eq!(
            (told.fault.party, told.fault.reason),
            (Party::Cluster, Reason::WebhookUnavailable)
        );
        assert_eq!(
            told.fault.evidence[1].observed,
            "webhook \"w.example\" does not answer"
        );
    }

    #[test]
    fn what_a_limit_range_refuses_is_the_clusters() {
        for words in [
            "minimum cpu usage per Container is 100m, but request is 10m",
            "[maximum memory usage per Pod is 1Gi, but limit is 2147483648]",
            "cpu max limit to request ratio per Container is 2, but provided ratio is 100.000000",
        ] {
            let told = judged(
                &format!("pods \"crm-1\" is forbidden: {words}"),
                &World::reachable(),
            );
            assert_eq!(
                (told.fault.party, told.fault.reason),
                (Party::Cluster, Reason::PolicyDenied),
                "{words}"
            );
        }
        let other = judged(
            "pods \"crm-1\" is forbidden: no usage per month",
            &World::reachable(),
        );
        assert_eq!(other.fault.reason, Reason::ApplyRejected);
    }

    #[test]
    fn who_adds_what_violates_pod_security_is_to_blame() {
        let of = |container: &str| {
            format!(
                "pods \"crm-1\" is forbidden: violates PodSecurity \"restricted:latest\": \
                 runAsNonRoot != true (pod or container \"{container}\" must set securityContext.runAsNonRoot=true)"
            )
        };
        assert_eq!(
            judged(&of("proxy"), &World::reachable()).fault.party,
            Party::Config
        );
        assert_eq!(
            judged(&of("plugin"), &World::reachable()).fault.party,
            Party::Operator
        );
        let asked = World::reachable().spec(|spec| {
            let workload = spec.workload.as_mut().unwrap();
            let template = serde_json::json!({"metadata": {"labels": {"a": "b"}}});
            workload.pod_template = serde_json::from_value(template).unwrap();
        });
        assert_eq!(judged(&of("plugin"), &asked).fault.party, Party::Config);
    }
}
