//! The journal: what was asked, what it did, and never a token or a password.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many requests are kept; the counters go on when older ones are forgotten.
pub const KEPT: usize = 20_000;

/// A simulated daemon of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Daemon {
    /// wazo-auth, `/api/auth/0.1`.
    Auth,
    /// wazo-confd, `/api/confd/1.1`.
    Confd,
    /// wazo-calld: its status alone.
    Calld,
    /// wazo-dird: its status alone.
    Dird,
    /// wazo-webhookd: its status alone.
    Webhookd,
    /// wazo-chatd: its status alone.
    Chatd,
    /// wazo-call-logd: its status alone.
    #[serde(rename = "call-logd")]
    CallLogd,
    /// wazo-agentd: its status alone.
    Agentd,
    /// wazo-amid: its status alone.
    Amid,
    /// wazo-plugind: its status alone.
    Plugind,
    /// wazo-provd: its status alone.
    Provd,
    /// wazo-setupd: its status alone.
    Setupd,
}

impl Daemon {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Auth,
        Self::Confd,
        Self::Calld,
        Self::Dird,
        Self::Webhookd,
        Self::Chatd,
        Self::CallLogd,
        Self::Agentd,
        Self::Amid,
        Self::Plugind,
        Self::Provd,
        Self::Setupd,
    ];

    /// The daemon's name in the front's paths, as in `auth`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Confd => "confd",
            Self::Calld => "calld",
            Self::Dird => "dird",
            Self::Webhookd => "webhookd",
            Self::Chatd => "chatd",
            Self::CallLogd => "call-logd",
            Self::Agentd => "agentd",
            Self::Amid => "amid",
            Self::Plugind => "plugind",
            Self::Provd => "provd",
            Self::Setupd => "setupd",
        }
    }
}

/// What a request did to the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectKind {
    /// Nothing.
    None,
    /// An object was made.
    Created,
    /// An object was written, with another value or with the same.
    Changed,
    /// An object is gone.
    Deleted,
}

/// An effect and its object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// What happened.
    pub kind: EffectKind,
    /// The object: `external_apps/<tenant>/<name>`, `tokens/<username>`, `tenants/<uuid>` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `label` and `configuration` of the external app before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// `label` and `configuration` of the external app after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Effect {
    pub(crate) fn none() -> Self {
        Self {
            kind: EffectKind::None,
            key: None,
            before: None,
            after: None,
        }
    }

    pub(crate) fn on(kind: EffectKind, key: String) -> Self {
        Self {
            kind,
            key: Some(key),
            before: None,
            after: None,
        }
    }
}

/// One request, in the order in which the requests had their effect.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// 1 for the first; without gaps.
    pub sequence: u64,
    /// When, by the simulator's clock.
    pub time: Timestamp,
    /// The method; of a stranger the one he would have used.
    pub method: String,
    /// The path at the front with its query, tokens masked: `/api/confd/1.1/external/apps/desktop`.
    pub path: String,
    /// The daemon asked; none for paths that no daemon serves.
    pub daemon: Option<Daemon>,
    /// `Wazo-Tenant`.
    pub tenant: Option<String>,
    /// The account whose token came along, by its user name.
    pub account: Option<String>,
    /// The trace id of `traceparent`, if it is a valid one.
    pub trace_id: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The status answered; none if there was no answer (reset, still hanging).
    pub status: Option<u16>,
    /// What it did.
    pub effect: Effect,
    /// The faults that met it, by their names.
    pub faults: Vec<&'static str>,
    /// Whether a stranger did it, not a request.
    pub stranger: bool,
}

#[derive(Debug, Default)]
struct Kept {
    sequence: u64,
    entries: VecDeque<Entry>,
    counts: BTreeMap<String, u64>,
    refused: VecDeque<Timestamp>,
}

/// All requests since the start or the last [`Journal::clear`].
#[derive(Debug, Default)]
pub struct Journal {
    kept: Mutex<Kept>,
}

impl Journal {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self, mut entry: Entry, route: &str) -> u64 {
        let mut kept = self.kept();
        kept.sequence += 1;
        entry.sequence = kept.sequence;
        if !entry.stranger {
            *kept
                .counts
                .entry(format!("{} {route}", entry.method))
                .or_default() += 1;
        }
        if kept.entries.len() == KEPT {
            kept.entries.pop_front();
        }
        kept.entries.push_back(entry);
        kept.sequence
    }

    pub(crate) fn answered(&self, sequence: u64, status: u16) {
        let mut kept = self.kept();
        let first = kept.entries.front().map_or(0, |entry| entry.sequence);
        let index = sequence
            .checked_sub(first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| kept.entries.get_mut(index)) {
            entry.status = Some(status);
        }
    }

    pub(crate) fn refused(&self, at: Timestamp) {
        let mut kept = self.kept();
        if kept.refused.len() == KEPT {
            kept.refused.pop_front();
        }
        kept.refused.push_back(at);
    }

    /// When clients broke a TLS handshake off, oldest first: they do not trust the certificate, or do not speak TLS.
    #[must_use]
    pub fn refused_handshakes(&self) -> Vec<Timestamp> {
        self.kept().refused.iter().copied().collect()
    }

    /// The requests kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.kept().entries.iter().cloned().collect()
    }

    /// The requests after a sequence number.
    #[must_use]
    pub fn since(&self, sequence: u64) -> Vec<Entry> {
        self.kept()
            .entries
            .iter()
            .filter(|entry| entry.sequence > sequence)
            .cloned()
            .collect()
    }

    /// The requests (and strangers) that changed something.
    #[must_use]
    pub fn effects(&self) -> Vec<Entry> {
        self.kept()
            .entries
            .iter()
            .filter(|entry| entry.effect.kind != EffectKind::None)
            .cloned()
            .collect()
    }

    /// The number of the last request; 0 before the first.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.kept().sequence
    }

    /// How often each `METHOD route` was asked, e.g. `GET /api/confd/1.1/external/apps/{name}`.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.kept().counts.clone()
    }

    /// Forgets all requests and counters; the sequence goes on.
    pub fn clear(&self) {
        let mut kept = self.kept();
        kept.entries.clear();
        kept.counts.clear();
        kept.refused.clear();
    }
}

/// The trace id of a `traceparent` of version 00, if it is one.
pub(crate) fn trace_id(traceparent: &str) -> Option<String> {
    let parts: Vec<&str> = traceparent.split('-').collect();
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    match parts.as_slice() {
        ["00", trace, parent, flags] if hex(trace, 32) && hex(parent, 16) && hex(flags, 2) => trace
            .bytes()
            .any(|byte| byte != b'0')
            .then(|| (*trace).to_owned()),
        _ => None,
    }
}
