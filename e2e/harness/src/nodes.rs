//! A simulated node: the real scheduler binds pods to it, and nobody runs them; what a kubelet would write of them is
//! written here.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::sync::Notify;
use wazo_plugin_operator::api::names::PLUGIN_LABEL;

use crate::cluster::ClusterError;
use crate::pod_state::PodState;

/// The name of the node.
pub const NODE: &str = "simulated";

/// The simulated kubelet. Clones are the same one.
#[derive(Clone)]
pub struct Nodes {
    told: Arc<Mutex<Told>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Told {
    /// By namespace and plugin, and by image where a test told a rollout's pods apart.
    states: HashMap<(String, String, Option<String>), PodState>,
    addresses: HashMap<(String, String), IpAddr>,
}

impl Told {
    fn state(&self, namespace: &str, plugin: &str, image: &str) -> PodState {
        let key = |image: Option<&str>| {
            (
                namespace.to_owned(),
                plugin.to_owned(),
                image.map(ToOwned::to_owned),
            )
        };
        self.states
            .get(&key(Some(image)))
            .or_else(|| self.states.get(&key(None)))
            .cloned()
            .unwrap_or_default()
    }

    fn address(&mut self, namespace: &str, plugin: &str) -> IpAddr {
        let next = u32::try_from(self.addresses.len()).unwrap_or(0) + 1;
        *self
            .addresses
            .entry((namespace.to_owned(), plugin.to_owned()))
            .or_insert_with(|| Ipv4Addr::from_bits(Ipv4Addr::new(10, 244, 0, 0).to_bits() + next).into())
    }
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self {
            told: Arc::default(),
            changed: Arc::new(Notify::new()),
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of a plugin's pods: all of them have the same.
    #[must_use]
    pub fn address(&self, namespace: &str, plugin: &str) -> IpAddr {
        self.told().address(namespace, plugin)
    }

    /// Puts the pods of a plugin, those there are and those to come, into a state. Without a word they become ready.
    pub fn set(&self, namespace: &str, plugin: &str, state: PodState) {
        self.tell((namespace.to_owned(), plugin.to_owned(), None), state);
    }

    /// The same for the pods of one image of a plugin.
    pub fn set_image(&self, namespace: &str, plugin: &str, image: &str, state: PodState) {
        self.tell(
            (namespace.to_owned(), plugin.to_owned(), Some(image.to_owned())),
            state,
        );
    }

    fn tell(&self, key: (String, String, Option<String>), state: PodState) {
        self.told().states.insert(key, state);
        self.changed.notify_one();
    }

    /// Plays the kubelet for all pods that carry a plugin's label, until dropped.
    pub(crate) async fn run(self, client: Client) {
        let config = watcher::Config::default().labels(PLUGIN_LABEL);
        let mut events = watcher(Api::<Pod>::all(client.clone()), config)
            .default_backoff()
            .boxed();
        // Each pod with the state that was written last.
        let mut pods: HashMap<String, (Pod, Option<PodState>)> = HashMap::new();
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(Event::Apply(pod) | Event::InitApply(pod))) => {
                        let uid = pod.uid().unwrap_or_default();
                        let written = pods.remove(&uid).and_then(|(_, written)| written);
                        let entry = pods.entry(uid).or_insert((pod, written));
                        self.settle(&client, entry).await;
                    }
                    Some(Ok(Event::Delete(pod))) => {
                        pods.remove(&pod.uid().unwrap_or_default());
                    }
                    Some(Ok(Event::Init | Event::InitDone)) => {}
                    Some(Err(error)) => eprintln!("the simulated kubelet's watch: {error}"),
                    None => return,
                },
                () = self.changed.notified() => {
                    for entry in pods.values_mut() {
                        self.settle(&client, entry).await;
                    }
                }
            }
        }
    }

    async fn settle(&self, client: &Client, (pod, written): &mut (Pod, Option<PodState>)) {
        let (Some(namespace), name) = (pod.namespace(), pod.name_any()) else {
            return;
        };
        let api: Api<Pod> = Api::namespaced(client.clone(), &namespace);
        let outcome = if pod.metadata.deletion_timestamp.is_some() {
            // The kubelet's last word: without it the pod stays for ever.
            let now = DeleteParams::default().grace_period(0);
            api.delete(&name, &now).await.map(|_| ())
        } else {
            let spec = pod.spec.as_ref();
            if spec.and_then(|spec| spec.node_name.as_deref()) != Some(NODE) {
                return;
            }
            let plugin = pod.labels().get(PLUGIN_LABEL).cloned().unwrap_or_default();
            let image = spec
                .and_then(|spec| spec.containers.first())
                .and_then(|container| container.image.clone())
                .unwrap_or_default();
            let (state, address) = {
                let mut told = self.told();
                (
                    told.state(&namespace, &plugin, &image),
                    told.address(&namespace, &plugin),
                )
            };
            if written.as_ref() == Some(&state) {
                return;
            }
            let status = Patch::Merge(state.status(pod, address));
            let outcome = api
                .patch_status(&name, &PatchParams::default(), &status)
                .await
                .map(|_| ());
            *written = Some(state);
            outcome
        };
        match outcome {
            Ok(()) => {}
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => {}
            Err(error) => eprintln!("the simulated kubelet, pod {namespace}/{name}: {error}"),
        }
    }
}

/// Fails for a cluster with nodes of its own.
pub(crate) async fn refuse_real_nodes(client: &Client) -> Result<(), ClusterError> {
    let nodes: Api<Node> = Api::all(client.clone());
    let found = nodes.list_metadata(&ListParams::default()).await?;
    match found.iter().find(|node| node.name_any() != NODE) {
        Some(node) => Err(ClusterError::HasNodes(node.name_any())),
        None => Ok(()),
    }
}

/// Makes the node, Ready and with room for everything.
pub(crate) async fn make_node(client: &Client) -> Result<(), kube::Error> {
    let nodes: Api<Node> = Api::all(client.clone());
    let node: Node = serde_json::from_value(json!({
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}},
    }))
    .map_err(kube::Error::SerdeError)?;
    match nodes.create(&PostParams::default(), &node).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(error),
    }
    // The API server gives a new node a taint that the node controller, which does not run here, would take away.
    let untainted = Patch::Merge(json!({"spec": {"taints": []}}));
    nodes.patch(NODE, &PatchParams::default(), &untainted).await?;
    let room = json!({"cpu": "10000", "memory": "10Ti", "pods": "100000", "ephemeral-storage": "10Ti"});
    let status = Patch::Merge(json!({"status": {
        "capacity": room, "allocatable": room,
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "simulated"}],
        "nodeInfo": {
            "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.35.0", "machineID": "",
            "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "",
            "kubeProxyVersion": "",
        },
    }}));
    nodes.patch_status(NODE, &PatchParams::default(), &status).await?;
    Ok(())
}
