//! How the prober looks.

use std::net::IpAddr;
use std::time::Duration;

use super::cidr::Cidr;

/// How the prober looks. The defaults are those of the chart.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// Certificate authorities (PEM) to trust beside the usual ones: `probe.caBundle` of the chart.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// Addresses that may be connected to although they are not public: `probe.allowedCIDRs` of the chart.
    pub allowed_cidrs: Vec<Cidr>,
    /// The API server's addresses: never connected to, whatever is allowed. By default from
    /// `KUBERNETES_SERVICE_HOST`, where that is an address.
    pub api_server: Vec<IpAddr>,
    /// The time between two looks at what was just found good.
    pub min_interval: Duration,
    /// The time between two looks at what was good for long: each good look doubles the time.
    pub max_interval: Duration,
    /// The time to the next look after the first bad one.
    pub min_retry: Duration,
    /// The most time between two bad looks.
    pub max_retry: Duration,
    /// The limit of one look from one vantage, redirects and body included.
    pub timeout: Duration,
    /// The limit of one look at a pod that is not ready.
    pub readiness_timeout: Duration,
    /// The most bytes of a body.
    pub max_body: usize,
    /// The most redirects of one look.
    pub max_redirects: usize,
    /// How many looks run at the same time.
    pub concurrency: usize,
    /// The application whose browser is played: sent as `Origin`, and must be allowed to frame.
    pub origin: String,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            extra_roots_pem: None,
            allowed_cidrs: Vec::new(),
            api_server: api_server(),
            min_interval: Duration::from_secs(30),
            max_interval: Duration::from_secs(600),
            min_retry: Duration::from_secs(1),
            max_retry: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
            readiness_timeout: Duration::from_secs(2),
            max_body: 1024 * 1024,
            max_redirects: 5,
            concurrency: 16,
            origin: "https://app.wazo.io".to_owned(),
        }
    }
}

/// Where the kubelet tells a pod that the API server is.
fn api_server() -> Vec<IpAddr> {
    std::env::var("KUBERNETES_SERVICE_HOST")
        .ok()
        .and_then(|host| host.trim_matches(['[', ']']).parse().ok())
        .into_iter()
        .collect()
}
