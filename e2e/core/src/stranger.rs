//! Somebody else who writes external apps: an administrator, another program.

use serde_json::{Map, Value, json};

use crate::call::encode;
use crate::confd::apps::effect;
use crate::confd::user_apps;
use crate::journal::{Effect, EffectKind};
use crate::seed::{Application, UserApplication};
use crate::world::World;

/// One act of a stranger on one external app.
#[derive(Clone, Debug, PartialEq)]
pub enum Stranger {
    /// Puts the app as a whole, making it if it is not there.
    Put(Application),
    /// Puts keys into the app's `configuration`, leaving the other keys.
    Merge {
        /// The tenant's uuid.
        tenant: String,
        /// The app's name.
        name: String,
        /// The keys and their values.
        configuration: Map<String, Value>,
    },
    /// Adds a URL at the end of `configuration.manifest_urls`.
    AddUrl {
        /// The tenant's uuid.
        tenant: String,
        /// The app's name.
        name: String,
        /// The URL.
        url: String,
    },
    /// Deletes the app.
    Delete {
        /// The tenant's uuid.
        tenant: String,
        /// The app's name.
        name: String,
    },
    /// Puts an app of one user as a whole, making it if it is not there.
    PutOfUser(UserApplication),
    /// Deletes an app of one user.
    DeleteOfUser {
        /// The user's uuid.
        user: String,
        /// The app's name.
        name: String,
    },
}

impl Stranger {
    /// Tenant or user, and the name.
    fn key(&self) -> (String, String) {
        match self {
            Self::Put(app) => (app.tenant.clone(), app.name.clone()),
            Self::PutOfUser(app) => (app.user.clone(), app.name.clone()),
            Self::Merge { tenant: of, name, .. }
            | Self::AddUrl { tenant: of, name, .. }
            | Self::Delete { tenant: of, name }
            | Self::DeleteOfUser { user: of, name } => (of.clone(), name.clone()),
        }
    }

    /// Does it; tells the method and the path at confd that it took, and what came of it.
    pub(crate) fn act(&self, world: &mut World) -> (&'static str, String, Effect) {
        let key = self.key();
        match self {
            Self::PutOfUser(app) => return act_on_user(world, key, Some(app.clone())),
            Self::DeleteOfUser { .. } => return act_on_user(world, key, None),
            _ => {}
        }
        let (tenant, name) = key.clone();
        let before = world.apps.get(&key).cloned();
        let after = self.result(before.clone(), tenant.clone(), name.clone());
        let (method, kind) = verb(before.is_some(), after.is_some());
        let effect = effect(kind, &tenant, &name, before.as_ref(), after.as_ref());
        match after {
            Some(app) => {
                world.confd_tenants.insert(tenant);
                world.apps.insert(key, app);
            }
            None => drop(world.apps.remove(&key)),
        }
        (method, format!("/1.1/external/apps/{}", encode(&name)), effect)
    }

    fn result(&self, before: Option<Application>, tenant: String, name: String) -> Option<Application> {
        let mut app = before.unwrap_or(Application {
            tenant,
            name,
            label: None,
            configuration: Value::Null,
        });
        let mut written = app.configuration.as_object().cloned().unwrap_or_default();
        match self {
            Self::Put(app) => return Some(app.clone()),
            Self::Delete { .. } | Self::PutOfUser(_) | Self::DeleteOfUser { .. } => return None,
            Self::Merge { configuration, .. } => written.extend(configuration.clone()),
            Self::AddUrl { url, .. } => {
                let urls = written.entry("manifest_urls").or_insert_with(|| json!([]));
                match urls {
                    Value::Array(urls) => urls.push(json!(url)),
                    other => *other = json!([url]),
                }
            }
        }
        app.configuration = Value::Object(written);
        Some(app)
    }
}

/// The method that it takes from one state to the other, and what that does.
fn verb(before: bool, after: bool) -> (&'static str, EffectKind) {
    match (before, after) {
        (false, false) => ("DELETE", EffectKind::None),
        (false, true) => ("POST", EffectKind::Created),
        (true, true) => ("PUT", EffectKind::Changed),
        (true, false) => ("DELETE", EffectKind::Deleted),
    }
}

fn act_on_user(
    world: &mut World,
    key: (String, String),
    after: Option<UserApplication>,
) -> (&'static str, String, Effect) {
    let before = world.user_apps.get(&key).cloned();
    let (method, kind) = verb(before.is_some(), after.is_some());
    let effect = user_apps::effect(kind, &key.0, &key.1, before.as_ref(), after.as_ref());
    let path = format!("/1.1/users/{}/external/apps/{}", key.0, encode(&key.1));
    match after {
        Some(app) => drop(world.user_apps.insert(key, app)),
        None => drop(world.user_apps.remove(&key)),
    }
    (method, path, effect)
}
