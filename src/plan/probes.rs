//! What the prober is to look at.

use std::net::SocketAddr;

use url::Url;

use crate::api::names::SERVICE_PORT;
use crate::api::parse::Plugin;
use crate::api::plugin::Verify;
use crate::judge::service;
use crate::judge::source::revision;
use crate::judge::workload::newest_pods;
use crate::judge::{Assessment, settled};
use crate::observe::facts::{ContainerState, PodFact};
use crate::observe::world::{GatewayView, IngressClassView, World};
use crate::probe::{Front, ProbeJob, ReadinessJob};

/// The jobs for a plugin.
#[must_use]
pub fn jobs(
    world: &World,
    plugin: &Plugin,
    assessment: &Assessment,
) -> (Vec<ProbeJob>, Option<ReadinessJob>) {
    (manifests(world, plugin, assessment), readiness(world, plugin))
}

fn manifests(world: &World, plugin: &Plugin, assessment: &Assessment) -> Vec<ProbeJob> {
    let serves = assessment.available.is_good() || settled(world) || plugin.spec.url.is_some();
    let routed = assessment.route.is_good() || unpublished(world);
    if plugin.is_scaled_to_zero() || !routed || !serves {
        return Vec::new();
    }
    let Some(front) = front(world, plugin) else {
        return Vec::new();
    };
    let gateway_addresses = own_addresses(world, plugin);
    let pods = match service::known(world) {
        Some(backend) => backend.ready(),
        None => addresses(newest_pods(world).into_iter(), plugin),
    };
    plugin
        .ui
        .iter()
        .map(|entry| ProbeJob {
            name: entry.entry.name.clone(),
            url: entry.manifest_url.clone(),
            product: entry.entry.product,
            gateway_addresses: gateway_addresses.clone(),
            pods: pods.clone(),
            front,
            revision: revision(world),
            service: own_service(world, plugin),
            names: names(world),
        })
        .collect()
}

/// Where the manifest is verified; `None`: nowhere, or the address of the Service is not known yet.
fn front(world: &World, plugin: &Plugin) -> Option<Front> {
    match plugin.spec.verify() {
        Verify::Public => Some(Front::Public),
        Verify::Service => service_address(world, plugin).map(Front::Service),
        Verify::None => None,
    }
}

/// The address of the plugin's Service. A headless one has no other than those of its endpoints.
fn service_address(world: &World, plugin: &Plugin) -> Option<SocketAddr> {
    if plugin.workload().is_some() {
        let port = u16::try_from(SERVICE_PORT).ok()?;
        return Some(SocketAddr::new(
            world.children.service.as_ref()?.cluster_ip?,
            port,
        ));
    }
    let backend = service::known(world)?;
    match backend.service.as_ref()?.as_ref()?.cluster_ip {
        Some(address) => {
            let port = u16::try_from(backend.reference.port).ok()?;
            Some(SocketAddr::new(address, port))
        }
        None => backend.ready().first().copied(),
    }
}

/// The operator's own Service in front of the plugin's pods.
fn own_service(world: &World, plugin: &Plugin) -> Option<SocketAddr> {
    plugin.workload()?;
    service_address(world, plugin)
}

/// Names beside the plugin's that the cluster's resolver should know: that of the core.
fn names(world: &World) -> Vec<String> {
    let spec = world.core.as_ref().and_then(|core| core.entry.spec.as_ref());
    let url = spec.and_then(|spec| Url::parse(&spec.url).ok());
    let host = url.and_then(|url| url.domain().map(ToOwned::to_owned));
    host.into_iter().collect()
}

/// The addresses of the plugin's own Gateway or Ingress.
fn own_addresses(world: &World, plugin: &Plugin) -> Vec<std::net::IpAddr> {
    if plugin.spec.expose.is_none() {
        return Vec::new();
    }
    let ingress = world.children.ingress.as_ref();
    match &world.gateway {
        GatewayView::Found(gateway) => gateway.addresses.clone(),
        _ => ingress
            .map(|ingress| ingress.addresses.clone())
            .unwrap_or_default(),
    }
}

/// An Ingress whose controller publishes no address, as some never do: what the public address answers tells.
fn unpublished(world: &World) -> bool {
    let wanted = world.ingress_class != IngressClassView::NotAsked;
    let standing = world.children.ingress.as_ref();
    wanted && standing.is_some_and(|ingress| !ingress.published && !ingress.id.deleting)
}

fn readiness(world: &World, plugin: &Plugin) -> Option<ReadinessJob> {
    let unready = newest_pods(world).into_iter().filter(|pod| !pod.ready);
    let pods = addresses(unready, plugin);
    (!pods.is_empty()).then(|| ReadinessJob {
        pods,
        path: super::children::readiness_path(plugin),
    })
}

fn addresses<'a>(pods: impl Iterator<Item = &'a PodFact>, plugin: &Plugin) -> Vec<SocketAddr> {
    let port = plugin
        .workload()
        .and_then(|workload| u16::try_from(workload.port).ok());
    let Some(port) = port else {
        return Vec::new();
    };
    let running = |pod: &&PodFact| matches!(pod.container.state, ContainerState::Running { .. });
    pods.filter(running)
        .filter_map(|pod| pod.ip.map(|ip| SocketAddr::new(ip, port)))
        .collect()
}
