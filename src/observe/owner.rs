//! Who the operator is to the cores: part of the name of all that it makes there.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use tokio::sync::OnceCell;

use super::facts::Unusable;
use crate::api::core::{WazoCoreSpec, WazoCoreStatus};
use crate::api::reason::Reason;

/// The namespace whose uid tells this cluster from others.
const OF_THE_CLUSTER: &str = "kube-system";
const FIELD: &str = "spec.ownerId";

/// Who the operator is by default: read once, since a uid never changes.
#[derive(Debug, Default)]
pub struct Owner {
    default: OnceCell<String>,
}

impl Owner {
    /// The owner id in force for a core: what its status tells, since things stand in the core under it; else what its
    /// spec says; else the uid of the namespace `kube-system`.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn of(
        &self,
        client: &Client,
        spec: Option<&WazoCoreSpec>,
        status: &WazoCoreStatus,
    ) -> Result<Result<String, Unusable>, kube::Error> {
        let wanted = spec.and_then(|spec| spec.owner_id.as_ref());
        match (&status.owner_id, wanted) {
            (Some(known), Some(wanted)) if known != wanted => Ok(Err(unusable(
                Reason::InvalidSpec,
                format!("{FIELD}: must be \"{known}\": what stands in the core is known by that"),
            ))),
            (Some(known), _) => Ok(Ok(known.clone())),
            (None, Some(wanted)) => Ok(Ok(wanted.clone())),
            (None, None) => self.of_the_cluster(client).await,
        }
    }

    async fn of_the_cluster(&self, client: &Client) -> Result<Result<String, Unusable>, kube::Error> {
        let read = || async { Api::<Namespace>::all(client.clone()).get(OF_THE_CLUSTER).await };
        let uid = self
            .default
            .get_or_try_init(|| async { Ok(read().await?.metadata.uid.unwrap_or_default()) })
            .await;
        match uid {
            Ok(uid) => Ok(Ok(uid.clone())),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                Ok(Err(unusable(Reason::OperatorForbidden, status.message.clone())))
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Err(unusable(
                Reason::InvalidSpec,
                format!("{FIELD}: must be set: there is no namespace {OF_THE_CLUSTER} to take it from"),
            ))),
            Err(error) => Err(error),
        }
    }
}

fn unusable(reason: Reason, message: String) -> Unusable {
    Unusable {
        reason,
        message,
        field: FIELD.into(),
    }
}
