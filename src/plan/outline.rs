//! What would stand in the core for a plugin, told without a cluster and without the core: what `render` prints. Uuids
//! that only the stack can tell are left open.

use serde::Serialize;

use crate::api::core::WazoCoreSpec;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{AccountRegistration, Audience, RegistrationKind, Tenants, TenantsFrom, Verify};
use crate::keys::{CoreKey, PluginKey};

/// One registration as it would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlined {
    /// The core: `namespace/name` of the WazoCore.
    pub core: String,
    /// What kind it is.
    pub kind: RegistrationKind,
    /// The entry's name; the plugin's for an account.
    pub name: String,
    /// In which tenants, in words: `the tenant of the core`, or uuids.
    pub tenants: Vec<String>,
    /// What has to be true first.
    pub after: &'static str,
    /// What the core holds then.
    pub holds: String,
    /// The objects of the core that are read and, where they differ, written.
    pub objects: Vec<String>,
}

/// Everything that would stand in the core for a plugin, in the order in which it is made. `core` is the spec of its
/// WazoCore.
#[must_use]
pub fn outline(key: &PluginKey, plugin: &Plugin, core: &WazoCoreSpec) -> Vec<Outlined> {
    let reference = &plugin.spec.core_ref;
    let namespace = reference.namespace.as_ref().unwrap_or(&key.namespace);
    let core_key = CoreKey::new(namespace.clone(), reference.name.clone()).to_string();
    let tenants = tenants(plugin.spec.tenants.as_ref());
    let account = plugin
        .spec
        .account()
        .map(|wanted| account(&core_key, key, wanted));
    let ui = plugin.ui.iter().map(|entry| Outlined {
        core: core_key.clone(),
        kind: RegistrationKind::UiApplication,
        name: entry.entry.name.clone(),
        tenants: tenants.clone(),
        after: match plugin.spec.verify() {
            Verify::Public => "the manifest is verified at its public address",
            Verify::Service => "the manifest is verified at its Service in the cluster",
            Verify::None => "the route is accepted and the pods run",
        },
        holds: format!("{} in configuration.manifest_urls", entry.manifest_url),
        objects: objects(entry, &core.applications(entry.entry.product)),
    });
    account.into_iter().chain(ui).collect()
}

fn tenants(tenants: Option<&Tenants>) -> Vec<String> {
    let of_core = || "the tenant of the core".to_owned();
    match tenants.map(|tenants| (tenants.from, tenants.list.as_deref().unwrap_or_default())) {
        None | Some((TenantsFrom::Core, _)) => vec![of_core()],
        Some((TenantsFrom::Descendants, _)) => vec![of_core(), "every tenant below it".to_owned()],
        Some((TenantsFrom::List, list)) => list.iter().map(|tenant| tenant.uuid.clone()).collect(),
    }
}

/// An entry for users is an object of each of them, beside the tenant's.
fn objects(entry: &UiEntry, applications: &[String]) -> Vec<String> {
    let users = |audience: &Audience| {
        let users = audience.users.as_deref().unwrap_or_default();
        let place = |user: &str, app: &String| format!("confd /users/{user}/external/apps/{app}");
        users
            .iter()
            .flat_map(|user| {
                applications
                    .iter()
                    .map(|app| place(&user.uuid, app))
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    let of_tenant = || {
        applications
            .iter()
            .map(|app| format!("confd /external/apps/{app}"))
            .collect()
    };
    match &entry.entry.audience {
        Some(audience) if audience.users.is_some() => users(audience),
        _ => of_tenant(),
    }
}

fn account(core: &str, key: &PluginKey, wanted: &AccountRegistration) -> Outlined {
    let of_core = || "the tenant of the core".to_owned();
    let rights = wanted.acl.as_deref().unwrap_or_default();
    let secret = wanted
        .secret_name
        .clone()
        .unwrap_or_else(|| format!("{}-core", key.name));
    Outlined {
        core: core.to_owned(),
        kind: RegistrationKind::Account,
        name: key.name.clone(),
        tenants: vec![wanted.tenant.clone().unwrap_or_else(of_core)],
        after: "nothing: the pods wait for it",
        holds: match rights {
            [] => format!("a user without rights of his own; his password in the Secret {secret}"),
            rights => format!(
                "a user who may {}; his password in the Secret {secret}",
                rights.join(", ")
            ),
        },
        objects: vec![
            "auth /users/{uuid} named wazo-plugin-{uuid}".to_owned(),
            "auth /policies/wazo-plugin-{uuid}".to_owned(),
            "auth /users/{uuid}/policies/{uuid}".to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Outlined, outline};
    use crate::api::core::WazoCoreSpec;
    use crate::api::parse::Plugin;
    use crate::keys::PluginKey;

    fn outlined(mut spec: Value, ui: Value) -> Vec<Outlined> {
        spec["coreRef"] = json!({"name": "production", "namespace": "wazo-cores"});
        spec["workload"] = json!({"image": "registry.example/crm:1.0", "port": 8080});
        spec["expose"] = json!({"host": "crm.acme.example", "gateway": {"name": "public"}});
        let plugin = Plugin::parse(serde_json::from_value(spec).unwrap()).unwrap();
        let core = json!({"url": "https://core.example", "credentials": {"secretName": "c"}, "ui": ui});
        let core: WazoCoreSpec = serde_json::from_value(core).unwrap();
        outline(&PluginKey::new("acme", "crm"), &plugin, &core)
    }

    fn ui(more: Value) -> Value {
        let mut entry = json!({"name": "panel", "product": "App", "manifest": "/manifest.json"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"registrations": {"ui": [entry]}})
    }

    #[test]
    fn a_panel_stands_in_every_application_of_its_product() {
        let rows = outlined(ui(json!({})), json!({}));
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].core, "wazo-cores/production");
        assert_eq!(rows[0].tenants, ["the tenant of the core"]);
        assert!(
            rows[0]
                .holds
                .starts_with("https://crm.acme.example/manifest.json ")
        );
        let usual = [
            "confd /external/apps/wazo-euc-application-desktop",
            "confd /external/apps/wazo-euc-application-web",
        ];
        assert_eq!(rows[0].objects, usual);
        let named = outlined(ui(json!({})), json!({"applications": {"app": ["one"]}}));
        assert_eq!(named[0].objects, ["confd /external/apps/one"]);
    }

    #[test]
    fn a_panel_of_users_stands_in_an_object_of_each() {
        let user = "11111111-1111-4111-8111-111111111111";
        let audience = json!({"audience": {"from": "Users", "users": [{"uuid": user}]}, "product": "Mobile"});
        let rows = outlined(ui(audience), json!({}));
        let object = format!("confd /users/{user}/external/apps/wazo-euc-application-mobile");
        assert_eq!(rows[0].objects, [object]);
    }

    #[test]
    fn an_account_comes_before_all_else_and_shows_its_rights() {
        let mut spec = ui(json!({}));
        spec["registrations"]["account"] = json!({"acl": ["confd.users.read"]});
        spec["tenants"] = json!({"from": "Descendants"});
        let rows = outlined(spec, json!({}));
        assert_eq!(rows.len(), 2);
        assert!(rows[0].holds.contains("may confd.users.read") && rows[0].holds.contains("Secret crm-core"));
        assert_eq!(
            rows[0].tenants,
            ["the tenant of the core"],
            "an account is in one tenant"
        );
        assert_eq!(
            rows[1].tenants,
            ["the tenant of the core", "every tenant below it"]
        );
    }
}
