//! What the API server's refusals mean, and what of their words may be told: policies and webhooks may repeat anything
//! that was sent, and so may the API server itself.

use serde_json::Value;

use super::failure::Failure;
use super::hidden;
use crate::api::reason::Reason;
use crate::api_error;

/// A pass that could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Somebody else wrote in between: the next version is on its way.
    #[error("the object was changed by somebody else in between")]
    Conflict,
    /// The API server cannot be asked, or failed; without its words.
    #[error("failed to ask the API server: {told}")]
    Api {
        /// Code, reason and fields, for the log.
        told: String,
        /// What the status may tell; `None`: nothing is wrong with the operator.
        failure: Option<Failure>,
    },
}

impl From<kube::Error> for ApplyError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 409 => Self::Conflict,
            _ => Self::Api {
                told: api_error::told(&error),
                failure: Failure::of(&error),
            },
        }
    }
}

/// The reason and the API server's words, where it refused what was sent itself; `None`: it is not about the object. What
/// stands in the object and is nobody else's business is not in the words.
#[must_use]
pub(super) fn of(error: &kube::Error, sent: &Value) -> Option<(Reason, String)> {
    let (reason, message) = refused(error)?;
    Some((reason, hidden::without(message, sent).chars().take(512).collect()))
}

/// The same for a Secret: who refused it, and none of the words.
#[must_use]
pub(crate) fn of_secret(error: &kube::Error) -> Option<(Reason, String)> {
    let (reason, message) = refused(error)?;
    // `ValidatingAdmissionPolicy 'a' with binding 'b' denied request: …`, `admission webhook "a" denied the request: …`
    let who = message
        .split_once(" denied ")
        .map(|(who, _)| format!(" by {who}"));
    let who = who.filter(|_| reason == Reason::PolicyDenied).unwrap_or_default();
    Some((
        reason,
        format!("the Secret is refused{who}; the words are not repeated"),
    ))
}

/// Whether a namespace on its way out takes nothing new: nobody's mistake.
#[must_use]
pub(super) fn is_leaving(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403 && status.message.contains("being terminated"))
}

/// Why, and the API server's words.
pub(super) fn refused(error: &kube::Error) -> Option<(Reason, &str)> {
    let kube::Error::Api(status) = error else {
        return None;
    };
    let message = status.message.as_str();
    let reason = match status.code {
        403 if message.contains("exceeded quota") || message.contains("failed quota") => {
            Reason::QuotaExceeded
        }
        403 if message.contains("violates PodSecurity") => Reason::PodSecurityViolated,
        400 | 403 | 422
            if message.contains("admission webhook") || message.contains("ValidatingAdmissionPolicy") =>
        {
            Reason::PolicyDenied
        }
        // The API server fails where a webhook that it must ask does not answer.
        500.. if message.contains("failed calling webhook") => Reason::WebhookUnavailable,
        // A namespace on its way out takes nothing new; what is in it goes, and so will this plugin.
        403 if is_leaving(error) => return None,
        401 | 403 => Reason::OperatorForbidden,
        400 | 422 => Reason::ApplyRejected,
        _ => return None,
    };
    Some((reason, message))
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::json;

    use super::*;

    fn error(code: u16, message: &str) -> kube::Error {
        let causes = json!([{"field": "spec.a", "message": message, "reason": "FieldValueInvalid"}]);
        let status: Status = serde_json::from_value(json!({
            "status": "Failure", "code": code, "reason": "Invalid", "message": message,
            "details": {"causes": causes},
        }))
        .unwrap();
        kube::Error::Api(Box::new(status))
    }

    #[test]
    fn the_log_tells_code_reason_and_fields_and_no_words() {
        let told = ApplyError::from(error(422, "spec.a: Invalid value: \"hunter22\"")).to_string();
        assert_eq!(told, "failed to ask the API server: 422 Invalid at spec.a");
    }

    #[test]
    fn words_about_a_child_are_told_without_its_environment() {
        let sent = json!({"spec": {"template": {"spec": {"containers": [
            {"env": [{"name": "TOKEN", "value": "hunter22hunter22"}], "image": "registry.test/a:1"},
        ]}}}});
        let message =
            "admission webhook \"w\" denied the request: TOKEN=hunter22hunter22 in registry.test/a:1";
        let (reason, words) = of(&error(403, message), &sent).unwrap();
        assert_eq!(reason, Reason::PolicyDenied);
        assert_eq!(
            words,
            "admission webhook \"w\" denied the request: TOKEN=<hidden> in registry.test/a:1"
        );
    }

    #[test]
    fn of_a_refused_secret_only_who_refused_it_is_told() {
        for (message, who) in [
            (
                "secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: hunter22",
                "the Secret is refused by secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b'; \
                 the words are not repeated",
            ),
            (
                "admission webhook \"w\" denied the request: hunter22",
                "the Secret is refused by admission webhook \"w\"; the words are not repeated",
            ),
            (
                "Secret \"a\" is invalid: data[password]: Invalid value: hunter22",
                "the Secret is refused; the words are not repeated",
            ),
        ] {
            let (_, words) = of_secret(&error(422, message)).unwrap();
            assert_eq!(words, who);
        }
    }
}
