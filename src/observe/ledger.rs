//! The ledger: an annotation of ours on a WazoPlugin that says what may stand in the core because of it, and where.
//!
//! It is written before the first edit of the core, so that what is not wanted any more is found and taken out even when
//! the operator dies in between, or when the status is lost. It has to be small, so it is no list of places but what
//! they are made of: URLs, names of applications, tenants and users. Where there are too many tenants to name, the core
//! is asked where our URLs stand.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::routed::Routed;
use crate::api::plugin::{RegistrationState, RegistrationStatus, WazoPluginStatus};
use crate::api::ui_manifest::Product;

/// More tenants than this are not named.
pub const MOST_TENANTS: usize = 40;
/// More users than this are not named: others wait until there is room.
pub const MOST_USERS: usize = 100;

/// A manifest URL that may stand in the applications of a product.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The product, which names the applications.
    pub product: Product,
    /// The manifest URL.
    pub url: Url,
}

/// All that may stand in the core because of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// Manifest URLs.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ui: BTreeSet<LedgerEntry>,
    /// Where the plugin is routed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub routes: BTreeSet<Routed>,
    /// Tenants in which an account may stand.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<Uuid>,
    /// The applications of each product. Empty in what earlier versions wrote: those of the WazoCore were meant.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<Product, BTreeSet<String>>,
    /// Tenants in whose applications they may stand. Empty in what earlier versions wrote: the core's own was meant.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", with = "short_set")]
    pub tenants: BTreeSet<Uuid>,
    /// They may stand in any tenant that the account sees.
    #[serde(skip_serializing_if = "is_false")]
    pub everywhere: bool,
    /// Users, by tenant, in whose own applications they may stand.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", with = "short_map")]
    pub users: BTreeMap<Uuid, BTreeSet<Uuid>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Ledger {
    /// Reads the annotation. `None`: it is not there, or not as we write it.
    #[must_use]
    pub fn read(annotation: Option<&str>) -> Option<Self> {
        serde_json::from_str(annotation?).ok()
    }

    /// What a status says to stand in the core, where the annotation is lost. A row does not tell its product; to look
    /// for a URL in the applications of another product does no harm.
    #[must_use]
    pub fn of(status: &WazoPluginStatus) -> Self {
        let written = |row: &&RegistrationStatus| {
            matches!(
                row.state,
                RegistrationState::Registered
                    | RegistrationState::Registering
                    | RegistrationState::Deregistering
            )
        };
        let rows: Vec<&RegistrationStatus> = status.registrations.iter().filter(written).collect();
        let urls = rows.iter().filter_map(|row| row.url.as_deref()?.parse().ok());
        let both = |url: Url| {
            [Product::App, Product::Mobile].map(|product| LedgerEntry {
                product,
                url: url.clone(),
            })
        };
        Self {
            ui: urls.flat_map(both).collect(),
            ..Self::default()
        }
    }

    /// The URLs that may stand in the core.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        self.ui.iter().map(|entry| &entry.url)
    }

    /// The text of the annotation; `None` for an empty ledger, which needs none.
    #[must_use]
    pub fn write(&self) -> Option<String> {
        if *self == Self::default() {
            None
        } else {
            serde_json::to_string(self).ok()
        }
    }

    /// Whether a tenant's application, or a user's, may hold a URL of a product's by what is written here. What earlier
    /// versions wrote tells no place, and so speaks of all.
    #[must_use]
    pub fn may_hold(&self, product: Product, tenant: Uuid, user: Option<Uuid>, name: &str) -> bool {
        let named = self.apps.get(&product);
        let place = match user {
            Some(user) => self.users.get(&tenant).is_some_and(|users| users.contains(&user)),
            None => self.everywhere || self.tells_no_place() || self.tenants.contains(&tenant),
        };
        place && named.is_none_or(|names| names.contains(name))
    }

    /// Whether it names no tenant and no user.
    #[must_use]
    pub fn tells_no_place(&self) -> bool {
        self.tenants.is_empty() && self.users.is_empty()
    }
}

/// A uuid in 22 characters.
fn short(uuid: &Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(uuid.as_bytes())
}

fn long<E: serde::de::Error>(text: &str) -> Result<Uuid, E> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(E::custom)?;
    Uuid::from_slice(&bytes).map_err(E::custom)
}

mod short_set {
    use super::{BTreeSet, Deserialize, Uuid, long, short};

    pub(super) fn serialize<S: serde::Serializer>(set: &BTreeSet<Uuid>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(set.iter().map(short))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeSet<Uuid>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| long(text)).collect()
    }
}

mod short_map {
    use super::{BTreeMap, BTreeSet, Deserialize, Uuid, long, short};

    type Map = BTreeMap<Uuid, BTreeSet<Uuid>>;

    pub(super) fn serialize<S: serde::Serializer>(map: &Map, to: S) -> Result<S::Ok, S::Error> {
        let items = map
            .iter()
            .map(|(tenant, users)| (short(tenant), users.iter().map(short).collect::<Vec<_>>()));
        to.collect_map(items)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Map, D::Error> {
        let texts = BTreeMap::<String, Vec<String>>::deserialize(from)?;
        let read = |(tenant, users): (String, Vec<String>)| {
            let users: Result<_, D::Error> = users.iter().map(|user| long(user)).collect();
            Ok((long(&tenant)?, users?))
        };
        texts.into_iter().map(read).collect()
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
