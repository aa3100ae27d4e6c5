//! Control probes: while a manifest cannot be had, what stands between the public address and the pods is asked one by one,
//! so that it can be told which part of the way fails.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::client::Client;
use super::job::{Front, ProbeJob};
use super::look::{Look, LookError};
use super::settings::ProbeSettings;

/// A name that every cluster's resolver knows.
const KNOWN: &str = "kubernetes.default.svc";

/// What control probes showed. Each part is there only where it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ControlFact {
    /// Whether a pod takes connections: asked where it does not answer a request in time.
    pub pod: Option<Knock>,
    /// Whether the plugin's Service takes connections: asked where the public address does not answer well.
    pub service: Option<Knock>,
    /// Whether the cluster's resolver answers for other names: asked where it does not for the public host.
    pub resolver: Option<Resolver>,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Knock {
    /// It was made.
    Taken,
    /// It was refused.
    Refused,
    /// It was not made in time.
    TimedOut,
    /// There is no way.
    Unreachable,
}

impl Knock {
    /// What was seen, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Taken => "takes connections",
            Self::Refused => "connection refused",
            Self::TimedOut => "no connection in time",
            Self::Unreachable => "no way to the address",
        }
    }
}

/// Whether a resolver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolver {
    /// For at least one name, be it that there is none.
    Answers,
    /// For none.
    Silent,
}

/// Asks what may explain that the front does not answer well.
pub(super) async fn look(
    client: &Client,
    settings: &ProbeSettings,
    job: &ProbeJob,
    front: &Look,
    pod: Option<&Look>,
) -> ControlFact {
    let silent = |look: &Look| matches!(look, Look::Bad(LookError::TimedOut | LookError::Unreachable));
    let first = job.pods.first().filter(|_| pod.is_some_and(silent));
    let service = job
        .service
        .filter(|_| job.front == Front::Public && is_of_the_way(front));
    let unresolved = matches!(front, Look::Bad(LookError::ResolverFailed));
    let (pod, service, resolver) = tokio::join!(
        knock(client, settings, first.copied()),
        knock(client, settings, service),
        resolver(client, settings, unresolved.then_some(job.names.as_slice())),
    );
    ControlFact {
        pod,
        service,
        resolver,
    }
}

/// Whether what stands before the pods may be the cause.
const fn is_of_the_way(front: &Look) -> bool {
    match front {
        Look::Good { .. } => false,
        Look::Bad(error) => matches!(
            error,
            LookError::Refused
                | LookError::Unreachable
                | LookError::TimedOut
                | LookError::Broken
                | LookError::NotFound
                | LookError::Status { .. }
        ),
    }
}

async fn knock(client: &Client, settings: &ProbeSettings, address: Option<SocketAddr>) -> Option<Knock> {
    let look = timeout(settings.readiness_timeout, client.knock(address?)).await;
    match look {
        Ok(Ok(())) => Some(Knock::Taken),
        Ok(Err(LookError::Refused)) => Some(Knock::Refused),
        Ok(Err(LookError::TimedOut)) | Err(_) => Some(Knock::TimedOut),
        // It is nobody's address, and was not asked.
        Ok(Err(LookError::AddressRefused { .. })) => None,
        Ok(Err(_)) => Some(Knock::Unreachable),
    }
}

async fn resolver(client: &Client, settings: &ProbeSettings, names: Option<&[String]>) -> Option<Resolver> {
    let names = names?.iter().map(String::as_str).chain([KNOWN]);
    let answers = futures::future::join_all(names.map(|name| async move {
        let looked = timeout(settings.readiness_timeout, client.resolve(name)).await;
        matches!(looked, Ok(Ok(()) | Err(LookError::NotResolving)))
    }))
    .await;
    Some(if answers.contains(&true) {
        Resolver::Answers
    } else {
        Resolver::Silent
    })
}
