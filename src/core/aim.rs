//! Aiming a link at its core, anew or for the last time.

use std::sync::Arc;

use tokio::time::Instant;

use super::facts::{CoreFacts, SessionFact};
use super::link::{Aim, Link, Phase, State};
use super::settings::CoreSettings;
use super::stack::Stack;
use crate::keys::Wake;

impl Link {
    /// Takes new settings. What they do not concern goes on.
    pub(super) fn aim_at(&self, settings: CoreSettings, stack: Arc<Stack>) {
        let mut state = self.state();
        let suspended = settings.suspended;
        let aim = Arc::new(Aim { settings, stack });
        let old = state.aim.replace(aim.clone());
        let restart = match &old {
            None => true,
            Some(old) => {
                self.follow(&mut state, old, &aim);
                !Arc::ptr_eq(&old.stack, &aim.stack) || old.settings.suspended != suspended
            }
        };
        if let SessionFact::LoggedIn(account) = &state.facts.session {
            aim.stack.allow(&self.key, Some(aim.settings.requests_per_second));
            let tenant = Some(aim.settings.tenant.unwrap_or(account.tenant));
            state.change_facts(|facts| facts.tenant = tenant);
        }
        // What is read beside the facts, such as the certificate authority, may be another, too.
        Arc::make_mut(&mut state.facts).mark += 1;
        let answering = state.answering;
        drop(state);
        if let Some(stack) = answering {
            self.stack_answers(&aim, stack);
        }
        if restart {
            self.phase.send_modify(|phase| {
                *phase = match *phase {
                    Phase::Ended => Phase::Ended,
                    _ if suspended => Phase::Idle,
                    Phase::Running(number) => Phase::Running(number + 1),
                    Phase::Idle => Phase::Running(0),
                };
            });
        }
        self.shared.waker.send(Wake::Core(self.key.clone())).ok();
        self.auth_wake.notify_one();
        self.confd_wake.notify_one();
    }

    /// Ends what the new settings end.
    fn follow(&self, state: &mut State, old: &Aim, new: &Aim) {
        let moved = old.stack.url != new.stack.url;
        let other_account =
            old.settings.username != new.settings.username || old.settings.password != new.settings.password;
        if other_account || !Arc::ptr_eq(&old.stack, &new.stack) {
            old.stack.allow(&self.key, None);
        }
        if moved || other_account {
            if let Some(token) = state.session.end() {
                self.shared.grave.bury(&old.stack, token);
            }
            state.change_facts(|facts| {
                facts.session = SessionFact::Pending;
                facts.missing_permissions = None;
                facts.tenant_refused = false;
            });
        }
        if moved {
            (state.stack, state.answering) = (None, None);
            state.change_facts(|facts| *facts = CoreFacts::unknown());
            state.accounts.start_again();
            let woken = state.wishes.start_again();
            self.wake_plugins(woken);
        }
        if moved
            || other_account
            || old.settings.tenant != new.settings.tenant
            || old.settings.applications != new.settings.applications
        {
            state.rights.asked = false;
            state.rights.ask_at = Instant::now();
        }
    }

    /// Ends the link: nothing is sent any more, and its token is left to be deleted.
    pub(super) fn end(&self) {
        self.phase.send_replace(Phase::Ended);
        let mut state = self.state();
        if let Some(aim) = &state.aim {
            aim.stack.allow(&self.key, None);
        }
        let token = state.session.end();
        if let (Some(token), Some(aim)) = (token, &state.aim) {
            self.shared.grave.bury(&aim.stack, token);
        }
    }
}
