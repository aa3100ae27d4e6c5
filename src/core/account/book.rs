//! What the plugins want of their accounts at one core, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio::time::Instant;

use super::act::holds;
use super::trust::after;
use super::{AccountFact, AccountSeen, AccountWish, Act, ActState};
use crate::core::error::CoreError;
use crate::core::jitter::{doubled, vary};
use crate::core::settings::Intervals;
use crate::keys::PluginKey;

/// The accounts of all plugins at one core.
#[derive(Debug, Default)]
pub(in crate::core) struct AccountBook {
    pub(super) accounts: BTreeMap<PluginKey, Account>,
    /// The plugin that had its turn last.
    last: Option<PluginKey>,
    /// Until then they are looked at one by one.
    one_by_one_until: Option<Instant>,
}

/// What is to be done about an account now.
pub(super) struct Task {
    pub(super) wish: AccountWish,
    /// Whether the act is still to be done.
    pub(super) open: bool,
    /// Whether it is known what the core holds.
    pub(super) seen: bool,
    /// Whether nothing is due but another look, which may be one at all together.
    pub(super) routine: bool,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) wish: AccountWish,
    pub(super) fact: AccountFact,
    pub(super) look_at: Instant,
    pub(super) not_before: Instant,
    pub(super) failures: u32,
    /// It is to be looked at by itself.
    pub(super) doubted: bool,
    /// How often in a row the credentials in use were good.
    pub(super) trust: u32,
    /// When they were tried last.
    pub(super) tried: Option<Instant>,
}

impl Account {
    /// Whether all that may be due is a look at what is known already.
    fn is_calm(&self) -> bool {
        let lacks_nothing = |seen: &AccountSeen| seen.missing.is_empty();
        !self.is_open()
            && !self.doubted
            && self.failures == 0
            && self.fact.seen.as_ref().is_some_and(lacks_nothing)
    }

    fn is_open(&self) -> bool {
        let act = self.wish.act.as_ref();
        act.is_some_and(|act| !act.needs_password() || self.wish.password.is_some())
            && matches!(
                &self.fact.last,
                Some((_, ActState::Pending | ActState::Failed(_)))
            )
    }

    fn due_at(&self) -> Instant {
        let wanted = if self.is_open() {
            self.not_before
        } else {
            self.look_at
        };
        wanted.max(self.not_before)
    }
}

impl AccountBook {
    /// Replaces what a plugin wants. Returns whether there is work.
    pub(in crate::core) fn wish(
        &mut self,
        plugin: &PluginKey,
        wish: Option<AccountWish>,
        intervals: &Intervals,
    ) -> bool {
        let Some(wish) = wish else {
            self.accounts.remove(plugin);
            return false;
        };
        let now = Instant::now();
        let account = self.accounts.entry(plugin.clone()).or_insert_with(|| Account {
            wish: wish.clone(),
            fact: AccountFact {
                // After a restart all are tried, spread over one interval.
                check_at: Some(after(vary(intervals.account_check / 2, 1.0))),
                ..AccountFact::default()
            },
            look_at: now,
            not_before: now,
            failures: 0,
            doubted: false,
            trust: 0,
            tried: None,
        });
        let before = std::mem::replace(&mut account.wish, wish);
        if account.wish.password.is_none() && account.wish.act == before.act {
            account.wish.password = before.password;
        }
        let wish = &account.wish;
        if before.subject != wish.subject || before.tenants != wish.tenants || before.held != wish.held {
            // What was seen is of others, or does not tell of all.
            account.fact.seen = None;
            account.look_at = now;
        }
        let fact = &account.fact;
        let new = wish.act.as_ref().filter(|act| {
            let another = fact.last.as_ref().is_none_or(|(last, _)| last != *act);
            let again = matches!(act, Act::Prove { .. }) && fact.is_check_due(Timestamp::now());
            another || again && !matches!(fact.state_of(act), Some(ActState::Failed(_)))
        });
        if let Some(act) = new {
            account.fact.last = Some((act.clone(), ActState::Pending));
            account.failures = 0;
            account.not_before = now;
        }
        account.due_at() <= now
    }

    /// What is known of the account of a plugin.
    pub(in crate::core) fn fact(&self, plugin: &PluginKey) -> Option<AccountFact> {
        self.accounts.get(plugin).map(|account| account.fact.clone())
    }

    pub(in crate::core) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The next plugin with work; they take turns.
    pub(in crate::core) fn next(&mut self, now: Instant) -> Option<PluginKey> {
        let due = |(key, account): (&PluginKey, &Account)| (account.due_at() <= now).then(|| key.clone());
        let last = self.last.clone();
        let after = self
            .accounts
            .iter()
            .filter(|(key, _)| last.as_ref().is_none_or(|last| *key > last))
            .find_map(due);
        let next = after.or_else(|| self.accounts.iter().find_map(due));
        self.last.clone_from(&next);
        next
    }

    /// When [`Self::next`] will have something.
    pub(in crate::core) fn next_at(&self) -> Option<Instant> {
        self.accounts.values().map(Account::due_at).min()
    }

    /// What is to be done now.
    pub(super) fn task(&self, plugin: &PluginKey) -> Option<Task> {
        let account = self.accounts.get(plugin)?;
        let together = self.one_by_one_until.is_none_or(|until| until <= Instant::now());
        Some(Task {
            wish: account.wish.clone(),
            open: account.is_open(),
            seen: account.fact.seen.is_some(),
            routine: together && account.is_calm(),
        })
    }

    /// The accounts of which something is known and nothing is to be done.
    pub(super) fn calm(&self) -> Vec<(PluginKey, AccountWish, AccountSeen)> {
        let calm = self.accounts.iter().filter(|(_, account)| account.is_calm());
        calm.filter_map(|(plugin, account)| {
            Some((plugin.clone(), account.wish.clone(), account.fact.seen.clone()?))
        })
        .collect()
    }

    /// They cannot be looked at together for a while.
    pub(super) fn one_by_one(&mut self, intervals: &Intervals) {
        self.one_by_one_until = Some(Instant::now() + vary(intervals.rights, intervals.jitter));
    }

    /// An account is as it was seen last.
    pub(super) fn confirm(&mut self, plugin: &PluginKey, wish: &AccountWish, intervals: &Intervals) {
        self.change(plugin, wish, |account| {
            account.look_at = Instant::now() + vary(intervals.snapshot, intervals.jitter);
            account.fact.blind = None;
            if let Some(seen) = &mut account.fact.seen {
                seen.at = Timestamp::now();
            }
        });
    }

    /// An account is not as it was seen last, or cannot be seen among all.
    pub(super) fn doubt(&mut self, plugin: &PluginKey) {
        if let Some(account) = self.accounts.get_mut(plugin) {
            account.doubted = true;
            account.look_at = Instant::now();
        }
    }

    /// Whether the operator's own account lacks anything for some account.
    pub(in crate::core) fn lacks(&self) -> bool {
        let mut seen = self
            .accounts
            .values()
            .filter_map(|account| account.fact.seen.as_ref());
        seen.any(|seen| !seen.missing.is_empty())
    }

    /// What the operator's own account lacks, for all accounts together.
    pub(super) fn missing(&self) -> Vec<String> {
        let seen = self
            .accounts
            .values()
            .filter_map(|account| account.fact.seen.as_ref());
        let all: BTreeSet<String> = seen.flat_map(|seen| seen.missing.iter().cloned()).collect();
        all.into_iter().collect()
    }

    /// Notes what was seen; what was done and does not hold any more is to be done again. Returns whether a reader sees a difference.
    pub(super) fn saw(
        &mut self,
        plugin: &PluginKey,
        wish: &AccountWish,
        seen: AccountSeen,
        intervals: &Intervals,
    ) -> bool {
        let pause = if seen.missing.is_empty() {
            intervals.snapshot
        } else {
            intervals.missing_rights
        };
        self.change(plugin, wish, |account| {
            account.look_at = Instant::now() + vary(pause, intervals.jitter);
            account.doubted = false;
            account.fact.blind = None;
            if let Some((act, state @ ActState::Done)) = &mut account.fact.last
                && !matches!(act, Act::Prove { .. })
                && !holds(act, &seen)
            {
                *state = ActState::Pending;
            }
            account.fact.seen = Some(seen);
        })
    }

    /// Notes what became of the act. Returns whether a reader sees a difference.
    pub(super) fn settle(
        &mut self,
        plugin: &PluginKey,
        wish: &AccountWish,
        state: ActState,
        intervals: &Intervals,
    ) -> bool {
        self.change(plugin, wish, |account| {
            account.note_credentials(&state, intervals);
            account.failures = 0;
            account.not_before = Instant::now();
            if let Some(act) = &account.wish.act {
                account.fact.last = Some((act.clone(), state));
            }
            // Not kept for longer than it is needed.
            account.wish.password = None;
        })
    }

    /// The core did not do it, or could not be read; it is tried again after a pause that doubles.
    pub(super) fn fail(
        &mut self,
        plugin: &PluginKey,
        wish: &AccountWish,
        error: CoreError,
        intervals: &Intervals,
    ) -> bool {
        self.change(plugin, wish, |account| {
            account.failures = account.failures.saturating_add(1);
            let pause = doubled(
                intervals.first_backoff,
                intervals.longest_step_backoff,
                account.failures,
            );
            account.not_before = Instant::now() + vary(pause, intervals.jitter);
            if matches!(account.wish.act, Some(Act::Prove { .. })) {
                account.put_off(pause);
            }
            if account.is_open()
                && let Some((_, state)) = &mut account.fact.last
            {
                let previous = match &*state {
                    ActState::Failed(previous) => Some(previous.clone()),
                    _ => None,
                };
                *state = ActState::Failed(error.after(previous.as_ref()));
            } else {
                account.fact.blind = Some(error.after(account.fact.blind.as_ref()));
            }
        })
    }

    /// Changes an account, unless something else is wished for by now.
    fn change(&mut self, plugin: &PluginKey, wish: &AccountWish, change: impl FnOnce(&mut Account)) -> bool {
        let Some(account) = self.accounts.get_mut(plugin) else {
            return false;
        };
        if !account.wish.is_like(wish) {
            return false;
        }
        let before = account.fact.clone();
        change(account);
        !account.fact.shows_like(&before)
    }

    /// What stood in the way of all is gone: pauses after failures end.
    pub(in crate::core) fn hurry(&mut self) {
        for account in self.accounts.values_mut() {
            if account.failures > 0 {
                account.failures = 0;
                account.not_before = Instant::now();
            }
        }
    }

    /// The stack is another: everything is to be looked at again.
    pub(in crate::core) fn start_again(&mut self) {
        for account in self.accounts.values_mut() {
            account.fact = AccountFact {
                check_at: account.fact.check_at,
                ..AccountFact::default()
            };
            account.look_at = Instant::now();
            account.not_before = Instant::now();
            if let Some(act) = &account.wish.act {
                account.fact.last = Some((act.clone(), ActState::Pending));
            }
        }
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
