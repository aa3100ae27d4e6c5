//! For how long a plugin was impaired, by the party that was to act. Pure.
//!
//! `status.impairedSeconds` holds what is over, `status.impairedSince` where the rest begins: not the `since` of the fault,
//! which tells of the first bad observation and may lie before the verdict, or move. Both change only in a write that changes
//! the fault, so that a fault that lasts costs no writes. Whole seconds: nothing is lost by rounding, however often the party
//! changes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::condition::seconds;
use crate::api::fault::{Fault, Party};
use crate::api::plugin::WazoPluginStatus;

/// The word of a party, as in the status.
#[must_use]
pub fn word(party: Party) -> String {
    format!("{party:?}")
}

/// Whether two first faults are one and the same to whoever has to act.
#[must_use]
pub fn is_same(before: Option<&Fault>, after: Option<&Fault>) -> bool {
    let named = |fault: &Fault| (fault.party, fault.reason);
    before.map(named) == after.map(named)
}

/// The account that has not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Whose.
    pub party: Party,
    /// Since when, in seconds since 1970.
    pub since: i64,
}

impl Running {
    /// That of a status; none where nothing is wrong.
    #[must_use]
    pub fn of(status: &WazoPluginStatus) -> Option<Self> {
        Some(Self {
            party: status.fault.as_ref()?.party,
            since: status.impaired_since.as_ref()?.0.as_second(),
        })
    }

    /// The seconds until a moment; none where a clock that was set back says that it lies before the begin.
    #[must_use]
    pub const fn seconds_until(&self, second: i64) -> i64 {
        let seconds = second.saturating_sub(self.since);
        if seconds < 0 { 0 } else { seconds }
    }
}

/// What `status.impairedSeconds` says, without what nobody can have been: whoever may write statuses may write anything.
#[must_use]
pub fn stored(status: &WazoPluginStatus) -> BTreeMap<String, i64> {
    let all = status.impaired_seconds.iter();
    all.map(|(party, seconds)| (party.clone(), (*seconds).max(0)))
        .collect()
}

/// The status that follows `before`, with its accounts: where the first fault is another one, that of the party before
/// ends at `now`, and that of the party after begins.
#[must_use]
pub fn settled(before: &WazoPluginStatus, after: WazoPluginStatus, now: Timestamp) -> WazoPluginStatus {
    let running = Running::of(before);
    if is_same(before.fault.as_ref(), after.fault.as_ref()) && running.is_some() == after.fault.is_some() {
        return WazoPluginStatus {
            impaired_seconds: before.impaired_seconds.clone(),
            impaired_since: before.impaired_since.clone().filter(|_| running.is_some()),
            ..after
        };
    }
    let mut impaired = stored(before);
    let mut begin = seconds(now);
    if let Some(running) = running {
        let total = impaired.entry(word(running.party)).or_default();
        *total = total.saturating_add(running.seconds_until(begin.0.as_second()));
        // What was counted is not counted twice, whatever the clock of another replica says.
        begin = begin.max(before.impaired_since.clone().unwrap_or_else(|| seconds(now)));
    }
    WazoPluginStatus {
        impaired_seconds: impaired,
        impaired_since: after.fault.is_some().then_some(begin),
        ..after
    }
}
