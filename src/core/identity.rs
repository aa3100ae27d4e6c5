//! Which stack answers. Another one behind the same URL has other tenants, users and applications under names that may be
//! the same: nothing is written to it, and nothing that was known is taken for true of it.

use uuid::Uuid;

use super::facts::StackChange;
use super::link::{Aim, Link};

impl Link {
    /// The stack told who it is: at a login, or by wazo-confd's `infos`.
    pub(super) fn stack_answers(&self, aim: &Aim, is: Uuid) {
        let mut state = self.state();
        let settings = &aim.settings;
        let known = settings.stack.or(state.stack);
        let change = match known {
            Some(was) if was != is && settings.accepted_stack != Some(is) => Some(StackChange { was, is }),
            _ => None,
        };
        state.answering = Some(is);
        let before = state.facts.stack_changed.clone();
        let mut woken = Default::default();
        if change.is_none() {
            if state.stack.replace(is).is_some_and(|before| before != is) {
                woken = state.wishes.start_again();
            }
            if before.is_some() {
                state.wishes.hurry();
            }
        }
        drop(state);
        if before == change {
            return;
        }
        match &change {
            Some(change) => {
                tracing::warn!(core = %self.key, was = %change.was, is = %change.is, "another stack answers: nothing is written");
            }
            None => {
                tracing::info!(core = %self.key, stack = %is, "the stack is the one that is known, or accepted")
            }
        }
        self.change_facts(|facts| facts.stack_changed = change);
        self.wake_plugins(woken);
        self.confd_wake.notify_one();
        self.auth_wake.notify_one();
    }

    /// Whether anything may be written to what answers.
    pub(super) fn is_known_stack(&self) -> bool {
        self.state().facts.stack_changed.is_none()
    }
}
