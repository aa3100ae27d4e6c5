//! The key that marks the ledgers of a core's plugins: random, in a Secret beside the WazoCore, made when its first
//! plugin comes. It has no owner: a WazoCore that was restored from a backup finds it under its own name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Secret as SecretObject;
use kube::api::PostParams;
use kube::{Api, Resource};
use serde_json::json;

use super::context::Context;
use super::copies;
use super::cores::is_kept;
use super::pass::PassError;
use crate::api::core::WazoCore;
use crate::api::names::{FINALIZER, LEDGER_KEY_TYPE, LEDGER_MARK_ANNOTATION, MANAGED_BY};
use crate::api::object::Raw;
use crate::api::plugin::WazoPlugin;
use crate::api::reason::Reason;
use crate::apply::{ApplyError, refused_secret};
use crate::keys::CoreKey;
use crate::observe::facts::Unusable;
use crate::observe::ledger_mark::{KEY_BYTES, LedgerKey};
use crate::observe::references::{LEDGER_KEY, ledger_key_name, ledger_key_of};
use crate::report::events;

/// What leads to the Secret: the name of the WazoCore.
const FIELD: &str = "metadata.name";

/// The keys that this process knows: one whose Secret is taken away is written again.
#[derive(Debug, Default)]
pub(super) struct LedgerKeys {
    known: Mutex<HashMap<CoreKey, LedgerKey>>,
}

impl LedgerKeys {
    fn get(&self, core: &CoreKey) -> Option<LedgerKey> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(core).cloned()
    }

    fn note(&self, core: &CoreKey, key: &LedgerKey) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(core.clone(), key.clone());
    }

    fn forget(&self, core: &CoreKey) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(core);
    }
}

fn api(context: &Context, core: &CoreKey) -> Api<SecretObject> {
    Api::namespaced(context.applier.client.clone(), &core.namespace)
}

/// The key of a core; `None`: nobody needs one yet. The error within: why it cannot be had.
pub(super) async fn read(
    core: &Raw<WazoCore>,
    context: &Context,
    plugins: &[std::sync::Arc<Raw<WazoPlugin>>],
) -> Result<Result<Option<LedgerKey>, Unusable>, PassError> {
    let (of, keys) = (core.key(), &context.ledger_keys);
    let name = ledger_key_name(&of);
    let found = match api(context, &of).get_opt(&name).await {
        Ok(found) => found,
        Err(error) => return why_not(error),
    };
    if let Some(found) = found {
        return Ok(match ledger_key_of(&found) {
            Some(key) => {
                keys.note(&of, &key);
                Ok(Some(key))
            }
            None => Err(taken(&name)),
        });
    }
    let known = keys.get(&of);
    let lost = known.is_none() && plugins.iter().any(|plugin| is_marked(plugin));
    let key = match known {
        Some(key) => key,
        None => LedgerKey::new(&random()?),
    };
    // What is on its way out gets nothing new beside it: for so long the key stands in no Secret.
    let ends = core.meta().deletion_timestamp.is_some();
    if !ends {
        if !is_kept(core) {
            return Ok(Ok(None));
        }
        match api(context, &of)
            .create(&PostParams::default(), &object(&name, &key))
            .await
        {
            Ok(_) if lost => context.tell(core, vec![events::ledger_key_lost(&name)]).await,
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.message.contains("being terminated") => {}
            Err(error) => return why_not(error),
        }
    }
    keys.note(&of, &key);
    Ok(Ok(Some(key)))
}

fn is_marked(plugin: &Raw<WazoPlugin>) -> bool {
    let annotations = plugin.meta().annotations.as_ref();
    annotations.is_some_and(|all| all.contains_key(LEDGER_MARK_ANNOTATION))
}

fn random() -> Result<[u8; KEY_BYTES], PassError> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| PassError::Random(error.to_string()))?;
    Ok(bytes)
}

fn object(name: &str, key: &LedgerKey) -> SecretObject {
    let secret = json!({
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": MANAGED_BY},
            "finalizers": [FINALIZER],
        },
        "type": LEDGER_KEY_TYPE,
        "immutable": true,
        "stringData": {LEDGER_KEY: key.text().expose()},
    });
    serde_json::from_value(secret).unwrap_or_default()
}

fn taken(name: &str) -> Unusable {
    Unusable {
        reason: Reason::NameTaken,
        message: format!(
            "a Secret \"{name}\" exists that the operator did not make: the key that marks the ledgers of the plugins \
             has its place there"
        ),
        field: FIELD.into(),
    }
}

fn why_not(error: kube::Error) -> Result<Result<Option<LedgerKey>, Unusable>, PassError> {
    match refused_secret(&error) {
        Some((reason, message)) => Ok(Err(Unusable {
            reason,
            message: format!("the key that marks the ledgers of the plugins cannot be had: {message}"),
            field: FIELD.into(),
        })),
        None => Err(ApplyError::from(error).into()),
    }
}

/// Lets the key go, before its core goes: no plugin is left that has a ledger.
pub(super) async fn remove(core: &Raw<WazoCore>, context: &Context) -> Result<(), kube::Error> {
    let of = core.key();
    context.ledger_keys.forget(&of);
    let api = api(context, &of);
    match api.get_opt(&ledger_key_name(&of)).await? {
        Some(found) if ledger_key_of(&found).is_some() => copies::let_go(&api, found).await,
        _ => Ok(()),
    }
}
