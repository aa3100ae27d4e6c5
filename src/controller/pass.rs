//! What every pass has in common, whatever its object: a log line, metrics, and a pause that grows with failures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::Resource;
use kube::runtime::controller::Action;

use super::context::Context;
use super::own_errors::{self, Told};
use crate::api::object::Raw;
use crate::apply::{ApplyError, Failure};

/// A pass that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassError {
    /// The API server did not do what was asked.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The status cannot be written as JSON: a mistake in the operator.
    #[error("failed to write the status as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The system gives no random bytes.
    #[error("failed to make a key: {0}")]
    Random(String),
}

impl PassError {
    /// What the status may tell; `None`: nothing is wrong with the operator.
    fn failure(&self) -> Option<Failure> {
        match self {
            Self::Apply(ApplyError::Conflict) => None,
            Self::Apply(ApplyError::Api { failure, .. }) => failure.clone(),
            Self::Json(_) | Self::Random(_) => Some(Failure::OF_ITSELF),
        }
    }
}

/// What a pass came to.
#[derive(Debug)]
pub(super) struct Passed {
    /// When the object is looked at again, unless something wakes it.
    pub(super) action: Action,
    /// How it went.
    pub(super) outcome: Outcome,
}

/// How a pass went: the label `outcome` of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing had to be done.
    Unchanged,
    /// Something was written.
    Changed,
    /// The API server refused a child.
    Refused,
    /// Something has to be known first.
    Waiting,
    /// The object was let go.
    Released,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Released => "released",
        }
    }
}

/// Makes a pass over an object: `controller` names the loop in metrics and log.
pub(super) async fn make<K>(
    controller: &'static str,
    object: Arc<Raw<K>>,
    context: Arc<Context>,
    pass: impl AsyncFnOnce(&Raw<K>, &Context) -> Result<Passed, PassError>,
) -> Result<Action, PassError>
where
    K: Told,
{
    context.listed().await;
    let started = Instant::now();
    let result = pass(&object, &context).await;
    let outcome = match &result {
        Ok(passed) => {
            context.backoff.passed(uid(&object));
            // What is refused again and again is tried again and again, but ever less often.
            if passed.outcome != Outcome::Refused {
                context.backoff.succeeded(uid(&object));
            }
            passed.outcome.as_str()
        }
        Err(PassError::Apply(ApplyError::Conflict)) => "conflict",
        Err(_) => "failed",
    };
    let took = started.elapsed();
    context.metrics.passed(controller, outcome, took.as_secs_f64());
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let key = object.key();
    match &result {
        Err(error) if outcome == "failed" => {
            tracing::warn!(controller, object = %key, outcome, milliseconds, %error, "pass");
            if let Some(failure) = error.failure() {
                let errors = context.backoff.erred(uid(&object), Timestamp::now());
                own_errors::tell(controller, &object, (failure, errors), &context).await;
            }
        }
        _ => tracing::info!(controller, object = %key, outcome, milliseconds, "pass"),
    }
    result.map(|passed| passed.action)
}

/// What a pass that failed leads to.
pub(super) fn error_policy<K>(object: Arc<Raw<K>>, error: &PassError, context: Arc<Context>) -> Action
where
    K: Resource<DynamicType = ()>,
{
    let pause = match error {
        // The newer version is on its way, and brings a pass of its own.
        PassError::Apply(ApplyError::Conflict) => Duration::from_secs(1),
        _ => context.backoff.failed(uid(&object), &context.settings),
    };
    Action::requeue(pause)
}

fn uid<K: Resource<DynamicType = ()>>(object: &Raw<K>) -> &str {
    object.meta().uid.as_deref().unwrap_or_default()
}
