//! The copy of a core's credentials: a Secret beside the WazoCore, under our finalizer, that holds what last worked. So
//! plugins are deregistered although somebody deleted the credentials first, as the deletion of a whole folder of
//! manifests does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Secret as SecretObject;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Resource};
use serde_json::{Value, json};

use super::context::Context;
use crate::api::core::WazoCore;
use crate::api::names::{COPY_TYPE, FINALIZER, MANAGED_BY};
use crate::api::object::Raw;
use crate::api_error::told;
use crate::core::CoreSettings;
use crate::core::facts::SessionFact;
use crate::keys::CoreKey;
use crate::observe::references::{copy_name, is_copy_of};

/// The settings of which this process knows that the copy holds them.
#[derive(Debug, Default)]
pub(super) struct Copies {
    kept: Mutex<HashMap<CoreKey, CoreSettings>>,
}

impl Copies {
    fn holds(&self, settings: &CoreSettings) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&settings.key)
            .is_some_and(|kept| data(kept) == data(settings))
    }

    fn note(&self, settings: &CoreSettings) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(settings.key.clone(), settings.clone());
    }

    fn forget(&self, key: &CoreKey) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(key);
    }
}

fn api(context: &Context, core: &Raw<WazoCore>) -> Api<SecretObject> {
    Api::namespaced(context.applier.client.clone(), &core.key().namespace)
}

fn data(settings: &CoreSettings) -> Value {
    let ca_pem = settings.ca_pem.as_deref().map(String::from_utf8_lossy);
    json!({
        "url": settings.url.to_string(),
        "username": settings.username,
        "password": settings.password.expose(),
        "ca.crt": ca_pem.unwrap_or_default(),
    })
}

/// Keeps the copy equal to settings with which the core lets us in. What cannot be written now is written by a later
/// pass: nothing waits for it.
pub(super) async fn keep(core: &Raw<WazoCore>, context: &Context, settings: &CoreSettings) {
    let facts = context.applier.cores.facts(&settings.key);
    let works = facts.is_some_and(|facts| {
        matches!(facts.session, SessionFact::LoggedIn(_)) && facts.stack_changed.is_none()
    });
    if !works || context.copies.holds(settings) {
        return;
    }
    match write(core, context, settings).await {
        Ok(()) => context.copies.note(settings),
        Err(error) => {
            let error = told(&error);
            tracing::warn!(core = %settings.key, error, "the copy of the credentials is not written");
        }
    }
}

async fn write(core: &Raw<WazoCore>, context: &Context, settings: &CoreSettings) -> Result<(), kube::Error> {
    let api = api(context, core);
    let name = copy_name(core);
    let wanted = object(core, settings);
    let params = PostParams::default();
    match api.get_opt(&name).await? {
        None => api.create(&params, &wanted).await.map(|_| ()),
        Some(found) if !is_copy_of(core, &found) => {
            tracing::warn!(core = %settings.key, secret = %name, "a Secret of somebody else has the name of the copy");
            Ok(())
        }
        Some(found) => {
            let mut whole = wanted;
            if found.data == data_of(&whole) && found.metadata.finalizers == whole.metadata.finalizers {
                return Ok(());
            }
            whole.metadata.resource_version = found.metadata.resource_version;
            api.replace(&name, &params, &whole).await.map(|_| ())
        }
    }
}

/// What a Secret holds once the API server has taken it.
fn data_of(secret: &SecretObject) -> Option<std::collections::BTreeMap<String, k8s_openapi::ByteString>> {
    let texts = secret.string_data.as_ref()?;
    Some(
        texts
            .iter()
            .map(|(key, text)| (key.clone(), k8s_openapi::ByteString(text.clone().into_bytes())))
            .collect(),
    )
}

fn object(core: &Raw<WazoCore>, settings: &CoreSettings) -> SecretObject {
    let meta = core.meta();
    let secret = json!({
        "metadata": {
            "name": copy_name(core),
            "namespace": meta.namespace,
            "labels": {"app.kubernetes.io/managed-by": MANAGED_BY},
            "finalizers": [FINALIZER],
            "ownerReferences": [{
                "apiVersion": "plugins.wazo.io/v1alpha1", "kind": "WazoCore", "controller": true,
                "name": meta.name, "uid": meta.uid,
            }],
        },
        "type": COPY_TYPE,
        "stringData": data(settings),
    });
    serde_json::from_value(secret).unwrap_or_default()
}

/// Lets the copy go, before its core goes: afterwards nobody would.
pub(super) async fn remove(core: &Raw<WazoCore>, context: &Context) -> Result<(), kube::Error> {
    context.copies.forget(&core.key());
    let api = api(context, core);
    match api.get_opt(&copy_name(core)).await? {
        Some(found) if is_copy_of(core, &found) => let_go(&api, found).await,
        _ => Ok(()),
    }
}

/// Takes our finalizer from a Secret of ours, and deletes it.
pub(super) async fn let_go(api: &Api<SecretObject>, mut found: SecretObject) -> Result<(), kube::Error> {
    let name = found.metadata.name.clone().unwrap_or_default();
    let uid = found.metadata.uid.clone();
    let finalizers = found.metadata.finalizers.take().unwrap_or_default();
    if finalizers.iter().any(|name| name == FINALIZER) {
        let others = finalizers.into_iter().filter(|name| name != FINALIZER);
        found.metadata.finalizers = Some(others.collect());
        absent_is_fine(api.replace(&name, &PostParams::default(), &found).await)?;
    }
    let params = DeleteParams::default().preconditions(Preconditions {
        uid,
        ..Default::default()
    });
    absent_is_fine(api.delete(&name, &params).await)
}

fn absent_is_fine<T>(outcome: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match outcome {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}
