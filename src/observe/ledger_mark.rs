//! The mark of a ledger: a code over its text that only the operator can make. The annotation stands in an object that
//! its author may edit; without the mark it would be his word by which something is taken out of the core.
//!
//! The mark is bound to who the plugin, the core and the operator are by name, not to uids: it is good in an object that
//! was restored from a backup, and in another cluster with the same `ownerId`. It is bound to no moment: an author who
//! puts back an older ledger of the same plugin speaks of what the operator had registered for him.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::ledger::{Ledger, MOST_TENANTS};
use super::routed::Routed;
use crate::api::plugin::WazoPluginStatus;
use crate::keys::{CoreKey, PluginKey};
use crate::secret::Secret;

/// The bytes of a key.
pub const KEY_BYTES: usize = 32;
/// What is marked, and in which form: another form would be another first word.
const PURPOSE: &str = "plugins.wazo.io/ledger 1";

/// The key that marks the ledgers of one core's plugins.
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerKey(Secret);

impl LedgerKey {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The key that a Secret holds; `None`: it holds none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self::new(bytes.as_slice().try_into().ok()?))
    }

    /// What a Secret is to hold.
    #[must_use]
    pub const fn text(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// What marks the ledger of one plugin.
#[derive(Clone, Copy, Debug)]
pub struct Marker<'a> {
    /// The key of its core.
    pub key: &'a LedgerKey,
    /// Who the operator is to the core.
    pub owner: &'a str,
    /// The core.
    pub core: &'a CoreKey,
    /// The plugin.
    pub plugin: &'a PluginKey,
}

impl Marker<'_> {
    /// The mark of a text, 43 characters.
    #[must_use]
    pub fn mark(&self, text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.code(text).finalize().into_bytes())
    }

    /// Whether a mark is that of a text; it takes as long for a wrong one as for the right one.
    #[must_use]
    pub fn knows(&self, text: &str, mark: &str) -> bool {
        let code = BASE64_URL_SAFE_NO_PAD.decode(mark);
        code.is_ok_and(|code| self.code(text).verify_slice(&code).is_ok())
    }

    fn code(&self, text: &str) -> Hmac<Sha256> {
        let mut code = Hmac::<Sha256>::new_from_slice(self.key.0.expose().as_bytes())
            .expect("HMAC takes keys of every length");
        let (core, plugin) = (self.core, self.plugin);
        let parts = [
            PURPOSE,
            self.owner,
            &core.namespace,
            &core.name,
            &plugin.namespace,
            &plugin.name,
            text,
        ];
        for part in parts {
            // With its length: no two lists of parts are one text.
            code.update(&(part.len() as u64).to_be_bytes());
            code.update(part.as_bytes());
        }
        code
    }
}

/// What the annotation is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// There is none.
    Missing,
    /// The operator wrote it, as it stands there.
    Marked,
    /// Nobody knows who wrote it: it is of an earlier version, was changed by somebody else, or the key is lost. Of its
    /// URLs so many are not attested by the status, and count for nothing.
    Unmarked {
        /// How many.
        dropped: usize,
    },
    /// It cannot be told now: the core, or its key, is not known.
    Unknown {
        /// Whether it says that something stands in the core.
        holds: bool,
    },
}

/// A ledger as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What counts.
    pub ledger: Ledger,
    /// What the annotation is worth.
    pub standing: Standing,
    /// Where it says to be routed while it cannot be told whose word that is; only where nobody else claims the host.
    pub unproven: BTreeSet<Routed>,
}

impl Counted {
    /// What counts of the annotation `text` with the mark `mark`, `status` being our own word. `marker`: `None` where the
    /// key is not known.
    #[must_use]
    pub fn of(
        text: Option<&str>,
        mark: Option<&str>,
        marker: Option<Marker<'_>>,
        status: &WazoPluginStatus,
    ) -> Self {
        let Some(text) = text else {
            return Self {
                ledger: Ledger::of(status),
                standing: Standing::Missing,
                unproven: BTreeSet::new(),
            };
        };
        let written = Ledger::read(Some(text));
        let known = |marker: Marker<'_>| mark.is_some_and(|mark| marker.knows(text, mark));
        match (marker, written) {
            (Some(marker), Some(ledger)) if known(marker) => Self {
                ledger,
                standing: Standing::Marked,
                unproven: BTreeSet::new(),
            },
            (Some(_), written) => {
                let written = written.unwrap_or_default();
                let ledger = attested(&written, status);
                let dropped = written.ui.difference(&ledger.ui).count();
                Self {
                    ledger,
                    standing: Standing::Unmarked { dropped },
                    unproven: BTreeSet::new(),
                }
            }
            (None, written) => {
                let written = written.unwrap_or_default();
                let holds = !(written.ui.is_empty() && written.accounts.is_empty());
                let ledger = attested(&written, status);
                Self {
                    unproven: written.routes.difference(&ledger.routes).cloned().collect(),
                    ledger,
                    standing: Standing::Unknown { holds },
                }
            }
        }
    }
}

/// As much of an unmarked ledger as the status attests, or as the core itself will say whose it is. Users and policies
/// bear the plugin's name, so that a tenant to look for them in takes nothing of anybody's.
fn attested(written: &Ledger, status: &WazoPluginStatus) -> Ledger {
    let mut ledger = Ledger::of(status);
    let routed: Vec<url::Url> = status.url.iter().filter_map(|url| url.parse().ok()).collect();
    let covered = |place: &&Routed| {
        let mut urls = ledger.urls().chain(&routed);
        urls.any(|url| place.covers(url))
    };
    ledger.routes = written.routes.iter().filter(covered).cloned().collect();
    ledger.accounts = written.accounts.iter().take(MOST_TENANTS).copied().collect();
    ledger
}

#[cfg(test)]
#[path = "ledger_mark_tests.rs"]
mod tests;
