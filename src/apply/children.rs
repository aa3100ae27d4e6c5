//! One child: looked for before it is made, never adopted, and applied by server-side apply.

use jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use super::refusal::{self, ApplyError};
use super::{Applied, Applier};
use crate::api::names::CHILDREN_MANAGER;
use crate::api::reason::Reason;
use crate::api_error;
use crate::keys::PluginKey;
use crate::observe::map;
use crate::observe::memory::{ChildKind, ChildMemory, Drift, Fight, Left, Refusal};
use crate::observe::watch;
use crate::observe::world::World;
use crate::plan::children::{How, Want, blame};
use crate::plan::drift;

/// Carries out what is wanted of one child.
pub(super) async fn carry_out(
    applier: &Applier,
    world: &World,
    want: &Want,
    applied: &mut Applied,
) -> Result<(), ApplyError> {
    let key = &world.itself.key;
    let child = Child {
        applier,
        world,
        want,
        api: api(applier, key, want.kind),
    };
    match &want.how {
        How::Keep => child.remember_unchanged(),
        How::Blocked { leaving: true } => {}
        How::Blocked { leaving: false } => child.name_taken(applied),
        How::Create => child.make(applied).await?,
        How::Remove { uid } => {
            let params = DeleteParams::default().preconditions(Preconditions {
                uid: Some(uid.clone()),
                ..Default::default()
            });
            match child.api.delete(&key.name, &params).await {
                Ok(_) => {
                    child.forget();
                    applied.changed.push(want.kind);
                }
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => child.refused(error, &mut applied.refused)?,
            }
        }
        How::Change { uid } => {
            if child.change(uid, &mut applied.refused).await? {
                child.start_again();
                applied.changed.push(want.kind);
            }
        }
        How::PutBack { uid, drift } => {
            if child.change(uid, &mut applied.refused).await? {
                child.put_back(drift, applied);
            }
        }
        How::Restore(drift) => {
            child.make(applied).await?;
            if applied.created.pop_if(|kind| *kind == want.kind).is_some() {
                child.put_back(drift, applied);
            }
        }
        How::Leave(drift) => child.leave(drift).await?,
    }
    Ok(())
}

pub(super) fn api(applier: &Applier, key: &PluginKey, kind: ChildKind) -> Api<DynamicObject> {
    let (group, version) = kind
        .api_version()
        .split_once('/')
        .unwrap_or(("", kind.api_version()));
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind.kind()), kind.plural());
    Api::namespaced_with(applier.client.clone(), &key.namespace, &resource)
}

struct Child<'a> {
    applier: &'a Applier,
    world: &'a World,
    want: &'a Want,
    api: Api<DynamicObject>,
}

impl Child<'_> {
    fn key(&self) -> &PluginKey {
        &self.world.itself.key
    }

    /// Looks for it, and makes it where there is none.
    async fn make(&self, applied: &mut Applied) -> Result<(), ApplyError> {
        match self.api.get_opt(&self.key().name).await {
            Ok(None) => self.create(applied).await,
            Ok(Some(found))
                if map::identity(&found.metadata).owner.as_deref() == Some(&self.world.itself.uid) =>
            {
                // Ours, made by an operator that did not live to see it; the watch has not told yet.
                let uid = found.metadata.uid.as_deref().unwrap_or_default();
                if self.change(uid, &mut applied.refused).await? {
                    applied.changed.push(self.want.kind);
                }
                Ok(())
            }
            Ok(Some(_)) => {
                self.name_taken(applied);
                Ok(())
            }
            Err(error) => self.refused(error, &mut applied.refused),
        }
    }

    async fn create(&self, applied: &mut Applied) -> Result<(), ApplyError> {
        // Without force: where somebody made one of this name in between, the server tells.
        match self.patch(&self.want.object, false).await {
            Ok(answer) if made_by_another(&answer) => {
                let empty = json!({
                    "apiVersion": self.want.object["apiVersion"],
                    "kind": self.want.object["kind"],
                    "metadata": {"name": self.key().name, "namespace": self.key().namespace},
                });
                self.patch(&empty, true).await.map_err(ApplyError::from)?;
                self.name_taken(applied);
            }
            Ok(answer) => {
                self.arrived(&answer);
                applied.created.push(self.want.kind);
            }
            Err(kube::Error::Api(status)) if status.code == 409 => self.name_taken(applied),
            Err(error) => self.refused(error, &mut applied.refused)?,
        }
        Ok(())
    }

    /// Whether the server took it.
    async fn change(&self, uid: &str, refused: &mut bool) -> Result<bool, ApplyError> {
        let mut object = self.want.object.clone();
        // With the uid the server refuses to touch another object that took the name in between.
        object["metadata"]["uid"] = json!(uid);
        match self.patch(&object, true).await {
            Ok(answer) => {
                self.arrived(&answer);
                Ok(true)
            }
            Err(error) => self.refused(error, refused).map(|()| false),
        }
    }

    async fn patch(&self, object: &Value, force: bool) -> Result<DynamicObject, kube::Error> {
        let mut params = PatchParams::apply(CHILDREN_MANAGER);
        params.force = force;
        self.api
            .patch(&self.key().name, &params, &Patch::Apply(object))
            .await
    }

    fn arrived(&self, answer: &DynamicObject) {
        let identity = map::identity(&answer.metadata);
        watch::arrived(&self.applier.store, self.key(), self.want.kind, answer);
        let denied = identity.fields.lost(&self.want.object);
        self.edit(|memory| {
            memory.left = Some(Left {
                uid: identity.uid,
                hash: self.want.hash.clone(),
                denied: denied.into_iter().map(|field| field.path).collect(),
            });
            memory.fight.drift = None;
            memory.refusal = None;
        });
    }

    fn edit(&self, edit: impl FnOnce(&mut ChildMemory)) {
        self.applier.memory.edit(self.key(), self.want.kind, edit);
    }

    /// After a restart: what stands there is what was applied last, since its annotation and its fields say so.
    fn remember_unchanged(&self) {
        let Some(known) = self.world.children.identity(self.want.kind) else {
            return;
        };
        self.edit(|memory| {
            memory.left.get_or_insert_with(|| Left {
                uid: known.uid.clone(),
                hash: self.want.hash.clone(),
                denied: Vec::new(),
            });
            memory.fight = drift::at_peace(&memory.fight);
            memory.refusal = None;
        });
    }

    /// A new configuration: what was fought about before counts no more.
    fn start_again(&self) {
        self.edit(|memory| memory.fight = Fight::default());
    }

    fn put_back(&self, drift: &Drift, applied: &mut Applied) {
        self.edit(|memory| memory.fight = drift::after_correction(&memory.fight, self.world));
        applied.corrected.push(drift.clone());
    }

    /// Notes what somebody changed, unless it is as it should be all the same.
    async fn leave(&self, drift: &Drift) -> Result<(), ApplyError> {
        let live = self
            .api
            .get_opt(&self.key().name)
            .await
            .map_err(ApplyError::from)?;
        let live = live.and_then(|live| serde_json::to_value(live).ok());
        if live.is_some_and(|live| drift::agrees(&self.want.object, &live)) {
            self.edit(|memory| memory.fight.drift = None);
            return Ok(());
        }
        self.edit(|memory| memory.fight = drift::left(&memory.fight, self.world, drift));
        Ok(())
    }

    fn forget(&self) {
        self.edit(|memory| *memory = ChildMemory::default());
    }

    fn name_taken(&self, applied: &mut Applied) {
        let message = format!(
            "a {} \"{}\" exists that the operator did not make",
            self.want.kind.kind(),
            self.key().name
        );
        self.note(Reason::NameTaken, message, None);
        applied.refused = true;
    }

    fn refused(&self, error: kube::Error, refused: &mut bool) -> Result<(), ApplyError> {
        match refusal::of(&error, &self.want.object) {
            Some((reason, message)) => {
                let fields = api_error::fields(&error);
                let field = blame::first(&self.want.object, self.world, &fields);
                self.note(
                    reason,
                    message,
                    field.filter(|_| self.want.kind == ChildKind::Deployment),
                );
                *refused = true;
                Ok(())
            }
            None => Err(ApplyError::from(error)),
        }
    }

    fn note(&self, reason: Reason, message: String, field: Option<String>) {
        let refusal = Refusal {
            reason,
            message,
            field,
            since: Timestamp::now(),
        };
        note(self.applier, self.key(), self.want.kind, refusal);
    }
}

/// Remembers a refusal; the same reason again is as old as it was.
pub(super) fn note(applier: &Applier, key: &PluginKey, kind: ChildKind, refusal: Refusal) {
    applier.memory.edit(key, kind, |memory| {
        let known = memory.refusal.as_ref();
        let since = known
            .filter(|known| known.reason == refusal.reason)
            .map_or(refusal.since, |known| known.since);
        memory.refusal = Some(Refusal { since, ..refusal });
    });
}

fn made_by_another(answer: &DynamicObject) -> bool {
    let managers = answer.metadata.managed_fields.iter().flatten();
    managers.filter(|entry| entry.subresource.is_none()).any(|entry| {
        entry
            .manager
            .as_deref()
            .is_some_and(|manager| manager != CHILDREN_MANAGER)
    })
}
