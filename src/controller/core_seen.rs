//! All that is known about one core at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Resource;
use uuid::Uuid;

use super::context::Context;
use crate::api::core::{Maintenance, PluginCount, WazoCore, WazoCoreSpec, WazoCoreStatus};
use crate::api::fault::Fault;
use crate::api::object::Raw;
use crate::api::plugin::{WazoPlugin, WazoPluginStatus};
use crate::core::facts::{CoreFacts, Daemon, SessionFact};
use crate::judge::candidate::settle;
use crate::judge::core::{judge, judge_others};
use crate::keys::CoreKey;
use crate::observe::directory::Excused;
use crate::observe::facts::Unusable;
use crate::report::core_status::{self, CoreReport};

/// All that is known about one core at one moment.
pub(super) struct Seen {
    pub(super) key: CoreKey,
    pub(super) spec: Option<WazoCoreSpec>,
    pub(super) unusable: Option<Unusable>,
    /// Who the operator is to it, once settled.
    pub(super) owner: Option<String>,
    pub(super) facts: Option<Arc<CoreFacts>>,
    pub(super) before: WazoCoreStatus,
    /// Whether it worked with the settings as they are now.
    pub(super) worked: bool,
    pub(super) deleting: bool,
    pub(super) now: Timestamp,
}

impl Seen {
    pub(super) fn of(
        object: &Raw<WazoCore>,
        context: &Context,
        owner: Result<String, Unusable>,
        unusable: Option<Unusable>,
    ) -> Self {
        let key = object.key();
        let facts = context.applier.cores.facts(&key);
        let before: WazoCoreStatus = object.status();
        let stands = before.stack.as_ref().and_then(|stack| stack.version.as_deref());
        if let Some(version) = facts.as_ref().and_then(|facts| facts.version.as_deref()) {
            context
                .changes
                .note_version(&key, stands, version, Timestamp::now());
        }
        let last_good = facts.as_ref().and_then(|facts| facts.last_good);
        let worked = match context.changes.at(&key) {
            Some(changed) => last_good.is_some_and(|good| good > changed),
            // Since this process began nothing was changed; before that, the generation tells of the spec at least.
            None => {
                last_good.is_some()
                    || before.stack.is_some() && before.observed_generation == generation(object)
            }
        };
        Self {
            facts,
            spec: object.spec().ok(),
            before,
            worked,
            deleting: object.meta().deletion_timestamp.is_some(),
            now: Timestamp::now(),
            key,
            unusable: unusable.or_else(|| owner.as_ref().err().cloned()),
            owner: owner.ok(),
        }
    }

    /// The stack that the core's plugins are registered with.
    pub(super) fn stack(&self) -> Option<Uuid> {
        let facts = self.facts.as_ref();
        let answers = facts
            .filter(|facts| facts.stack_changed.is_none())
            .and_then(|facts| match &facts.session {
                SessionFact::LoggedIn(account) => Some(account.stack),
                _ => None,
            });
        answers.or_else(|| self.before.stack.as_ref()?.uuid.parse().ok())
    }

    /// Whether this process knows the core: until then, what the status says goes on to hold.
    fn known(&self) -> bool {
        self.unusable.is_some() || self.facts.as_deref().is_some_and(core_status::known)
    }

    fn suspended(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true))
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        if self.suspended() {
            return None;
        }
        if !self.known() {
            return self.before.fault.clone();
        }
        let candidate = judge(
            &self.key,
            self.unusable.as_ref(),
            self.facts.as_deref(),
            self.worked,
            self.now,
        )?;
        Some(settle(
            candidate.fault,
            &self.before.fault.iter().collect::<Vec<_>>(),
        ))
    }

    /// What is wrong with the daemons that only plugins use. Announced maintenance explains it.
    pub(super) fn daemons(&self) -> BTreeMap<Daemon, Fault> {
        let facts = self
            .facts
            .as_deref()
            .filter(|_| !self.suspended() && self.maintenance().is_none() && self.unusable.is_none());
        let Some(facts) = facts else {
            return BTreeMap::new();
        };
        let known: Vec<&Fault> = self.before.fault.iter().collect();
        let found = judge_others(&self.key, facts).into_iter();
        found
            .map(|(daemon, candidate)| (daemon, settle(candidate.fault, &known)))
            .collect()
    }

    /// The announced maintenance, where it lasts still.
    pub(super) fn maintenance(&self) -> Option<&Maintenance> {
        self.spec.as_ref()?.maintenance_at(self.now)
    }

    /// Until it ends.
    pub(super) fn maintenance_left(&self) -> Duration {
        self.maintenance().map_or(Duration::MAX, |maintenance| {
            let left = maintenance.until.0.duration_since(self.now);
            Duration::try_from(left).unwrap_or_default() + Duration::from_millis(10)
        })
    }

    /// What is wrong with the core during an announced maintenance. What is wrong here, with a Secret or a field, is not
    /// explained by it.
    pub(super) fn excused(&self) -> Option<Excused> {
        let maintenance = self.maintenance().filter(|_| self.unusable.is_none())?;
        Some(Excused {
            told: maintenance.told(),
            fault: self.fault()?,
        })
    }

    pub(super) fn status(
        &self,
        object: &Raw<WazoCore>,
        fault: Option<Fault>,
        excused: Option<Excused>,
        plugins: &[Arc<Raw<WazoPlugin>>],
    ) -> WazoCoreStatus {
        let impaired = plugins
            .iter()
            .filter(|plugin| plugin.status::<WazoPluginStatus>().fault.is_some())
            .count();
        let report = CoreReport {
            generation: generation(object),
            before: &self.before,
            facts: self.facts.as_deref(),
            owner_id: self.owner.as_deref(),
            // Where the core itself is well, what plugins use of it may not be.
            fault: fault.or_else(|| self.daemons().into_values().next()),
            excused,
            plugins: PluginCount {
                total: count(plugins.len()),
                impaired: count(impaired),
            },
            suspended: self.suspended(),
            deleting: self.deleting,
            now: self.now,
        };
        let same_spec = self.before.observed_generation == report.generation;
        if same_spec && !self.known() && !report.suspended && !self.deleting {
            core_status::unchanged(&report)
        } else {
            core_status::compose(&report)
        }
    }
}

fn generation(object: &Raw<WazoCore>) -> i64 {
    object.meta().generation.unwrap_or_default()
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
