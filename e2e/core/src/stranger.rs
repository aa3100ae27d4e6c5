//! Somebody else who writes external apps: an administrator, another program.

use serde_json::{Map, Value, json};

use crate::confd::apps::effect;
use crate::journal::{Effect, EffectKind};
use crate::seed::Application;
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
}

impl Stranger {
    fn key(&self) -> (String, String) {
        match self {
            Self::Put(app) => (app.tenant.clone(), app.name.clone()),
            Self::Merge { tenant, name, .. }
            | Self::AddUrl { tenant, name, .. }
            | Self::Delete { tenant, name } => (tenant.clone(), name.clone()),
        }
    }

    /// Does it; tells the method that it took and what came of it.
    pub(crate) fn act(&self, world: &mut World) -> (&'static str, String, Effect) {
        let key = self.key();
        let (tenant, name) = key.clone();
        let before = world.apps.get(&key).cloned();
        let after = self.result(before.clone(), tenant.clone(), name.clone());
        let (method, kind) = match (&before, &after) {
            (None, None) => ("DELETE", EffectKind::None),
            (None, Some(_)) => ("POST", EffectKind::Created),
            (Some(_), Some(_)) => ("PUT", EffectKind::Changed),
            (Some(_), None) => ("DELETE", EffectKind::Deleted),
        };
        let effect = effect(kind, &tenant, &name, before.as_ref(), after.as_ref());
        match after {
            Some(app) => drop(world.apps.insert(key, app)),
            None => drop(world.apps.remove(&key)),
        }
        (method, name, effect)
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
            Self::Delete { .. } => return None,
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
