//! The prober against servers in this process, over a network that is a table.

mod address;
mod certificate;
mod manifest;
mod net;
mod pace;
mod pods;
mod readiness;
mod redirect;
mod service;
mod site;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Url;

use super::{
    Front, Look, LookError, ManifestFact, ProbeFacts, ProbeJob, ProbeSettings, Prober, ReadinessJob,
};
use crate::api::ui_manifest::Product;
use crate::keys::{PluginKey, Wake};
use net::{Authority, Net};
use site::{Page, Site};

const HOST: &str = "crm.acme.example";
const MANIFEST: &str = "/panel/manifest.json";
/// The gateway's address: public as far as the guard knows.
const GATEWAY: &str = "203.0.113.10";
const POD: &str = "10.244.0.7:8080";
/// Far longer than anything takes, unless it hangs.
const LONG: Duration = Duration::from_secs(30);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn manifest_json() -> Value {
    json!({
        "manifestVersion": "0.1", "version": "1.4.2", "id": "crm", "packageName": "com.example.crm", "productType": "app",
        "name": {"short": "CRM", "full": "CRM"}, "description": {"short": "CRM", "full": "CRM"},
        "icons": {"color": "black"}, "developer": {"name": "Acme"},
        "staticTabs": [{"entityId": "crm", "context": ["sidebarTab"], "name": "CRM", "contentUrl": "./index.html"}]
    })
}

fn manifest_page() -> Page {
    Page::json(&manifest_json()).header("access-control-allow-origin", "*")
}

/// A site with a good manifest and a good page.
fn good_site() -> Arc<Site> {
    let site = Site::default();
    site.set(MANIFEST, manifest_page());
    site.set("/panel/index.html", Page::text("<h1>CRM</h1>"));
    Arc::new(site)
}

fn job() -> ProbeJob {
    ProbeJob {
        name: "panel".to_owned(),
        url: Url::parse(&format!("https://{HOST}{MANIFEST}")).unwrap(),
        product: Product::App,
        gateway_addresses: Vec::new(),
        pods: vec![socket(POD)],
        front: Front::Public,
        revision: "1".to_owned(),
        service: None,
        names: Vec::new(),
    }
}

/// A prober that runs, until it is dropped.
struct Bench {
    net: Arc<Net>,
    prober: Prober,
    key: PluginKey,
    wakes: UnboundedReceiver<Wake>,
    registry: Registry,
    run: JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.run.abort();
    }
}

fn settings() -> ProbeSettings {
    ProbeSettings {
        api_server: vec![ip("10.96.0.1")],
        // A look is repeated only where a test says so.
        min_interval: LONG * 10,
        min_retry: LONG * 10,
        max_retry: LONG * 10,
        ..ProbeSettings::default()
    }
}

impl Bench {
    /// The gateway serves `public` over TLS for [`HOST`]; the pod serves `pod`.
    fn new(public: &Arc<Site>, pod: &Arc<Site>, settings: ProbeSettings) -> Self {
        let mut net = Net::default();
        net.name(HOST, &[&[GATEWAY]]);
        net.tls(
            &format!("{GATEWAY}:443"),
            &Authority::get().certificate(&[HOST]),
            public,
        );
        net.plain(POD, pod);
        Self::with(net, settings)
    }

    fn with(net: Net, mut settings: ProbeSettings) -> Self {
        settings.extra_roots_pem = Some(Authority::get().pem());
        let net = Arc::new(net);
        let (waker, wakes) = unbounded_channel();
        let registry = Registry::new();
        let network = Arc::clone(&net) as Arc<dyn super::Network>;
        let prober = Prober::new(network, settings, waker, &registry).unwrap();
        let run = tokio::spawn({
            let prober = prober.clone();
            async move { prober.run().await }
        });
        Self {
            net,
            prober,
            key: PluginKey::new("acme", "crm"),
            wakes,
            registry,
            run,
        }
    }

    fn want(&self, job: ProbeJob) {
        self.prober.want(&self.key, vec![job], None);
    }

    fn want_readiness(&self, job: ReadinessJob) {
        self.prober.want(&self.key, Vec::new(), Some(job));
    }

    /// Waits for the next change.
    async fn change(&mut self) -> ProbeFacts {
        let wake = timeout(LONG, self.wakes.recv()).await.expect("a verdict changes");
        assert_eq!(wake, Some(Wake::Plugin(self.key.clone())));
        self.prober.facts(&self.key)
    }

    async fn manifest(&mut self) -> ManifestFact {
        self.change().await.manifests.remove(0)
    }

    /// What the first look at the job sees: from the public address, from the pod.
    async fn first(&mut self, job: ProbeJob) -> (Look, Option<Look>) {
        self.want(job);
        let fact = self.manifest().await;
        (
            fact.public.expect("the public address is always looked at"),
            fact.pod,
        )
    }
}

fn good() -> Look {
    Look::Good { warnings: Vec::new() }
}

/// What the first look sees at the public address.
async fn public_error(public: &Arc<Site>, settings: ProbeSettings) -> LookError {
    let mut bench = Bench::new(public, &good_site(), settings);
    let (look, pod) = bench.first(job()).await;
    assert_eq!(pod, Some(good()), "the pod tells that the plugin itself is good");
    match look {
        Look::Bad(error) => error,
        Look::Good { .. } => panic!("the look is good"),
    }
}
