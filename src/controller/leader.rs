//! One replica works, the others stand by: the terms of leadership.

use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::oneshot;

use super::endpoints::Shown;
use super::guard::{self, Guard, GuardedNetwork, GuardedWires};
use super::lease::{Election, LeaseLock};
use super::{Parts, RunError, work};

/// Works whenever the lease is ours, until `shutdown` ends. Who loses the lease drops all its work where it stands and
/// stands by again: nothing of one term is left to the next.
pub(super) async fn run(
    parts: Parts,
    election: Election,
    shown: &Shown,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let mut shutdown = std::pin::pin!(shutdown);
    let mut stopping = false;
    let mut lock = LeaseLock::new(parts.client.clone(), election.clone());
    while !stopping {
        shown.stand_by();
        tracing::info!(
            lease = election.name,
            identity = election.identity,
            "standing by for the lease"
        );
        let looked = |holder: Option<&str>| shown.looked(holder);
        let guard = tokio::select! {
            guard = lock.acquire(looked) => guard,
            () = shutdown.as_mut() => return Ok(()),
        };
        tracing::info!(identity = election.identity, "this replica leads");
        let (stop, stopped) = oneshot::channel::<()>();
        let mut stop = Some(stop);
        // Boxed, so that it can be dropped before anything else is done.
        let mut term = Box::pin(work(under(&parts, &guard), shown, stopped.map(drop)));
        let outcome = {
            let mut keep = std::pin::pin!(lock.keep(&guard));
            loop {
                tokio::select! {
                    biased;
                    lost = &mut keep => break Err(lost),
                    outcome = &mut term => break Ok(outcome),
                    () = shutdown.as_mut(), if !stopping => {
                        stopping = true;
                        drop(stop.take());
                    }
                }
            }
        };
        drop(term);
        match outcome {
            Ok(outcome) => {
                lock.release(&guard).await;
                return outcome;
            }
            Err(lost) => tracing::warn!(%lost, "this replica leads no longer: all work is dropped"),
        }
    }
    Ok(())
}

/// What the operator is made of, as the leader of one term may use it.
fn under(parts: &Parts, guard: &Guard) -> Parts {
    Parts {
        client: guard::client(&parts.client, guard),
        wires: Arc::new(GuardedWires {
            inner: parts.wires.clone(),
            guard: guard.clone(),
        }),
        network: Arc::new(GuardedNetwork {
            inner: parts.network.clone(),
            guard: guard.clone(),
        }),
        ..parts.clone()
    }
}
