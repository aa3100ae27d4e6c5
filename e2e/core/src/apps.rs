//! The external apps as a stranger sees and writes them, past the daemons.

use std::sync::Arc;

use crate::seed::Application;
use crate::stack::Stack;
use crate::stranger::Stranger;

/// All external apps of all tenants. What is written here stands in the journal as a stranger's.
#[derive(Clone, Debug)]
pub struct Apps {
    pub(crate) stack: Arc<Stack>,
}

impl Apps {
    /// All apps, by tenant and name.
    #[must_use]
    pub fn list(&self) -> Vec<Application> {
        self.stack.world().apps.values().cloned().collect()
    }

    /// One app, if it is there.
    #[must_use]
    pub fn get(&self, tenant: &str, name: &str) -> Option<Application> {
        self.stack
            .world()
            .apps
            .get(&(tenant.to_owned(), name.to_owned()))
            .cloned()
    }

    /// Puts an app as a whole, making it if needed.
    pub fn put(&self, app: Application) {
        self.act(&Stranger::Put(app));
    }

    /// Changes an app that is there; tells whether it was.
    pub fn edit(&self, tenant: &str, name: &str, edit: impl FnOnce(&mut Application)) -> bool {
        let Some(mut app) = self.get(tenant, name) else {
            return false;
        };
        edit(&mut app);
        self.put(app);
        true
    }

    /// Deletes an app, if it is there.
    pub fn delete(&self, tenant: &str, name: &str) {
        self.act(&Stranger::Delete {
            tenant: tenant.to_owned(),
            name: name.to_owned(),
        });
    }

    /// Any act of a stranger.
    pub fn act(&self, stranger: &Stranger) {
        self.stack.stranger(stranger);
    }
}
