//! What the operator said, and how it compares with the truth.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::Truth;

/// One fault of a status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    pub(crate) party: String,
    pub(crate) layer: String,
    pub(crate) reason: String,
    pub(crate) confidence: String,
    pub(crate) blocking: bool,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suspected: Option<String>,
    #[serde(default)]
    pub(crate) evidence: Vec<String>,
}

impl Verdict {
    fn read(fault: &Value) -> Option<Self> {
        let text = |field: &str| fault[field].as_str().unwrap_or_default().to_owned();
        fault.is_object().then(|| Self {
            party: text("party"),
            layer: text("layer"),
            reason: text("reason"),
            confidence: text("confidence"),
            blocking: fault["blocking"] == true,
            message: text("message"),
            suspected: fault["suspected"]["party"].as_str().map(ToOwned::to_owned),
            evidence: fault["evidence"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|evidence| {
                    let text = |field: &str| evidence[field].as_str().unwrap_or_default().to_owned();
                    format!("{}: {}", text("vantage"), text("observed"))
                })
                .collect(),
        })
    }

    /// Whether it names the right party.
    pub(crate) fn is_party_of(&self, truth: &Truth) -> bool {
        truth.parties.contains(&self.party)
    }

    /// Whether it is right in the party, the layer and the reason.
    pub(crate) fn is_of(&self, truth: &Truth) -> bool {
        let within = |list: &[String], text: &String| list.is_empty() || list.contains(text);
        self.is_party_of(truth) && within(&truth.layers, &self.layer) && within(&truth.reasons, &self.reason)
    }

    /// As it is printed.
    pub(crate) fn short(&self) -> String {
        let Self {
            party,
            layer,
            reason,
            confidence,
            ..
        } = self;
        format!("{party}·{layer}·{reason} {confidence}")
    }
}

/// What stood in a status from a moment on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    pub(crate) at: Timestamp,
    /// `None`: no fault.
    pub(crate) fault: Option<Verdict>,
    #[serde(default)]
    pub(crate) others: Vec<Verdict>,
    /// The status of the condition `Ready`.
    pub(crate) ready: String,
}

impl Shown {
    /// Reads a status.
    pub(crate) fn read(at: Timestamp, object: &Value) -> Self {
        let status = &object["status"];
        let ready = status["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Ready")
            .and_then(|condition| condition["status"].as_str())
            .unwrap_or_default();
        let stale = status["observedGeneration"] != object["metadata"]["generation"];
        Self {
            at,
            fault: Verdict::read(&status["fault"]),
            others: status["otherFaults"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Verdict::read)
                .collect(),
            ready: if stale {
                "Stale".to_owned()
            } else {
                ready.to_owned()
            },
        }
    }

    /// Whether it says the same about who is to blame.
    fn is_like(&self, other: &Self) -> bool {
        let key = |verdict: &Verdict| {
            (
                verdict.party.clone(),
                verdict.layer.clone(),
                verdict.reason.clone(),
                verdict.confidence.clone(),
            )
        };
        let keys = |shown: &Self| {
            (
                shown.fault.as_ref().map(key),
                shown.others.iter().map(key).collect::<Vec<_>>(),
            )
        };
        keys(self) == keys(other)
    }

    /// Whether this is what the truth asks for: the first named first, the second named too unless it is masked.
    pub(crate) fn is_right(&self, truth: &[Truth], either_first: bool, masked: bool) -> bool {
        let Some(fault) = &self.fault else {
            return truth.is_empty();
        };
        match truth {
            [] => false,
            [only] => fault.is_of(only),
            [first, second, ..] => {
                let named = |truth: &Truth| self.others.iter().any(|other| other.is_of(truth));
                (fault.is_of(first) && (masked || named(second)))
                    || (either_first && fault.is_of(second) && (masked || named(first)))
            }
        }
    }
}

/// The changes in a row of statuses; the first stands for what was before.
pub(crate) fn changes(shown: impl IntoIterator<Item = Shown>) -> Vec<Shown> {
    let mut changes: Vec<Shown> = Vec::new();
    for next in shown {
        if changes.last().is_none_or(|last| !last.is_like(&next)) {
            changes.push(next);
        }
    }
    changes
}
