//! When the credentials that the pods have are tried: ever more rarely while they are good, at once where something speaks
//! against them.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::book::{Account, AccountBook};
use super::{Act, ActState};
use crate::core::jitter::{doubled, vary};
use crate::core::settings::Intervals;
use crate::keys::PluginKey;

impl Account {
    /// What came of an act tells when the credentials in use are to be tried next: in their time, or at once after
    /// something changed.
    pub(super) fn note_credentials(&mut self, state: &ActState, intervals: &Intervals) {
        let pause = |trust: u32| {
            let pause = doubled(
                intervals.account_check,
                intervals.longest_account_check,
                trust + 1,
            );
            after(vary(pause, intervals.jitter))
        };
        let proved = matches!((&self.wish.act, state), (Some(Act::Prove { .. }), ActState::Done));
        self.trust = if proved { self.trust.saturating_add(1) } else { 0 };
        if matches!(self.wish.act, Some(Act::Prove { .. })) {
            self.tried = Some(Instant::now());
        }
        let next = pause(self.trust.saturating_sub(1));
        match (&self.wish.act, state) {
            (Some(Act::Prove { .. }), ActState::Done) => {
                self.fact.rejected = None;
                self.fact.lacking.clear();
                self.fact.check_at = Some(next);
            }
            (Some(Act::Prove { .. }), ActState::RightsMissing(lacking)) => {
                self.fact.rejected = None;
                self.fact.lacking.clone_from(lacking);
                self.put_off(intervals.missing_rights);
            }
            (Some(Act::Prove { stored, .. }), ActState::PasswordUnknown) => {
                self.fact.rejected = Some(stored.clone());
                self.fact.check_at = Some(next);
            }
            // Something else has to be done first, which makes it due at once.
            (Some(Act::Prove { .. }), ActState::Pending) => self.put_off(intervals.account_check / 10),
            (Some(Act::Make { .. }), ActState::Done) => {
                self.fact.rejected = None;
                self.fact.check_at = Some(Timestamp::now());
            }
            (
                Some(Act::Policy { .. } | Act::Link { .. } | Act::Set { enabled: true, .. }),
                ActState::Done,
            ) => {
                self.fact.check_at = Some(Timestamp::now());
            }
            _ => {}
        }
    }

    pub(super) fn put_off(&mut self, pause: Duration) {
        self.fact.check_at = Some(after(pause));
    }
}

impl AccountBook {
    /// Something speaks against the credentials in use: they are tried soon, unless they were just now. Returns whether
    /// the plugin has to look.
    pub(in crate::core) fn suspect(&mut self, plugin: &PluginKey, intervals: &Intervals) -> bool {
        let Some(account) = self.accounts.get_mut(plugin) else {
            return false;
        };
        let just_now = intervals.missing_rights.min(intervals.account_check);
        let recent = account.tried.is_some_and(|tried| tried.elapsed() < just_now);
        account.trust = 0;
        if recent || account.fact.is_check_due(Timestamp::now()) {
            return false;
        }
        account.fact.check_at = Some(Timestamp::now());
        true
    }
}

pub(super) fn after(pause: Duration) -> Timestamp {
    let pause = jiff::SignedDuration::try_from(pause).unwrap_or_default();
    Timestamp::now().checked_add(pause).unwrap_or(Timestamp::MAX)
}
