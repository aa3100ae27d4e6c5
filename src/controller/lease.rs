//! The lease that replicas agree by on the one that works: `coordination.k8s.io/v1`, the protocol of client-go. When
//! another's lease ends is judged by seeing it unchanged for its duration on our own clock, never by comparing its
//! times with ours; every write names the version that was read.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};
use tokio::time::{sleep, timeout};

use super::guard::{Guard, since_boot};

#[cfg(test)]
mod tests;

/// How the replicas of the operator agree on the one that works.
#[derive(Clone, Debug)]
pub struct Election {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// Who we are: no two processes that may run at the same time have the same.
    pub identity: String,
    /// How long others wait after they last saw the lease renewed before they take it; whole seconds.
    pub lease_duration: Duration,
    /// How long after its last renewal the leader goes on: less than `lease_duration`, so that requests under way
    /// have ended when another begins.
    pub renew_deadline: Duration,
    /// How often the leader renews, and the others look.
    pub retry_period: Duration,
}

/// Why an election cannot be held so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElectionError {
    /// The lease's duration is no whole number of seconds from 1 up.
    #[error("lease duration: must be whole seconds, at least 1s")]
    Duration,
    /// The times do not fit together.
    #[error(
        "lease times: the duration must be longer than the renew deadline, and that longer than the retry period"
    )]
    Order,
}

impl Election {
    /// An election with the times of client-go: 15 s, 10 s, 2 s.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            identity: identity.into(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }

    /// Checks that the times fit together.
    ///
    /// # Errors
    /// Names the times that do not.
    pub fn check(&self) -> Result<(), ElectionError> {
        let whole = self.lease_duration.subsec_nanos() == 0;
        let seconds = i32::try_from(self.lease_duration.as_secs()).unwrap_or_default();
        if !whole || seconds < 1 {
            return Err(ElectionError::Duration);
        }
        if self.lease_duration > self.renew_deadline && self.renew_deadline > self.retry_period {
            Ok(())
        } else {
            Err(ElectionError::Order)
        }
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.lease_duration.as_secs()).unwrap_or(i32::MAX)
    }

    /// What the lease says once we have taken it.
    fn taken(&self, before: &LeaseSpec, now: Timestamp) -> LeaseSpec {
        let ours = before.holder_identity.as_deref() == Some(&self.identity);
        let transitions = before.lease_transitions.unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(self.seconds()),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(if ours {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..before.clone()
        }
    }
}

/// The lease of somebody else as it was first seen.
struct Seen {
    spec: LeaseSpec,
    /// Since boot.
    at: Duration,
}

/// Why a leader leads no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// It could not be renewed in time.
    #[error("the lease could not be renewed within the renew deadline")]
    Expired,
    /// Somebody else has it.
    #[error("the lease is held by {0}")]
    Taken(String),
    /// Somebody deleted it.
    #[error("the lease was deleted")]
    Deleted,
}

/// One replica's side of the lease.
pub(super) struct LeaseLock {
    api: Api<Lease>,
    election: Election,
    seen: Option<Seen>,
    /// The lease as we last wrote it; only while we hold it.
    held: Option<Lease>,
}

impl LeaseLock {
    pub(super) fn new(client: Client, election: Election) -> Self {
        Self {
            api: Api::namespaced(client, &election.namespace),
            election,
            seen: None,
            held: None,
        }
    }

    /// Waits until the lease is ours. `looked` is told after each look who holds it.
    pub(super) async fn acquire(&mut self, looked: impl Fn(Option<&str>)) -> Guard {
        loop {
            match timeout(self.election.renew_deadline, self.try_acquire()).await {
                Ok(Ok(Some(guard))) if guard.is_open() => return guard,
                Ok(Ok(_)) => looked(
                    self.seen
                        .as_ref()
                        .and_then(|seen| seen.spec.holder_identity.as_deref()),
                ),
                Ok(Err(error)) => self.complain(&error),
                Err(_) => tracing::warn!("the API server does not answer about the lease"),
            }
            sleep(self.election.retry_period).await;
        }
    }

    fn complain(&self, error: &kube::Error) {
        let place = format!("{}/{}", self.election.namespace, self.election.name);
        match error {
            kube::Error::Api(status) if matches!(status.code, 401 | 403) => tracing::error!(
                %error,
                lease = place,
                "no right to the lease: no replica can lead; grant get, create and update of leases in this namespace"
            ),
            _ => tracing::warn!(%error, lease = place, "failed to look at the lease"),
        }
    }

    async fn try_acquire(&mut self) -> Result<Option<Guard>, kube::Error> {
        let found = self.api.get_opt(&self.election.name).await?;
        let mut lease = found.unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(self.election.name.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        let spec = lease.spec.take().unwrap_or_default();
        if !self.is_free(&spec) {
            return Ok(None);
        }
        lease.spec = Some(self.election.taken(&spec, Timestamp::now()));
        // Measured from before the request: others may have seen it from then on.
        let begun = since_boot();
        let written = match lease.resource_version() {
            None => self.api.create(&PostParams::default(), &lease).await,
            Some(_) => {
                self.api
                    .replace(&self.election.name, &PostParams::default(), &lease)
                    .await
            }
        };
        match written {
            Ok(lease) => {
                self.held = Some(lease);
                self.seen = None;
                Ok(Some(Guard::until(begun + self.election.renew_deadline)))
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {
                tracing::info!("another replica was quicker to take the lease");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the lease may be taken: nobody's, our own of an earlier life, or unchanged for as long as it is good.
    fn is_free(&mut self, spec: &LeaseSpec) -> bool {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.election.identity {
            return true;
        }
        let seconds = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        let duration = seconds.map_or(self.election.lease_duration, Duration::from_secs);
        match &self.seen {
            Some(seen) if seen.spec == *spec => since_boot() >= seen.at + duration,
            _ => {
                self.seen = Some(Seen {
                    spec: spec.clone(),
                    at: since_boot(),
                });
                false
            }
        }
    }

    /// Renews the lease until it is lost; the guard is then closed.
    pub(super) async fn keep(&mut self, guard: &Guard) -> Lost {
        let lost = loop {
            sleep(self.election.retry_period).await;
            let begun = since_boot();
            let left = guard.deadline().saturating_sub(begun);
            if left.is_zero() {
                break Lost::Expired;
            }
            match timeout(left, self.renew()).await {
                Ok(Ok(())) => guard.extend(begun + self.election.renew_deadline),
                Ok(Err(RenewError::Lost(lost))) => break lost,
                Ok(Err(RenewError::Kube(error))) => tracing::warn!(%error, "failed to renew the lease"),
                Err(_) => tracing::warn!("the API server does not answer: the lease is not renewed"),
            }
            // A renewal that was answered too late is none: others may have seen no sign of it in time.
            if !guard.is_open() {
                break Lost::Expired;
            }
        };
        guard.close();
        self.held = None;
        lost
    }

    async fn renew(&mut self) -> Result<(), RenewError> {
        let mut lease = self.held.clone().ok_or(RenewError::Lost(Lost::Deleted))?;
        if let Some(spec) = &mut lease.spec {
            spec.renew_time = Some(MicroTime(Timestamp::now()));
        }
        match self.write(&lease).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                // An earlier renewal of ours whose answer was lost, or somebody else.
                let mut found = self.read().await?;
                if let Some(spec) = &mut found.spec {
                    spec.renew_time = Some(MicroTime(Timestamp::now()));
                }
                self.held = Some(self.write(&found).await?);
            }
            written => self.held = Some(written?),
        }
        Ok(())
    }

    async fn write(&self, lease: &Lease) -> Result<Lease, kube::Error> {
        self.api
            .replace(&self.election.name, &PostParams::default(), lease)
            .await
    }

    /// The lease as it is, if it is ours still.
    async fn read(&self) -> Result<Lease, RenewError> {
        let found = self.api.get(&self.election.name).await?;
        let holder = found.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        match holder {
            Some(holder) if holder == self.election.identity => Ok(found),
            holder => Err(RenewError::Lost(Lost::Taken(
                holder.unwrap_or_else(|| "nobody".to_owned()),
            ))),
        }
    }

    /// Gives the lease back, so that another replica need not wait for its end. Nothing may be sent any more before.
    pub(super) async fn release(&mut self, guard: &Guard) {
        let left = guard.deadline().saturating_sub(since_boot());
        guard.close();
        let Some(mut lease) = self.held.take() else { return };
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            spec.lease_duration_seconds = Some(1);
            spec.renew_time = Some(MicroTime(Timestamp::now()));
        }
        match timeout(left, self.write(&lease)).await {
            Ok(Ok(_)) => tracing::info!("the lease is released"),
            Ok(Err(error)) => tracing::warn!(%error, "failed to release the lease: it ends by itself"),
            Err(_) => tracing::warn!("failed to release the lease in time: it ends by itself"),
        }
    }
}

enum RenewError {
    Lost(Lost),
    Kube(kube::Error),
}

impl From<kube::Error> for RenewError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 404 => Self::Lost(Lost::Deleted),
            _ => Self::Kube(error),
        }
    }
}
