//! One case as it was played: a line of JSON. All figures are made from these lines, so that they can be made again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::{Case, Contact, Kind, Origin, Signal, Truth};
use crate::verdict::Shown;

/// One case as it was played.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
    pub(crate) contact: Contact,
    pub(crate) held_out: bool,
    pub(crate) decisive: bool,
    pub(crate) window: u64,
    pub(crate) truth: Vec<Truth>,
    pub(crate) either_first: bool,
    pub(crate) masked: bool,
    pub(crate) undecidable: Option<String>,
    pub(crate) signal_is: String,
    /// Why it could not be played to its end; it counts for nothing then.
    pub(crate) trouble: Option<String>,
    pub(crate) began: Option<Timestamp>,
    /// When everything was broken.
    pub(crate) injected: Option<Timestamp>,
    /// When the broken part first showed it.
    pub(crate) signal: Option<Timestamp>,
    /// Every change of the verdict between the injection and the mending.
    pub(crate) shown: Vec<Shown>,
    /// When the right verdict first stood.
    pub(crate) right: Option<Timestamp>,
    /// When everything was mended.
    pub(crate) healed: Option<Timestamp>,
    /// Every change of the verdict after the mending.
    pub(crate) after: Vec<Shown>,
    /// When it was well again.
    pub(crate) cleared: Option<Timestamp>,
    /// What stood in the cluster when the verdict was taken: what the other judges are given.
    pub(crate) scene: Scene,
}

/// What `kubectl` would have shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scene {
    pub(crate) pods: Vec<Value>,
    pub(crate) deployments: Vec<Value>,
    pub(crate) routes: Vec<Value>,
    /// `reason: note`, warnings only.
    pub(crate) warnings: Vec<String>,
}

impl Line {
    pub(crate) fn of(case: &Case) -> Self {
        Self {
            name: case.name.to_owned(),
            group: case.group.to_owned(),
            kind: case.kind,
            origin: case.origin,
            contact: case.contact,
            held_out: case.is_held_out(),
            decisive: case.decisive,
            window: case.window,
            truth: case.truth.clone(),
            either_first: case.either_first,
            masked: case.masked,
            undecidable: case.undecidable.map(ToOwned::to_owned),
            signal_is: match case.signal {
                Signal::Injection => "injection".to_owned(),
                Signal::Object(kind, text) => format!("{kind} shows {text:?}"),
                Signal::Core => "first bad answer of the core".to_owned(),
                Signal::Handshake => "first handshake with the core that was broken off".to_owned(),
                Signal::Panel => "first request to the plugin".to_owned(),
                Signal::Look => "first look at the public address that failed".to_owned(),
            },
            trouble: None,
            began: None,
            injected: None,
            signal: None,
            shown: Vec::new(),
            right: None,
            healed: None,
            after: Vec::new(),
            cleared: None,
            scene: Scene::default(),
        }
    }

    /// What stood last before the mending.
    pub(crate) fn last(&self) -> Option<&Shown> {
        self.shown.last()
    }

    /// Whether the last verdict is right in party, layer and reason.
    pub(crate) fn is_right(&self) -> bool {
        self.last()
            .is_some_and(|shown| shown.is_right(&self.truth, self.either_first, self.masked))
    }

    /// Whether the last verdict names the right party: of a pair, that of the fault to be named first.
    pub(crate) fn is_party_right(&self) -> bool {
        let Some(fault) = self.last().and_then(|shown| shown.fault.as_ref()) else {
            return self.truth.is_empty();
        };
        let either = self.either_first && self.truth.get(1).is_some_and(|truth| fault.is_party_of(truth));
        either || self.truth.first().is_some_and(|truth| fault.is_party_of(truth))
    }

    /// Every primary verdict that was ever shown and names a party that nothing of is broken, up to the mending.
    pub(crate) fn wrong(&self) -> Vec<&Shown> {
        let wrong = |shown: &&Shown| {
            shown.fault.as_ref().is_some_and(|fault| {
                fault.party != "Unknown" && !self.truth.iter().any(|truth| fault.is_party_of(truth))
            })
        };
        self.shown.iter().filter(wrong).collect()
    }

    /// Whether a party is named, first or beside, of which nothing is broken.
    pub(crate) fn ever_blames(&self, party: &str) -> bool {
        let innocent = !self
            .truth
            .iter()
            .any(|truth| truth.parties.iter().any(|of| of == party));
        let named = |shown: &Shown| {
            let first = shown.fault.iter();
            first.chain(&shown.others).any(|fault| fault.party == party)
        };
        innocent && self.shown.iter().any(named)
    }

    /// Seconds from the signal to the right verdict.
    pub(crate) fn latency(&self) -> Option<f64> {
        Some(seconds(self.signal.or(self.injected)?, self.right?).max(0.0))
    }

    /// Seconds from the breaking to the right verdict: with what passes until anybody looks.
    pub(crate) fn delay(&self) -> Option<f64> {
        Some(seconds(self.injected?, self.right?).max(0.0))
    }

    /// Seconds from the mending until it was well.
    pub(crate) fn clearing(&self) -> Option<f64> {
        Some(seconds(self.healed?, self.cleared?).max(0.0))
    }

    /// Changes of the primary verdict beyond its first coming.
    pub(crate) fn flips(&self) -> usize {
        let mut parties: Vec<Option<(&str, &str)>> = self
            .shown
            .iter()
            .map(|shown| {
                let fault = shown.fault.as_ref()?;
                Some((fault.party.as_str(), fault.reason.as_str()))
            })
            .collect();
        parties.dedup();
        parties.len().saturating_sub(2)
    }
}

/// Seconds between two moments.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
