//! One look at a manifest by hand, as the prober would take it from the public address.

use std::sync::Arc;

use url::Url;

use super::browse::{self, Seen};
use super::client::{Client, Vantage};
use super::fact::ManifestSummary;
use super::guard::Guard;
use super::job::{Front, ProbeJob};
use super::look::Look;
use super::network::Network;
use super::open::Opener;
use super::prober::ProberError;
use super::settings::ProbeSettings;
use super::tls;
use crate::api::ui_manifest::Product;

/// Looks at a manifest once, with the guard, the limits and the browser's rules of the prober; `url` is https. The
/// summary is there where a valid manifest was read.
///
/// # Errors
/// Where the extra certificate authorities of the settings are not usable.
pub async fn look_once(
    network: Arc<dyn Network>,
    settings: &ProbeSettings,
    url: Url,
    product: Product,
) -> Result<(Look, Option<ManifestSummary>), ProberError> {
    let tls = tls::connector(settings.extra_roots_pem.as_deref())?;
    let guard = Guard::new(settings.allowed_cidrs.clone(), settings.api_server.clone());
    let opener = Opener::new(network, guard, tls, settings.timeout);
    let client = Client::new(opener, settings.max_redirects);
    let job = ProbeJob {
        name: String::new(),
        url,
        product,
        gateway_addresses: Vec::new(),
        pods: Vec::new(),
        front: Front::Public,
        revision: String::new(),
        service: None,
        names: Vec::new(),
    };
    let Seen { look, summary, .. } = browse::look(&client, settings, Vantage::Public(&[]), &job).await;
    Ok((look, summary))
}
