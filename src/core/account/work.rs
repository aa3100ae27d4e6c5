//! The work on one account: look, do one thing, look again. With its broker down wazo-auth answers 500 to what it has
//! done, and a connection may break behind a write: so what is in doubt is looked at, never done twice.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::act::holds;
use super::book::Task;
use super::prove::{Proof, may_get_in};
use super::{AccountSeen, AccountWish, Act, ActState, bulk};
use crate::core::link::{Aim, Link, Trouble};
use crate::keys::PluginKey;

/// What users of plugins are made as: no license, no extension, no mobile.
pub(super) const PURPOSE: &str = "external_api";

/// Does what is due for the account of a plugin. Where nothing is due but a look, all accounts are looked at together.
pub(in crate::core) async fn work(link: &Link, aim: &Aim, plugin: &PluginKey) {
    let Some(task) = link.state().accounts.task(plugin) else {
        return;
    };
    if task.routine && bulk::read(link, aim).await {
        return;
    }
    let _turn = aim.stack.auth_lane.lock().await;
    let Some(task) = link.state().accounts.task(plugin) else {
        return;
    };
    let job = Job {
        link,
        aim,
        plugin,
        wish: &task.wish,
    };
    if job.needs_another_token() {
        return;
    }
    match job.attempt(&task).await {
        // The core's own facts say what is away, once for all; the breaker holds the work up.
        Ok(()) | Err(Trouble::NoSession) => {}
        Err(Trouble::Failed(error)) if error.kind.is_absence() => {}
        Err(Trouble::Failed(error)) => {
            tracing::info!(core = %link.key, %plugin, %error, "the account is not as wanted");
            let changed = link
                .state()
                .accounts
                .fail(plugin, &task.wish, error, link.intervals());
            job.tell(changed);
        }
    }
}

pub(super) struct Job<'a> {
    pub(super) link: &'a Link,
    pub(super) aim: &'a Aim,
    pub(super) plugin: &'a PluginKey,
    pub(super) wish: &'a AccountWish,
}

impl Job<'_> {
    fn tell(&self, changed: bool) {
        if changed {
            self.link.wake_plugins(BTreeSet::from([self.plugin.clone()]));
        }
    }

    /// A token keeps the rights that it was made with: a new one shows what was given since. Not more often than
    /// missing rights are asked for.
    fn needs_another_token(&self) -> bool {
        let age = self.link.intervals().missing_rights / 2;
        let mut state = self.link.state();
        let renewed = state.accounts.lacks() && state.session.renew_if_older(age, Instant::now());
        drop(state);
        if renewed {
            self.link.auth_wake.notify_one();
        }
        renewed
    }

    async fn attempt(&self, task: &Task) -> Result<(), Trouble> {
        let act = self.wish.act.as_ref().filter(|_| task.open);
        if let Some(proof @ Act::Prove { .. }) = act
            && task.seen
        {
            return self.try_credentials(proof).await;
        }
        let seen = self.look().await?;
        self.saw(&seen);
        let Some(act) = act else {
            return Ok(());
        };
        if holds(act, &seen) {
            self.settle(ActState::Done);
            return Ok(());
        }
        if matches!(act, Act::Prove { .. }) {
            return self.try_credentials(act).await;
        }
        match self.perform(act, &seen).await {
            Ok(state) => {
                self.saw(&self.look().await?);
                self.settle(state);
                Ok(())
            }
            Err(Trouble::Failed(error)) if error.kind.is_doubtful() && !error.kind.is_absence() => {
                let seen = self.look().await?;
                self.saw(&seen);
                if !holds(act, &seen) {
                    return Err(error.into());
                }
                self.settle(ActState::Done);
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Tries what a proof is about. Where it fails, a look tells whether the user may not log in, or lacks his rights.
    async fn try_credentials(&self, proof: &Act) -> Result<(), Trouble> {
        let outcome = self.prove(proof).await?;
        let state = match outcome {
            Proof::In => ActState::Done,
            Proof::NotTried => ActState::Pending,
            Proof::Rejected | Proof::RightsMissing(_) => {
                let seen = self.look().await?;
                self.saw(&seen);
                match outcome {
                    _ if !may_get_in(proof, &seen) => ActState::Pending,
                    Proof::RightsMissing(lacking) => ActState::RightsMissing(lacking),
                    _ => ActState::PasswordUnknown,
                }
            }
        };
        self.settle(state);
        Ok(())
    }

    fn saw(&self, seen: &AccountSeen) {
        let intervals = self.link.intervals();
        let changed = self
            .link
            .state()
            .accounts
            .saw(self.plugin, self.wish, seen.clone(), intervals);
        self.tell(changed);
        let missing = self.link.state().accounts.missing();
        self.link
            .change_facts(|facts| facts.missing_for_accounts = missing);
    }

    fn settle(&self, state: ActState) {
        let intervals = self.link.intervals();
        let changed = self
            .link
            .state()
            .accounts
            .settle(self.plugin, self.wish, state, intervals);
        self.tell(changed);
    }
}
