//! The handle by which a test breaks the stack and mends it.

use std::sync::Arc;

use crate::fault::{Fault, FaultId, Standing};
use crate::stack::Stack;

/// What becomes of the tokens that an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// They live on with the rights that they were made with, as the real stack leaves them.
    Keep,
    /// They are dropped: every use of them is a 401.
    Drop,
}

/// Breaks and mends the stack.
#[derive(Clone, Debug)]
pub struct Faults {
    pub(crate) stack: Arc<Stack>,
    /// The uuid of the operator's account.
    pub(crate) account: String,
}

impl Faults {
    /// Injects a fault. It holds for the requests that arrive from now on.
    pub async fn inject(&self, fault: Fault) -> FaultId {
        let id = self.stack.faults.inject(fault);
        self.follow().await;
        id
    }

    /// Takes a fault away; what hangs in it goes on. Tells whether it still stood.
    pub async fn clear(&self, id: FaultId) -> bool {
        let cleared = self.stack.faults.clear(Some(id));
        self.follow().await;
        cleared
    }

    /// Takes all faults away.
    pub async fn clear_all(&self) {
        self.stack.faults.clear(None);
        self.follow().await;
    }

    /// The faults that stand.
    #[must_use]
    pub fn list(&self) -> Vec<Standing> {
        self.stack.faults.list()
    }

    /// Opens or closes the front and waits until it is.
    async fn follow(&self) {
        let open = !self.stack.faults.refuses();
        let mut listening = self.stack.listening.subscribe();
        self.stack
            .open
            .send_if_modified(|was| std::mem::replace(was, open) != open);
        // The sender lives as long as the stack, so this only ends when it is so.
        let _ = listening.wait_for(|listening| *listening == open).await;
    }

    /// The operator's account may do this and nothing else (beside the default policy of every account).
    pub fn set_rights(&self, acl: &[&str], tokens: Tokens) {
        let mut world = self.stack.world();
        let Some(user) = world.users.get(&self.account).cloned() else {
            return;
        };
        for policy in &user.policies {
            world.policies.remove(policy);
        }
        let acl = acl.iter().map(ToString::to_string).collect();
        let policy = world.add_policy(Some(&user.tenant), "operator-rights", None, acl);
        if let Some(user) = world.users.get_mut(&self.account) {
            user.policies = vec![policy];
        }
        if tokens == Tokens::Drop {
            world.drop_tokens_of(&self.account);
        }
    }

    /// All tokens of all accounts expire now.
    pub fn expire_tokens(&self) {
        self.stack.world().tokens.clear();
    }

    /// The operator's account gets another password; its tokens die with the old one.
    pub fn change_password(&self, password: &str) {
        let mut world = self.stack.world();
        crate::auth::set_password(&mut world, &self.account, Some(password.to_owned()));
    }

    /// The stack calls itself by another uuid from now on, as after a new installation.
    pub fn change_stack_uuid(&self, uuid: &str) {
        uuid.clone_into(&mut self.stack.world().stack_uuid);
    }
}
