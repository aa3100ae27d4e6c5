//! The ledger: an annotation of ours on a WazoPlugin that says which URLs may stand in the core because of it.
//!
//! It is written before the first edit of the core, so that an old URL is found and taken out even when the operator
//! dies in between, or when the status is lost.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::api::plugin::{RegistrationState, RegistrationStatus, WazoPluginStatus};
use crate::api::ui_manifest::Product;

/// A manifest URL that may stand in the applications of a product.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The product, which names the applications.
    pub product: Product,
    /// The manifest URL.
    pub url: Url,
}

/// All URLs that may stand in the core because of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// Manifest URLs.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ui: BTreeSet<LedgerEntry>,
    /// Tenants in which an account may stand.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<Uuid>,
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
        let urls = status
            .registrations
            .iter()
            .filter(written)
            .filter_map(|row| row.url.as_deref()?.parse().ok());
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

    /// The text of the annotation; `None` for an empty ledger, which needs none.
    #[must_use]
    pub fn write(&self) -> Option<String> {
        if *self == Self::default() {
            None
        } else {
            serde_json::to_string(self).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_read_as_it_was_written_and_rubbish_is_empty() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.write(), None);
        let url = Url::parse("https://crm.example/m.json").unwrap();
        ledger.ui.insert(LedgerEntry {
            product: Product::App,
            url,
        });
        assert_eq!(Ledger::read(ledger.write().as_deref()), Some(ledger));
        assert_eq!(Ledger::read(Some("rubbish")), None);
    }
}
