//! The world of a healthy plugin, and one small method for each way in which it breaks: for the tests of the rooms
//! that only look at a [`World`].

mod core;
mod pods;
pub(crate) mod random;
pub(crate) mod sources;
mod trouble;

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::allowance::Allowance;
use super::facts::{
    DeploymentFact, GatewayFact, Identity, IngressFact, OwnServiceFact, RouteFact, RouteParentFact,
};
use super::fields::Ownership;
use super::ledger::{Ledger, LedgerEntry};
use super::ledger_mark::Standing;
use super::memory::{ChildKind, ChildMemory, Left};
use super::routed::Routed;
use super::store::ChildFacts;
use super::tls_secret::TlsSecretView;
use super::world::{GatewayView, IngressClassView, Itself, World};
use crate::api::names::FINALIZER;
use crate::api::parse::Plugin;
use crate::api::plugin::{WazoPluginSpec, WazoPluginStatus};
use crate::api::ui_manifest::Product;
use crate::core::facts::{AppEdit, CoreStep, StepOutcome, StepState};
use crate::keys::PluginKey;
use crate::plan::children;
use crate::probe::{Look, LookError, ManifestFact, ManifestSummary, ProbeFacts};

use core::core_view;
pub(crate) use core::{core_error, core_facts, core_key, pending_core_facts, step, tenant};
pub(crate) use pods::{break_pod, condition, exit, serving, waiting};

/// When the plugin was made.
pub(crate) const START: i64 = 1_000_000;
/// The moment of the fixtures, an hour later.
pub(crate) const NOW: i64 = START + 3600;
/// The manifest's URL.
pub(crate) const URL: &str = "https://crm.example/manifest.json";
/// The applications of the product `App`.
pub(crate) const APPS: [&str; 2] = ["wazo-euc-application-desktop", "wazo-euc-application-web"];

/// A moment, in seconds since 1970.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn entry(url: &str) -> LedgerEntry {
    LedgerEntry {
        product: Product::App,
        url: Url::parse(url).unwrap(),
    }
}

/// The spec of a small plugin.
pub(crate) fn spec() -> WazoPluginSpec {
    serde_json::from_value(serde_json::json!({
        "coreRef": {"name": "main"},
        "workload": {"image": "registry.example/crm-panel:1.4.2", "port": 8080},
        "expose": {"host": "crm.example", "gateway": {"name": "public", "namespace": "gateways"}},
        "registrations": {"ui": [{"name": "panel", "product": "App", "manifest": "/manifest.json"}]},
    }))
    .unwrap()
}

impl World {
    /// A plugin that was just applied: nothing exists yet, and nothing was looked at.
    pub(crate) fn just_applied() -> Self {
        Self {
            itself: Itself {
                key: PluginKey::new("acme", "crm-panel"),
                uid: "uid-of-crm-panel".to_owned(),
                generation: 1,
                resource_version: "100".to_owned(),
                finalizers: Vec::new(),
                deleting: false,
                ledger: Ledger::default(),
                ledger_standing: Standing::Marked,
                abandon: false,
                rotate: None,
                requested_at: None,
                plugin: Plugin::parse(spec()),
                core: Some(core_key()),
                before: WazoPluginStatus {
                    observed_generation: -1,
                    ..WazoPluginStatus::default()
                },
            },
            core: Some(core_view()),
            allowance: Allowance::of("acme", None, "acme", None),
            children: ChildFacts::default(),
            memory: Default::default(),
            fights: Default::default(),
            backend: None,
            gateway: GatewayView::Found(GatewayFact {
                addresses: vec!["10.1.0.1".parse().unwrap()],
                programmed: Some(condition("True", "Programmed", "")),
                unresolved: Vec::new(),
            }),
            ingress_class: IngressClassView::NotAsked,
            certificate: TlsSecretView::NotAsked,
            account: None,
            account_refusal: None,
            probe: ProbeFacts::default(),
            surroundings: Default::default(),
            neighbours: Default::default(),
            verdicts: Default::default(),
            changes: Default::default(),
            outcomes: Vec::new(),
            lost: Vec::new(),
            core_secrets: std::collections::BTreeSet::new(),
            shared: Default::default(),
            rollout_deadline: Duration::from_secs(240),
            drift_window: Duration::from_secs(3600),
            now: at(NOW),
        }
    }

    /// A plugin whose pods serve, whose manifest is good and which is not registered yet; not reported on.
    pub(crate) fn reachable() -> Self {
        let mut world = Self::just_applied();
        world.itself.finalizers = vec![FINALIZER.to_owned()];
        world.children = ChildFacts {
            deployment: Some(DeploymentFact {
                template: "abc".to_owned(),
                observed_generation: 1,
                desired: 1,
                replicas: 1,
                updated: 1,
                ready: 1,
                available: 1,
                ..DeploymentFact::default()
            }),
            route: Some(RouteFact {
                parents: vec![RouteParentFact {
                    controller: "gateway.example/controller".to_owned(),
                    observed_generation: 1,
                    accepted: Some(condition("True", "Accepted", "")),
                    resolved: Some(condition("True", "ResolvedRefs", "")),
                }],
                created: Some(at(START)),
                ..RouteFact::default()
            }),
            service: Some(OwnServiceFact {
                cluster_ip: Some([10, 96, 0, 7].into()),
                ..OwnServiceFact::default()
            }),
            service_account: Some(Identity::default()),
            disruption_budget: None,
            ingress: None,
            network_policy: None,
            accounts: Default::default(),
            pods: [("crm-panel-abc-1".to_owned(), serving("crm-panel-abc-1", 7))].into(),
        };
        world
            .applied()
            .looked_at(Look::Good { warnings: Vec::new() }, None)
    }

    /// A plugin that has been running and registered for a while, and is reported `Ready`.
    pub(crate) fn healthy() -> Self {
        Self::reachable().registered().reported()
    }

    /// It is exposed by an Ingress, at a private address.
    pub(crate) fn with_ingress(self) -> Self {
        let mut world = self.spec(|spec| {
            let expose = spec.expose.as_mut().unwrap();
            expose.gateway = None;
            expose.ingress = serde_json::from_value(serde_json::json!({"className": "nginx"})).unwrap();
        });
        world.itself.generation -= 1;
        world.gateway = GatewayView::NotAsked;
        world.ingress_class = IngressClassView::Found;
        world.children.route = None;
        world.children.ingress = Some(IngressFact {
            class: Some("nginx".to_owned()),
            addresses: vec!["10.1.0.2".parse().unwrap()],
            published: true,
            created: Some(at(START)),
            ..IngressFact::default()
        });
        world.memory.remove(&ChildKind::HttpRoute);
        world.applied()
    }

    /// The children are as the plan wants them, and remembered so.
    pub(crate) fn applied(mut self) -> Self {
        let plugin = self.itself.plugin.clone().unwrap();
        self.itself.ledger.routes = plugin.spec.expose.iter().map(Routed::of).collect();
        for want in children::all(&self, &plugin) {
            let (generation, resource_version) = match want.kind {
                ChildKind::Deployment
                | ChildKind::PodDisruptionBudget
                | ChildKind::HttpRoute
                | ChildKind::Ingress
                | ChildKind::NetworkPolicy => (1, "50"),
                ChildKind::Service | ChildKind::ServiceAccount => (0, "50"),
            };
            let id = Identity {
                uid: format!("uid-of-{}", want.kind.plural()),
                generation,
                resource_version: resource_version.to_owned(),
                applied: Some(want.hash),
                label: Some(self.itself.key.name.clone()),
                owner: Some(self.itself.uid.clone()),
                deleting: false,
                fields: Ownership::after_apply(&want.object, &[], ""),
            };
            let memory = ChildMemory {
                left: Some(Left {
                    uid: id.uid.clone(),
                    hash: id.applied.clone().unwrap_or_default(),
                    denied: Vec::new(),
                }),
                ..ChildMemory::default()
            };
            self.memory.insert(want.kind, memory);
            match want.kind {
                ChildKind::ServiceAccount => self.children.service_account = Some(id),
                ChildKind::Service => self.children.service.get_or_insert_default().id = id,
                ChildKind::PodDisruptionBudget => self.children.disruption_budget = Some(id),
                ChildKind::Deployment => self.children.deployment.get_or_insert_default().id = id,
                ChildKind::HttpRoute => self.children.route.get_or_insert_default().id = id,
                ChildKind::Ingress => self.children.ingress.get_or_insert_default().id = id,
                ChildKind::NetworkPolicy => {
                    self.children.network_policy.get_or_insert_default().id = id;
                }
            }
        }
        self
    }

    /// The manifests were looked at.
    pub(crate) fn looked_at(mut self, public: Look, pod: Option<Look>) -> Self {
        let good = public.is_good();
        let revision = crate::judge::source::revision(&self);
        let plugin = self.itself.plugin.clone().unwrap();
        let last_good = self
            .probe
            .manifests
            .first()
            .and_then(|fact| fact.last_good)
            .or(good.then_some(at(NOW - 30)));
        self.probe.manifests = plugin
            .ui
            .iter()
            .map(|entry| ManifestFact {
                name: entry.entry.name.clone(),
                url: entry.manifest_url.clone(),
                revision: revision.clone(),
                at: at(NOW - 30),
                last_good,
                public: Some(public.clone()),
                service: None,
                validity: None,
                pod: pod.clone(),
                control: Default::default(),
                manifest: good.then(|| ManifestSummary {
                    version: "1.4.2".to_owned(),
                    id: "crm".to_owned(),
                }),
                checked_at: self.now,
            })
            .collect();
        self
    }

    /// The public address answers badly, the pods as told.
    pub(crate) fn public(self, error: LookError, pod: Option<Look>) -> Self {
        self.looked_at(Look::Bad(error), pod)
    }

    /// Every URL of the spec stands in the core, and in the ledger.
    pub(crate) fn registered(mut self) -> Self {
        let plugin = self.itself.plugin.clone().unwrap();
        for entry in &plugin.ui {
            self = self.in_ledger(entry.manifest_url.as_str());
        }
        self.outcome(StepState::Done { changed: false })
    }

    /// What became of the wish for every URL of the spec, in each application.
    pub(crate) fn outcome(mut self, state: StepState) -> Self {
        let plugin = self.itself.plugin.clone().unwrap();
        let step_at = at(START + 20);
        self.outcomes = plugin
            .ui
            .iter()
            .flat_map(|entry| APPS.map(|app| step(app, AppEdit::Present(entry.manifest_url.to_string()))))
            .map(|step| StepOutcome {
                step,
                state: state.clone(),
                at: step_at,
            })
            .collect();
        self
    }

    /// What became of one wish.
    pub(crate) fn step_became(mut self, step: CoreStep, state: StepState) -> Self {
        self.outcomes.retain(|outcome| outcome.step != step);
        let at = self.now;
        self.outcomes.push(StepOutcome { step, state, at });
        self
    }

    /// A URL stands in the ledger.
    pub(crate) fn in_ledger(mut self, url: &str) -> Self {
        let ledger = &mut self.itself.ledger;
        ledger.ui.insert(entry(url));
        ledger.apps.insert(Product::App, APPS.map(str::to_owned).into());
        ledger.tenants.insert(core::tenant());
        self
    }

    /// The status is what the operator would have written now.
    pub(crate) fn reported(mut self) -> Self {
        self.itself.before = crate::report::status::compose(&self, &crate::judge::assess(&self));
        self
    }

    /// Time goes by.
    pub(crate) fn later(mut self, seconds: i64) -> Self {
        self.now = at(self.now.as_second() + seconds);
        self
    }

    /// The spec is changed.
    pub(crate) fn spec(mut self, edit: impl FnOnce(&mut WazoPluginSpec)) -> Self {
        let mut spec = self
            .itself
            .plugin
            .clone()
            .map_or_else(|_| spec(), |plugin| plugin.spec);
        edit(&mut spec);
        self.itself.generation += 1;
        self.itself.plugin = Plugin::parse(spec);
        self
    }

    /// The operator was restarted: nothing of this process is known yet.
    pub(crate) fn restarted(mut self) -> Self {
        self.memory.clear();
        self.fights.clear();
        self.probe = ProbeFacts::default();
        if self.certificate != TlsSecretView::NotAsked {
            self.certificate = TlsSecretView::Unknown;
        }
        self.outcomes.clear();
        if let Some(core) = &mut self.core {
            core.facts = None;
        }
        self
    }
}
