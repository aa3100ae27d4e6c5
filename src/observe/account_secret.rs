//! The Secrets of a plugin's account: the current one, which its pods mount, and the next one, in which a password is
//! kept from before its user is made. As facts they hold hashes, and no password.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use uuid::Uuid;

use super::facts::Identity;
use super::map;
use super::world::World;
use crate::api::names::{ACCOUNT_LABEL, APPLIED_ANNOTATION, CREDENTIALS_ANNOTATION, ROTATE_ANNOTATION};
use crate::api::parse::Plugin;
use crate::core::account::Slot;

/// Annotation: the slot of the user.
pub const SLOT_ANNOTATION: &str = "plugins.wazo.io/slot";
/// Annotation: when the password was made.
pub const MADE_ANNOTATION: &str = "plugins.wazo.io/made-at";
/// Annotation: the hash of the rights that the credentials were published with.
pub const RIGHTS_ANNOTATION: &str = "plugins.wazo.io/rights";

/// What a Secret is to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// The pods mount it.
    Current,
    /// A password is kept in it until it works.
    Next,
}

impl Role {
    /// The value of its label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Next => "next",
        }
    }
}

/// A Secret of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSecret {
    /// Who it is.
    pub id: Identity,
    /// What it is to the account.
    pub role: Role,
    /// The slot of the user.
    pub slot: Option<Slot>,
    /// The tenant that it names.
    pub tenant: Option<Uuid>,
    /// When the password was made.
    pub made: Option<Timestamp>,
    /// The hash of the rights that it was published with.
    pub rights: String,
    /// The value of [`ROTATE_ANNOTATION`] that was answered.
    pub rotate: Option<String>,
    /// The hash of the credentials in it.
    pub stored: String,
    /// Whether they are those that we wrote.
    pub sound: bool,
    /// The hash of url, tenant and certificate authority in it.
    pub connection: String,
    /// What the pods that mount it are told apart by: of credentials and connection, as we wrote them.
    pub mounted: String,
}

impl AccountSecret {
    /// What is to be known of a Secret; `None`: it is none of an account.
    #[must_use]
    pub fn of(object: &Secret) -> Option<Self> {
        let meta = &object.metadata;
        let label = meta.labels.as_ref()?.get(ACCOUNT_LABEL)?;
        let role = [Role::Current, Role::Next]
            .into_iter()
            .find(|role| role.as_str() == label)?;
        let annotation = |name: &str| meta.annotations.as_ref()?.get(name).map(String::as_str);
        let id = map::identity(meta);
        let data = text_of(object);
        let value = |key: &str| data.get(key).copied().unwrap_or_default();
        let stored = credentials_hash(value("username"), value("password"));
        Some(Self {
            role,
            slot: annotation(SLOT_ANNOTATION).and_then(Slot::of),
            tenant: value("tenant").parse().ok(),
            made: annotation(MADE_ANNOTATION).and_then(|text| text.parse().ok()),
            rights: annotation(RIGHTS_ANNOTATION).unwrap_or_default().to_owned(),
            rotate: annotation(ROTATE_ANNOTATION).map(ToOwned::to_owned),
            sound: annotation(APPLIED_ANNOTATION) == Some(stored.as_str()),
            stored,
            mounted: hash(&[
                annotation(APPLIED_ANNOTATION).unwrap_or_default(),
                annotation(CREDENTIALS_ANNOTATION).unwrap_or_default(),
            ]),
            connection: connection_hash(value("url"), value("tenant"), value("ca.crt")),
            id,
        })
    }
}

/// The values of a Secret that are text.
#[must_use]
pub fn text_of(object: &Secret) -> BTreeMap<&str, &str> {
    let data = object.data.iter().flatten();
    data.filter_map(|(key, value)| Some((key.as_str(), std::str::from_utf8(&value.0).ok()?)))
        .collect()
}

/// The Secrets of the account that are ours and stay.
#[must_use]
pub fn ours(world: &World) -> Vec<(&String, &AccountSecret)> {
    let stays = |secret: &AccountSecret| {
        secret.id.owner.as_deref() == Some(world.itself.uid.as_str()) && !secret.id.deleting
    };
    let all = world.children.accounts.iter();
    all.filter(|(_, secret)| stays(secret)).collect()
}

/// The Secret that pods of this plugin mount; `None`: there is none yet, and pods must wait for it.
#[must_use]
pub fn mounted<'a>(world: &'a World, plugin: &Plugin) -> Option<(String, &'a AccountSecret)> {
    let name = plugin.account.as_ref()?.secret(&world.itself.key.name);
    let found = ours(world).into_iter().find(|(known, _)| **known == name);
    found.map(|(_, secret)| (name, secret))
}

/// A hash of credentials. The password has 244 random bits: nobody finds it from this.
#[must_use]
pub fn credentials_hash(username: &str, password: &str) -> String {
    hash(&[username, password])
}

/// A hash of what leads to the core.
#[must_use]
pub fn connection_hash(url: &str, tenant: &str, ca: &str) -> String {
    hash(&[url, tenant, ca])
}

/// A hash of rights.
#[must_use]
pub fn rights_hash(acl: &[String]) -> String {
    hash(&acl.iter().map(String::as_str).collect::<Vec<_>>())
}

fn hash(parts: &[&str]) -> String {
    let joined = parts.join("\0");
    Uuid::new_v5(&Uuid::NAMESPACE_OID, joined.as_bytes())
        .simple()
        .to_string()
}
