//! Pods that run and are not ready: what the kubelet gets to see there.

use std::net::SocketAddr;

use futures::future::join_all;
use tokio::time::timeout;

use super::client::Client;
use super::job::ReadinessJob;
use super::look::{LookError, ReadinessLook};
use super::settings::ProbeSettings;

/// The most pods that are asked.
pub(super) const MOST_PODS: usize = 3;

/// Where images listen for HTTP when nobody told them otherwise. Ports of which some are only for metrics or for
/// debugging are not among them.
const USUAL_PORTS: [u16; 6] = [8080, 80, 8000, 3000, 5000, 8443];

/// Asks the pods; of several, the first that is not good counts.
pub(super) async fn look(client: &Client, settings: &ProbeSettings, job: &ReadinessJob) -> ReadinessLook {
    let asked = job.pods.iter().take(MOST_PODS);
    let looks = join_all(asked.map(|pod| one(client, settings, *pod, job.path.as_deref()))).await;
    looks
        .into_iter()
        .find(|look| *look != ReadinessLook::Good)
        .unwrap_or(ReadinessLook::Good)
}

async fn one(
    client: &Client,
    settings: &ProbeSettings,
    pod: SocketAddr,
    path: Option<&str>,
) -> ReadinessLook {
    let asked = timeout(settings.readiness_timeout, async {
        match path {
            None => client.knock(pod).await.map(|()| ReadinessLook::Good),
            // The kubelet takes 200 to 399 for ready.
            Some(path) => client
                .ask_pod(pod, path)
                .await
                .map(|status| match status.as_u16() {
                    200..=399 => ReadinessLook::Good,
                    other => ReadinessLook::Status(other),
                }),
        }
    });
    match asked.await {
        Ok(Ok(look)) => look,
        Ok(Err(LookError::Refused)) => elsewhere(client, settings, pod).await,
        Ok(Err(LookError::TimedOut)) | Err(_) => ReadinessLook::TimedOut,
        Ok(Err(_)) => ReadinessLook::Broken,
    }
}

/// Nothing listens on the port: whether something does on another.
async fn elsewhere(client: &Client, settings: &ProbeSettings, pod: SocketAddr) -> ReadinessLook {
    let others = USUAL_PORTS.into_iter().filter(|port| *port != pod.port());
    let knocks = others.map(async |port| {
        let knock = client.knock(SocketAddr::new(pod.ip(), port));
        let accepted = matches!(timeout(settings.readiness_timeout, knock).await, Ok(Ok(())));
        accepted.then_some(port)
    });
    let found = join_all(knocks).await.into_iter().flatten().next();
    found.map_or(ReadinessLook::NotListening, ReadinessLook::ListensElsewhere)
}
