//! What a WazoCore refers to: its Secret and its ConfigMap, read by name when they are needed.

use k8s_openapi::api::core::v1::{ConfigMap, Secret as SecretObject};
use kube::{Api, Client, Resource};
use std::sync::Arc;

use crate::api::core::{ManifestUrls, WazoCore, WazoCoreSpec, WazoCoreStatus};
use crate::api::names::{
    ACCEPT_STACK_ANNOTATION, COPY_TYPE, CREDENTIALS_TYPE, LEDGER_KEY_TYPE, is_object_name,
};
use crate::api::object::Raw;
use crate::api::reason::Reason;
use crate::api::ui_manifest::Product;
use crate::core::{CoreSettings, ListForm, StackUrl};
use crate::keys::CoreKey;
use crate::observe::facts::Unusable;
use crate::observe::ledger_mark::LedgerKey;
use crate::secret::Secret;

/// Under it the key stands in its Secret.
pub const LEDGER_KEY: &str = "key";

/// What became of reading the references of a WazoCore.
pub enum Referred {
    /// Everything is there.
    Settings(Box<CoreSettings>),
    /// Something is missing or not usable.
    Unusable(Unusable),
}

fn unusable(reason: Reason, field: &'static str, message: impl Into<String>) -> Referred {
    Referred::Unusable(Unusable {
        reason,
        message: message.into(),
        field: field.into(),
    })
}

/// The name of the Secret in which we keep a copy of a core's credentials.
#[must_use]
pub fn copy_name(core: &Raw<WazoCore>) -> String {
    format!("wazocore-{}", core.meta().uid.as_deref().unwrap_or_default())
}

/// The name of the Secret with the key that marks the ledgers of a core's plugins. It is not made of a uid: a core that
/// was restored from a backup finds it.
#[must_use]
pub fn ledger_key_name(core: &CoreKey) -> String {
    /// The longest name of an object.
    const LONGEST: usize = 253;
    let name = format!("wazocore-{}-ledger-key", core.name);
    if name.len() <= LONGEST {
        return name;
    }
    let short = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, core.name.as_bytes());
    format!("wazocore-{short}-ledger-key")
}

/// The key in a Secret of ours; `None`: it is somebody else's, or holds none.
#[must_use]
pub fn ledger_key_of(secret: &SecretObject) -> Option<LedgerKey> {
    let ours = secret.type_.as_deref() == Some(LEDGER_KEY_TYPE);
    let bytes = &secret.data.as_ref()?.get(LEDGER_KEY)?.0;
    LedgerKey::read(std::str::from_utf8(bytes).ok()?).filter(|_| ours)
}

/// Whether a Secret is our copy of a core's credentials.
#[must_use]
pub fn is_copy_of(core: &Raw<WazoCore>, secret: &SecretObject) -> bool {
    let owners = secret.metadata.owner_references.iter().flatten();
    secret.type_.as_deref() == Some(COPY_TYPE)
        && owners
            .map(|owner| Some(&owner.uid))
            .any(|uid| uid == core.meta().uid.as_ref())
}

/// Reads the references of a WazoCore.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn read(client: &Client, object: &Raw<WazoCore>) -> Result<Referred, kube::Error> {
    read_from(client, object, None).await
}

/// Reads what worked last with the same URL, where the references are gone. `None`: there is no copy for it.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn read_copy(
    client: &Client,
    object: &Raw<WazoCore>,
) -> Result<Option<Box<CoreSettings>>, kube::Error> {
    let namespace = object.meta().namespace.clone().unwrap_or_default();
    let api: Api<SecretObject> = Api::namespaced(client.clone(), &namespace);
    let Some(copy) = api.get_opt(&copy_name(object)).await? else {
        return Ok(None);
    };
    if !is_copy_of(object, &copy) {
        return Ok(None);
    }
    Ok(match read_from(client, object, Some(&copy)).await? {
        Referred::Settings(settings) => Some(settings),
        Referred::Unusable(_) => None,
    })
}

async fn read_from(
    client: &Client,
    object: &Raw<WazoCore>,
    copy: Option<&SecretObject>,
) -> Result<Referred, kube::Error> {
    let spec: WazoCoreSpec = match object.spec() {
        Ok(spec) => spec,
        Err(error) => return Ok(unusable(Reason::InvalidSpec, "spec", error.to_string())),
    };
    let namespace = object.meta().namespace.clone().unwrap_or_default();
    let url = match StackUrl::try_from(spec.url.as_str()) {
        Ok(url) => url,
        Err(error) => {
            return Ok(unusable(
                Reason::InvalidSpec,
                "spec.url",
                format!("spec.url: {error}"),
            ));
        }
    };
    let Ok(tenant) = spec.tenant.as_deref().map(str::parse).transpose() else {
        return Ok(unusable(
            Reason::InvalidSpec,
            "spec.tenant",
            "spec.tenant: is not a uuid",
        ));
    };
    // The names go into paths of the API, and the operator may read Secrets of other namespaces.
    let bundle = spec
        .ca_bundle
        .as_ref()
        .map(|reference| &reference.config_map_name);
    for (field, name) in [
        ("spec.credentials.secretName", Some(&spec.credentials.secret_name)),
        ("spec.caBundle.configMapName", bundle),
    ] {
        if name.is_some_and(|name| !is_object_name(name)) {
            let problem = format!("{field}: must be the name of an object of this namespace");
            return Ok(unusable(Reason::InvalidSpec, field, problem));
        }
    }
    let authority = match copy {
        Some(copy) => Ok(Ok(authority_of(copy))),
        None => ca_bundle(client, &namespace, &spec).await,
    };
    let ca_pem = match authority {
        Ok(Ok(pem)) => pem,
        Ok(Err(referred)) => return Ok(referred),
        Err(error) => return forbidden(error, "spec.caBundle"),
    };
    let pair = match copy {
        // Never sent to another address than the one that it worked with.
        Some(copy) => Ok(pair_of(copy, "the copy", &spec)),
        None => credentials(client, &namespace, &spec).await,
    };
    let (username, password) = match pair {
        Ok(Ok(pair)) => pair,
        Ok(Err(referred)) => return Ok(referred),
        Err(error) => return forbidden(error, "spec.credentials"),
    };
    let known: WazoCoreStatus = object.status();
    let annotations = object.meta().annotations.as_ref();
    let annotation = annotations.and_then(|all| all.get(ACCEPT_STACK_ANNOTATION));
    let mut applications = spec.applications(Product::App);
    applications.extend(spec.applications(Product::Mobile));
    if let Some(name) = applications.iter().find(|name| !is_application(name)) {
        let problem = format!("spec.ui.applications: \"{name}\" is not the name of an application");
        return Ok(unusable(Reason::InvalidSpec, "spec.ui.applications", problem));
    }
    Ok(Referred::Settings(Box::new(CoreSettings {
        key: object.key(),
        url,
        ca_pem,
        username,
        password,
        tenant,
        applications,
        new_list: match spec.new_list_form() {
            ManifestUrls::List => ListForm::List,
            ManifestUrls::Text => ListForm::Text,
        },
        requests_per_second: spec
            .requests_per_second
            .and_then(|rate| u32::try_from(rate).ok())
            .unwrap_or(20),
        stack: known.stack.and_then(|stack| stack.uuid.parse().ok()),
        accepted_stack: annotation.and_then(|uuid| uuid.trim().parse().ok()),
        suspended: spec.suspend == Some(true),
    })))
}

/// A name goes into a path: what URLs give a meaning to is refused.
fn is_application(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=128).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed)
}

fn forbidden(error: kube::Error, field: &'static str) -> Result<Referred, kube::Error> {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            Ok(unusable(Reason::OperatorForbidden, field, status.message.clone()))
        }
        other => Err(other),
    }
}

type Read<T> = Result<Result<T, Referred>, kube::Error>;

async fn ca_bundle(client: &Client, namespace: &str, spec: &WazoCoreSpec) -> Read<Option<Arc<[u8]>>> {
    let Some(reference) = &spec.ca_bundle else {
        return Ok(Ok(None));
    };
    let (name, key) = (&reference.config_map_name, reference.key());
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let missing = |what: String| Ok(Err(unusable(Reason::CaBundleMissing, "spec.caBundle", what)));
    let Some(map) = api.get_opt(name).await? else {
        return missing(format!("there is no ConfigMap \"{name}\" in this namespace"));
    };
    match map.data.as_ref().and_then(|data| data.get(key)) {
        Some(pem) => Ok(Ok(Some(Arc::from(pem.as_bytes())))),
        None => missing(format!("ConfigMap \"{name}\" has no key \"{key}\"")),
    }
}

async fn credentials(client: &Client, namespace: &str, spec: &WazoCoreSpec) -> Read<(String, Secret)> {
    let name = &spec.credentials.secret_name;
    let api: Api<SecretObject> = Api::namespaced(client.clone(), namespace);
    let missing = |what: String| {
        Ok(Err(unusable(
            Reason::CredentialsMissing,
            "spec.credentials.secretName",
            what,
        )))
    };
    let Some(secret) = api.get_opt(name).await? else {
        return missing(format!("there is no Secret \"{name}\" in this namespace"));
    };
    // A Secret of another type was not made to be sent to this URL.
    if secret.type_.as_deref() != Some(CREDENTIALS_TYPE) {
        return missing(format!("Secret \"{name}\" must be of type {CREDENTIALS_TYPE}"));
    }
    Ok(pair_of(&secret, name, spec))
}

fn authority_of(copy: &SecretObject) -> Option<Arc<[u8]>> {
    let bytes = &copy.data.as_ref()?.get("ca.crt")?.0;
    (!bytes.is_empty()).then(|| Arc::from(bytes.as_slice()))
}

/// Username and password of a Secret.
fn pair_of(secret: &SecretObject, name: &str, spec: &WazoCoreSpec) -> Result<(String, Secret), Referred> {
    let missing = |what: String| {
        Err(unusable(
            Reason::CredentialsMissing,
            "spec.credentials.secretName",
            what,
        ))
    };
    let text = |key: &str| {
        let bytes = &secret.data.as_ref()?.get(key)?.0;
        String::from_utf8(bytes.clone())
            .ok()
            .filter(|text| !text.is_empty())
    };
    if let Some(url) = text("url")
        && StackUrl::try_from(url.as_str()).ok() != StackUrl::try_from(spec.url.as_str()).ok()
    {
        return missing(format!("Secret \"{name}\" is for another url than spec.url"));
    }
    match (text("username"), text("password")) {
        (Some(username), Some(password)) => Ok((username, Secret::new(password))),
        (username, _) => {
            let key = if username.is_none() {
                "username"
            } else {
                "password"
            };
            missing(format!(
                "Secret \"{name}\" has no key \"{key}\", or it is empty or no text"
            ))
        }
    }
}
