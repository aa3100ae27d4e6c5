//! A fault in the making: what a rule found, before it is weighed against the other candidates.

use jiff::Timestamp;

use crate::api::condition::seconds;
use crate::api::fault::{Confidence, Evidence, Fault, Layer, ObjectReference, Party, Resolution, Suspicion};
use crate::api::reason::Reason;

/// What a rule found. Party, layer, resolution and action are those of the reason's row unless the rule knows better.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The fault as it would be reported.
    pub fault: Fault,
    /// Whether the signal decides alone; another one has to be seen for a while before it counts against something
    /// that worked.
    pub decisive: bool,
    /// Seconds after which time alone may lead to another verdict.
    pub again: Option<i64>,
    /// Whether it is a verdict that was told before, and goes on to hold: it was weighed then.
    pub recalled: bool,
}

impl Candidate {
    /// A candidate of a reason, first seen at `since`; decisive, and so of high confidence.
    #[must_use]
    pub fn new(reason: Reason, since: Timestamp, message: impl Into<String>) -> Self {
        let row = reason.row();
        Self {
            fault: Fault {
                party: row.party,
                layer: row.layer,
                reason,
                confidence: Confidence::High,
                resolution: row.resolution,
                blocking: true,
                since: seconds(since),
                last_good: None,
                object: None,
                message: bounded(message.into()),
                action: row.action.to_owned(),
                caused_by: None,
                suspected: None,
                evidence: Vec::new(),
                contradicting: Vec::new(),
                missing: Vec::new(),
            },
            decisive: true,
            again: None,
            recalled: false,
        }
    }

    /// A verdict that was told before, and goes on to hold.
    #[must_use]
    pub const fn recalled(fault: Fault) -> Self {
        Self {
            fault,
            decisive: true,
            again: None,
            recalled: true,
        }
    }

    /// What was seen, from where, about what.
    #[must_use]
    pub fn evidence(mut self, vantage: &str, observed: impl Into<String>, object: Option<String>) -> Self {
        if self.fault.evidence.len() < 5 {
            let at = self.fault.since.clone();
            self.fault.evidence.push(Evidence {
                vantage: vantage.to_owned(),
                observed: bounded(observed.into()),
                object,
                at,
                trace_id: None,
            });
        }
        self
    }

    /// The trace id of the call that the last evidence is of.
    #[must_use]
    pub fn traced(mut self, trace_id: &str) -> Self {
        if let Some(last) = self.fault.evidence.last_mut() {
            last.trace_id = Some(trace_id.to_owned());
        }
        self
    }

    /// The object to look at.
    #[must_use]
    pub fn object(mut self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        self.fault.object = Some(ObjectReference {
            api_version: Some(api_version.to_owned()),
            kind: Some(kind.to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            field_path: None,
        });
        self
    }

    /// The field of the object to look at.
    #[must_use]
    pub fn field(mut self, path: impl Into<String>) -> Self {
        self.fault.object.get_or_insert_default().field_path = Some(path.into());
        self
    }

    /// Another party than that of the row.
    #[must_use]
    pub const fn party(mut self, party: Party) -> Self {
        self.fault.party = party;
        self
    }

    /// Another layer than that of the row.
    #[must_use]
    pub const fn layer(mut self, layer: Layer) -> Self {
        self.fault.layer = layer;
        self
    }

    /// Another next step than that of the row.
    #[must_use]
    pub fn action(mut self, action: &str) -> Self {
        self.fault.action = action.to_owned();
        self
    }

    /// Another way out than that of the row.
    #[must_use]
    pub const fn resolution(mut self, resolution: Resolution) -> Self {
        self.fault.resolution = resolution;
        self
    }

    /// Looked at again after some seconds, since time alone may lead to another verdict.
    #[must_use]
    pub const fn again(mut self, seconds: i64) -> Self {
        self.again = Some(seconds);
        self
    }

    /// Seen from one indirect vantage only: medium confidence, and it must last before it counts.
    #[must_use]
    pub fn indirect(mut self, missing: &str) -> Self {
        self.fault.confidence = Confidence::Medium;
        self.decisive = false;
        self.fault.missing.push(missing.to_owned());
        self
    }

    /// The same, only where something else is so.
    #[must_use]
    pub fn unless(self, doubted: bool, missing: &str) -> Self {
        if doubted { self.indirect(missing) } else { self }
    }

    /// Something speaks against it: low confidence, and the party is only suspected.
    #[must_use]
    pub fn doubtful(mut self, contradiction: impl Into<String>) -> Self {
        self.fault.confidence = Confidence::Low;
        self.fault.suspected = Some(Suspicion {
            party: self.fault.party,
            reason: self.fault.reason,
        });
        self.fault.party = Party::Unknown;
        self.fault.contradicting.push(contradiction.into());
        self
    }

    /// When the thing last worked.
    #[must_use]
    pub fn last_good(mut self, last_good: Option<Timestamp>) -> Self {
        self.fault.last_good = last_good.map(seconds);
        self
    }

    /// Degraded only, or not the plugin's own.
    #[must_use]
    pub const fn not_blocking(mut self) -> Self {
        self.fault.blocking = false;
        self
    }
}

/// The fault, with the times under which the same fault is reported already: it began when it began, and a restart of
/// the operator does not make it younger.
#[must_use]
pub fn settle(mut fault: Fault, before: &[&Fault]) -> Fault {
    let Some(known) = before
        .iter()
        .find(|known| known.reason == fault.reason && known.object == fault.object)
    else {
        return fault;
    };
    if known.since.0 < fault.since.0 {
        fault.since = known.since.clone();
    }
    // The last good observation lies before the fault, and so does not move while it lasts.
    fault.last_good = known.last_good.clone().or(fault.last_good);
    for evidence in &mut fault.evidence {
        if let Some(same) = known
            .evidence
            .iter()
            .find(|same| same.vantage == evidence.vantage && same.observed == evidence.observed)
        {
            evidence.at = same.at.clone();
            evidence.trace_id = same.trace_id.clone().or_else(|| evidence.trace_id.clone());
        }
    }
    // The same seen by another request is no news: after a restart it may be another one that fails first.
    if known.message == fault.message
        && known.confidence >= fault.confidence
        && known.evidence.len() >= fault.evidence.len()
    {
        fault.evidence = known.evidence.clone();
    }
    fault
}

fn bounded(text: String) -> String {
    const LONGEST: usize = 512;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
