//! confd's users and their external apps as a stranger sees and writes them, past the daemon.

use std::sync::Arc;

use crate::journal::{Daemon, Effect, EffectKind};
use crate::seed::{Application, PhoneUser, UserApplication};
use crate::stack::Stack;
use crate::stranger::Stranger;

/// All of confd's users. What is written here stands in the journal as a stranger's.
#[derive(Clone, Debug)]
pub struct PhoneUsers {
    pub(crate) stack: Arc<Stack>,
}

impl PhoneUsers {
    /// All users of all tenants, by uuid.
    #[must_use]
    pub fn list(&self) -> Vec<PhoneUser> {
        self.stack.world().phone_users.values().cloned().collect()
    }

    /// Makes a user in a tenant; his uuid.
    pub fn create(&self, tenant: &str, firstname: &str) -> String {
        let uuid = self.stack.world().add_phone_user(tenant, firstname, None).uuid;
        self.note("POST", "/1.1/users", EffectKind::Created, &uuid);
        uuid
    }

    /// Deletes a user with the external apps of his own.
    pub fn delete(&self, uuid: &str) {
        self.stack.world().remove_phone_user(uuid);
        let path = format!("/1.1/users/{uuid}");
        self.note("DELETE", &path, EffectKind::Deleted, uuid);
    }

    fn note(&self, method: &str, path: &str, kind: EffectKind, uuid: &str) {
        let effect = Effect::on(kind, format!("phone_users/{uuid}"));
        self.stack.note_stranger(Daemon::Confd, method, path, effect);
    }

    /// All external apps of single users, by user and name.
    #[must_use]
    pub fn apps(&self) -> Vec<UserApplication> {
        self.stack.world().user_apps.values().cloned().collect()
    }

    /// One external app of a user, if he has it.
    #[must_use]
    pub fn app(&self, user: &str, name: &str) -> Option<UserApplication> {
        let key = (user.to_owned(), name.to_owned());
        self.stack.world().user_apps.get(&key).cloned()
    }

    /// What a client of the user is shown (`view=fallback`): his own app, else his tenant's; none if there is
    /// neither, or no such user.
    #[must_use]
    pub fn seen(&self, user: &str, name: &str) -> Option<Application> {
        let world = self.stack.world();
        let tenant = world.phone_users.get(user)?.tenant.clone();
        let Some(own) = world.user_apps.get(&(user.to_owned(), name.to_owned())) else {
            return world.apps.get(&(tenant, name.to_owned())).cloned();
        };
        Some(Application {
            tenant,
            name: own.name.clone(),
            label: own.label.clone(),
            configuration: own.configuration.clone(),
        })
    }

    /// Puts an external app of a user as a whole, making it if needed.
    pub fn put_app(&self, app: UserApplication) {
        self.stack.stranger(&Stranger::PutOfUser(app));
    }

    /// Deletes an external app of a user, if he has it.
    pub fn delete_app(&self, user: &str, name: &str) {
        self.stack.stranger(&Stranger::DeleteOfUser {
            user: user.to_owned(),
            name: name.to_owned(),
        });
    }
}
