//! The Secrets of an account: made by POST and never adopted, changed by PUT with the version that was read. Passwords
//! are made here, from the system's randomness, and go from one Secret into the other and to the core's actor.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret as SecretObject;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions};
use uuid::Uuid;

use super::refusal::{self, ApplyError};
use super::{Applied, Applier};
use crate::api::names::{ACCOUNT_LABEL, APPLIED_ANNOTATION, CREDENTIALS_ANNOTATION, ROTATE_ANNOTATION};
use crate::api::reason::Reason;
use crate::core::account::AccountWish;
use crate::observe::account_secret::{
    MADE_ANNOTATION, RIGHTS_ANNOTATION, Role, SLOT_ANNOTATION, credentials_hash, text_of,
};
use crate::observe::map;
use crate::observe::world::World;
use crate::plan::Plan;
use crate::plan::children::Owner;
use crate::plan::registrations::account::{Connection, SecretStep};
use crate::secret::Secret;

/// Does what is planned with a Secret, and leaves the wish for the core.
pub(super) async fn carry_out(
    applier: &Applier,
    world: &World,
    plan: &Plan,
    applied: &mut Applied,
) -> Result<(), ApplyError> {
    if let Some(step) = &plan.account.secret {
        let account = Secrets {
            api: Api::namespaced(applier.client.clone(), &world.itself.key.namespace),
            world,
        };
        match account.take(step).await {
            Ok(()) => {
                applier.memory.set_account(&world.itself.key, None);
                applied.published |= matches!(step, SecretStep::Publish { .. });
            }
            Err(Stopped::Refused(reason, message)) => {
                applier
                    .memory
                    .set_account(&world.itself.key, Some((reason, message)));
                applied.refused = true;
            }
            Err(Stopped::Failed(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Leaves the wish for the core, with the password that it needs.
pub(super) async fn wish(applier: &Applier, world: &World, plan: &Plan) -> Result<(), ApplyError> {
    let key = &world.itself.key;
    if let Some((core, wish)) = &plan.account.wish {
        let password = password(applier, world, wish).await?;
        let wish = AccountWish {
            password,
            ..wish.clone()
        };
        applier.cores.wish_account(core, key, Some(wish));
    } else if plan.account.forget
        && let Some(core) = &world.core
    {
        applier.cores.wish_account(&core.key, key, None);
    }
    Ok(())
}

/// The stored password that an act needs, unless it is done.
async fn password(
    applier: &Applier,
    world: &World,
    wish: &AccountWish,
) -> Result<Option<Secret>, ApplyError> {
    let Some(act) = &wish.act else { return Ok(None) };
    let over = world
        .account
        .as_ref()
        .is_some_and(|fact| fact.is_over(act, world.now));
    let Some(stored) = act.stored().filter(|_| !over) else {
        return Ok(None);
    };
    let known = world.children.accounts.iter();
    let Some((name, _)) = known.into_iter().find(|(_, secret)| secret.stored == stored) else {
        return Ok(None);
    };
    let api: Api<SecretObject> = Api::namespaced(applier.client.clone(), &world.itself.key.namespace);
    let Some(object) = api.get_opt(name).await? else {
        return Ok(None);
    };
    let data = text_of(&object);
    let value = |key: &str| data.get(key).copied().unwrap_or_default();
    let same = credentials_hash(value("username"), value("password")) == stored;
    Ok(same.then(|| Secret::new(value("password"))))
}

/// A step that was not taken.
enum Stopped {
    Refused(Reason, String),
    Failed(ApplyError),
}

impl From<kube::Error> for Stopped {
    fn from(error: kube::Error) -> Self {
        match refusal::of_secret(&error) {
            Some((reason, message)) => Self::Refused(reason, message),
            None => Self::Failed(ApplyError::from(error)),
        }
    }
}

struct Secrets<'a> {
    api: Api<SecretObject>,
    world: &'a World,
}

impl Secrets<'_> {
    async fn take(&self, step: &SecretStep) -> Result<(), Stopped> {
        match step {
            SecretStep::Store { name, slot, username } => {
                let mut object = self.object(name, Role::Next);
                let password = new_password();
                annotate(&mut object, SLOT_ANNOTATION, slot.name());
                annotate(&mut object, MADE_ANNOTATION, &seconds(Timestamp::now()));
                fill(
                    &mut object,
                    &[("username", username), ("password", password.expose())],
                );
                seal(&mut object);
                self.create(name, &object).await.map(drop)
            }
            SecretStep::Publish {
                name,
                from,
                connection,
                rights,
                rotate,
            } => {
                let Some(stored) = self.api.get_opt(from).await? else {
                    return Ok(());
                };
                let mut object = self.object(name, Role::Current);
                for annotation in [SLOT_ANNOTATION, MADE_ANNOTATION] {
                    let value = stored
                        .metadata
                        .annotations
                        .as_ref()
                        .and_then(|all| all.get(annotation));
                    annotate(
                        &mut object,
                        annotation,
                        value.map(String::as_str).unwrap_or_default(),
                    );
                }
                annotate(&mut object, RIGHTS_ANNOTATION, rights);
                if let Some(rotate) = rotate {
                    annotate(&mut object, ROTATE_ANNOTATION, rotate);
                }
                let data = text_of(&stored);
                for key in ["username", "password"] {
                    fill(&mut object, &[(key, data.get(key).copied().unwrap_or_default())]);
                }
                connect(&mut object, connection);
                seal(&mut object);
                self.put(name, object).await
            }
            SecretStep::Reconnect { name, connection } => {
                let Some(mut object) = self.api.get_opt(name).await? else {
                    return Ok(());
                };
                if !self.is_ours(&object) {
                    return Err(name_taken());
                }
                connect(&mut object, connection);
                seal(&mut object);
                self.api.replace(name, &PostParams::default(), &object).await?;
                Ok(())
            }
            SecretStep::Remove { secrets } => {
                for (name, uid) in secrets {
                    self.remove(name, uid).await?;
                }
                Ok(())
            }
        }
    }

    async fn remove(&self, name: &str, uid: &str) -> Result<(), Stopped> {
        let params = DeleteParams::default().preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            ..Preconditions::default()
        });
        match self.api.delete(name, &params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a Secret; one of ours that is there already stays as it is, and is returned.
    async fn create(&self, name: &str, object: &SecretObject) -> Result<Option<SecretObject>, Stopped> {
        match self.api.create(&PostParams::default(), object).await {
            Ok(_) => Ok(None),
            Err(kube::Error::Api(status)) if status.code == 409 => match self.api.get_opt(name).await? {
                Some(found) if self.is_ours(&found) => Ok(Some(found)),
                Some(_) => Err(name_taken()),
                None => Err(Stopped::Failed(ApplyError::Conflict)),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self, name: &str, mut object: SecretObject) -> Result<(), Stopped> {
        let Some(found) = self.create(name, &object).await? else {
            return Ok(());
        };
        if found.data == object.data && found.metadata.annotations == object.metadata.annotations {
            return Ok(());
        }
        object.metadata.resource_version = found.metadata.resource_version;
        object.metadata.uid = found.metadata.uid;
        self.api.replace(name, &PostParams::default(), &object).await?;
        Ok(())
    }

    fn is_ours(&self, object: &SecretObject) -> bool {
        map::identity(&object.metadata).owner.as_deref() == Some(self.world.itself.uid.as_str())
    }

    /// An empty Secret of the plugin.
    fn object(&self, name: &str, role: Role) -> SecretObject {
        let plugin = self.world.itself.plugin.as_ref().ok();
        let metadata = plugin.map(|plugin| Owner::of(self.world).metadata(plugin));
        let mut metadata: ObjectMeta = metadata
            .and_then(|metadata| serde_json::from_value(metadata).ok())
            .unwrap_or_default();
        metadata.name = Some(name.to_owned());
        let labels = metadata.labels.get_or_insert_default();
        labels.insert(ACCOUNT_LABEL.to_owned(), role.as_str().to_owned());
        SecretObject {
            metadata,
            type_: Some("Opaque".to_owned()),
            ..SecretObject::default()
        }
    }
}

fn name_taken() -> Stopped {
    let message = "exists, and the operator did not make it: name another one in secretName, or delete it";
    Stopped::Refused(Reason::NameTaken, message.to_owned())
}

/// 244 random bits of the system, as 64 hexadecimal digits.
fn new_password() -> Secret {
    Secret::new(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
}

fn seconds(at: Timestamp) -> String {
    crate::api::condition::seconds(at).0.to_string()
}

fn annotate(object: &mut SecretObject, name: &str, value: &str) {
    let annotations = object.metadata.annotations.get_or_insert_default();
    annotations.insert(name.to_owned(), value.to_owned());
}

fn fill(object: &mut SecretObject, values: &[(&str, &str)]) {
    let data: &mut BTreeMap<String, ByteString> = object.data.get_or_insert_default();
    for (key, value) in values {
        data.insert((*key).to_owned(), ByteString(value.as_bytes().to_vec()));
    }
}

/// Where the core is. Without a certificate authority of its own there is no `ca.crt`.
fn connect(object: &mut SecretObject, connection: &Connection) {
    let tenant = connection.tenant.to_string();
    fill(object, &[("url", &connection.url), ("tenant", &tenant)]);
    if connection.ca.is_empty() {
        object.data.get_or_insert_default().remove("ca.crt");
    } else {
        fill(object, &[("ca.crt", &connection.ca)]);
    }
    annotate(object, CREDENTIALS_ANNOTATION, &connection.hash());
}

/// The hashes by which an edit of somebody else is noticed, and other pods are asked for.
fn seal(object: &mut SecretObject) {
    let data = text_of(object);
    let value = |key: &str| data.get(key).copied().unwrap_or_default();
    let stored = credentials_hash(value("username"), value("password"));
    annotate(object, APPLIED_ANNOTATION, &stored);
}
