//! What of a request to the API server that failed may be told to anybody: verb, resource and code, each from a closed set
//! of words. Webhooks may put anything into an answer.

use std::fmt;

use super::refusal;
use crate::api::reason::Reason;

const VERBS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];
/// What the operator asks for.
const RESOURCES: [&str; 16] = [
    "configmaps",
    "deployments",
    "endpointslices",
    "events",
    "gateways",
    "httproutes",
    "ingressclasses",
    "ingresses",
    "namespaces",
    "networkpolicies",
    "poddisruptionbudgets",
    "pods",
    "secrets",
    "services",
    "wazocores",
    "wazoplugins",
];

/// A pass that failed through no fault of what it was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `OperatorForbidden`, `PolicyDenied`, else `OperatorError`.
    pub reason: Reason,
    /// The request; `None`: the operator failed by itself.
    pub request: Option<FailedRequest>,
}

/// A request to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedRequest {
    /// Its verb, as in RBAC, where the answer tells.
    pub verb: Option<&'static str>,
    /// Its resource, in the plural, where the answer tells.
    pub resource: Option<&'static str>,
    /// The HTTP status; `None`: there was no answer.
    pub code: Option<u16>,
}

impl Failure {
    /// The operator failed by itself.
    pub const OF_ITSELF: Self = Self {
        reason: Reason::OperatorError,
        request: None,
    };

    /// What an error tells; `None`: the namespace is on its way out, and nobody is at fault.
    #[must_use]
    pub fn of(error: &kube::Error) -> Option<Self> {
        if refusal::is_leaving(error) {
            return None;
        }
        let reason = match refusal::refused(error) {
            Some((
                reason @ (Reason::OperatorForbidden | Reason::PolicyDenied | Reason::WebhookUnavailable),
                _,
            )) => reason,
            _ => Reason::OperatorError,
        };
        Some(Self {
            reason,
            request: Some(FailedRequest::of(error)),
        })
    }
}

impl FailedRequest {
    fn of(error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            return Self {
                verb: None,
                resource: None,
                code: None,
            };
        };
        let kind = status
            .details
            .as_ref()
            .map_or("", |details| details.kind.as_str());
        Self {
            verb: verb(&status.message),
            resource: RESOURCES.into_iter().find(|known| *known == kind),
            code: Some(status.code),
        }
    }
}

/// `…cannot patch resource "wazoplugins" in API group…`: the words of RBAC.
fn verb(message: &str) -> Option<&'static str> {
    let (_, after) = message.split_once(" cannot ")?;
    let (verb, _) = after.split_once(" resource ")?;
    VERBS.into_iter().find(|known| *known == verb)
}

impl fmt::Display for FailedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.verb, self.resource) {
            (Some(verb), Some(resource)) => write!(f, "{verb} {resource}")?,
            (Some(word), None) | (None, Some(word)) => f.write_str(word)?,
            (None, None) => f.write_str("a request")?,
        }
        match self.code {
            Some(code) => write!(f, ": {code}"),
            None => f.write_str(": no answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::json;

    use super::*;

    fn told(code: u16, kind: &str, message: &str) -> Option<(Reason, String)> {
        let status: Status = serde_json::from_value(json!({
            "status": "Failure", "code": code, "reason": "Any", "message": message, "details": {"kind": kind},
        }))
        .unwrap();
        let failure = Failure::of(&kube::Error::Api(Box::new(status)))?;
        Some((failure.reason, failure.request.unwrap().to_string()))
    }

    #[test]
    fn of_a_failed_request_verb_resource_and_code_are_told_and_none_of_the_servers_words() {
        let forbidden =
            "secrets \"a\" is forbidden: User \"u\" cannot get resource \"secrets\" in API group \"\"";
        for (code, kind, message, reason, expected) in [
            (
                403,
                "secrets",
                forbidden,
                Reason::OperatorForbidden,
                "get secrets: 403",
            ),
            (
                500,
                "wazoplugins",
                "etcd: hunter22",
                Reason::OperatorError,
                "wazoplugins: 500",
            ),
            (
                500,
                "hunter22",
                "it cannot hunter22 resource x",
                Reason::OperatorError,
                "a request: 500",
            ),
            (
                403,
                "hunter22",
                "admission webhook \"w\" denied the request: hunter22",
                Reason::PolicyDenied,
                "a request: 403",
            ),
            (422, "secrets", "hunter22", Reason::OperatorError, "secrets: 422"),
        ] {
            assert_eq!(
                told(code, kind, message),
                Some((reason, expected.to_owned())),
                "{message}"
            );
        }
    }

    #[test]
    fn a_namespace_on_its_way_out_is_nobodys_fault() {
        let words = "forbidden: unable to create new content in namespace n because it is being terminated";
        assert_eq!(told(403, "secrets", words), None);
    }
}
