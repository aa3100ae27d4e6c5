//! What the API server's refusals mean.

use crate::api::reason::Reason;

/// A pass that could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Somebody else wrote in between: the next version is on its way.
    #[error("the object was changed by somebody else in between")]
    Conflict,
    /// The API server cannot be asked, or failed.
    #[error("failed to ask the API server: {0}")]
    Api(#[source] Box<kube::Error>),
}

impl From<kube::Error> for ApplyError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 409 => Self::Conflict,
            _ => Self::Api(Box::new(error)),
        }
    }
}

/// The fields that the API server names in its refusal.
#[must_use]
pub(super) fn fields(error: &kube::Error) -> Vec<String> {
    let kube::Error::Api(status) = error else {
        return Vec::new();
    };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .map(|cause| cause.field.clone())
        .filter(|field| !field.is_empty())
        .collect()
}

/// The reason and the API server's words, where it refused the object itself; `None`: it is not about the object.
#[must_use]
pub(crate) fn of(error: &kube::Error) -> Option<(Reason, String)> {
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
        // A namespace on its way out takes nothing new; what is in it goes, and so will this plugin.
        403 if message.contains("being terminated") => return None,
        401 | 403 => Reason::OperatorForbidden,
        400 | 422 => Reason::ApplyRejected,
        _ => return None,
    };
    Some((reason, message.chars().take(512).collect()))
}
