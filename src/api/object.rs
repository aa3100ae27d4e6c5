//! The form in which objects of our own kinds are watched and kept: metadata, and `spec` and `status` as JSON text.
//!
//! It is small in the store, and an object whose spec cannot be decoded is still an object: it is reported by itself
//! and stops nobody else.

use std::borrow::Cow;
use std::marker::PhantomData;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::Resource;
use kube::core::TypeMeta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::keys::Key;

/// An object of kind `K` with an undecoded `spec` and `status`.
#[derive(Clone, Debug, Serialize)]
#[serde(bound = "")]
pub struct Raw<K> {
    #[serde(flatten)]
    types: TypeMeta,
    metadata: ObjectMeta,
    #[serde(skip)]
    spec_changed: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Box<RawValue>>,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

/// The object's `spec` is not what the schema of this version says: the path of the field and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Undecodable {
    /// The path of the field, beginning with `spec`.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

impl<'de, K: Resource<DynamicType = ()>> Deserialize<'de> for Raw<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            #[serde(default)]
            metadata: ObjectMeta,
            spec: Option<Box<RawValue>>,
            status: Option<Box<RawValue>>,
        }
        let mut parts = Parts::deserialize(deserializer)?;
        let spec_changed = spec_changed(&parts.metadata);
        parts.metadata.managed_fields = None;
        if let Some(annotations) = &mut parts.metadata.annotations {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        Ok(Self {
            types: TypeMeta::resource::<K>(),
            metadata: parts.metadata,
            spec_changed,
            spec: parts.spec,
            status: parts.status,
            kind: PhantomData,
        })
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Raw<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<K: Resource<DynamicType = ()>> Raw<K> {
    /// `namespace/name`.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(
            self.metadata.namespace.as_deref().unwrap_or_default(),
            self.metadata.name.as_deref().unwrap_or_default(),
        )
    }

    /// The spec.
    ///
    /// # Errors
    /// Where a field has not the type that it should have, or is missing: its path, and what was expected.
    pub fn spec<S: DeserializeOwned>(&self) -> Result<S, Undecodable> {
        let text = self.spec.as_ref().map_or("null", |spec| spec.get());
        let mut deserializer = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." {
                "spec".to_owned()
            } else {
                format!("spec.{path}")
            };
            Undecodable {
                path,
                problem: without_position(&error.into_inner().to_string()),
            }
        })
    }

    /// When somebody last changed the spec, as the API server keeps it (`metadata.managedFields`); what only a
    /// subresource changed, such as the replicas, does not count.
    #[must_use]
    pub const fn spec_changed(&self) -> Option<Timestamp> {
        self.spec_changed
    }

    /// The status that we wrote last; empty where there is none, or where it was not written by a version that we
    /// understand: it is written anew then.
    #[must_use]
    pub fn status<S: DeserializeOwned + Default>(&self) -> S {
        self.status
            .as_ref()
            .and_then(|status| serde_json::from_str(status.get()).ok())
            .unwrap_or_default()
    }

    /// The status as it stands, as JSON; null where there is none.
    #[must_use]
    pub fn status_value(&self) -> serde_json::Value {
        self.status
            .as_ref()
            .and_then(|status| serde_json::from_str(status.get()).ok())
            .unwrap_or(serde_json::Value::Null)
    }

    /// The same object with another status.
    ///
    /// # Errors
    /// When the status cannot be written as JSON.
    pub fn with_status<S: Serialize>(&self, status: &S) -> Result<Self, serde_json::Error>
    where
        K: 'static,
    {
        Ok(Self {
            types: self.types.clone(),
            metadata: self.metadata.clone(),
            spec_changed: self.spec_changed,
            spec: self.spec.clone(),
            status: Some(serde_json::value::to_raw_value(status)?),
            kind: PhantomData,
        })
    }

    /// The bytes that this object takes in a store, about: the struct and the texts behind it.
    #[must_use]
    pub fn footprint(&self) -> usize {
        let metadata = serde_json::to_string(&self.metadata).map_or(0, |text| text.len());
        size_of::<Self>()
            + metadata
            + self.spec.as_ref().map_or(0, |spec| spec.get().len())
            + self.status.as_ref().map_or(0, |status| status.get().len())
    }
}

fn spec_changed(meta: &ObjectMeta) -> Option<Timestamp> {
    let of_spec = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref();
        entry.subresource.as_deref().unwrap_or_default().is_empty()
            && fields.is_some_and(|fields| fields.0.get("f:spec").is_some())
    };
    let entries = meta.managed_fields.iter().flatten().filter(of_spec);
    entries.filter_map(|entry| Some(entry.time.as_ref()?.0)).max()
}

/// serde_json ends its messages with the position in a text that the user never sees.
fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

#[cfg(test)]
mod tests {
    use super::Raw;
    use crate::api::plugin::{WazoPlugin, WazoPluginSpec, WazoPluginStatus};

    fn plugin(spec: &str) -> Raw<WazoPlugin> {
        serde_json::from_str(&format!(
            r#"{{"apiVersion":"plugins.wazo.io/v1alpha1","kind":"WazoPlugin","metadata":{{"name":"a","namespace":"b",
            "managedFields":[{{"manager":"x"}}]}},"spec":{spec}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named_by_its_path() {
        let error = plugin(r#"{"coreRef":{"name":"c"},"workload":{"image":"i","port":"eighty"}}"#)
            .spec::<WazoPluginSpec>()
            .unwrap_err();
        assert_eq!(error.path, "spec.workload.port");
        assert!(error.problem.contains("invalid type: string"), "{error}");
    }

    #[test]
    fn the_last_change_of_the_spec_is_that_of_the_youngest_manager_of_a_field_of_it() {
        let entry = |time: &str, fields: &str, subresource: &str| {
            format!(
                r#"{{"manager":"m","time":"{time}","fieldsType":"FieldsV1","fieldsV1":{{"{fields}":{{}}}},"subresource":"{subresource}"}}"#
            )
        };
        let object: Raw<WazoPlugin> = serde_json::from_str(&format!(
            r#"{{"metadata":{{"name":"a","managedFields":[{},{},{},{}]}}}}"#,
            entry("2026-01-01T00:00:00Z", "f:spec", ""),
            entry("2026-01-02T00:00:00Z", "f:spec", ""),
            entry("2026-01-03T00:00:00Z", "f:metadata", ""),
            entry("2026-01-04T00:00:00Z", "f:spec", "scale"),
        ))
        .unwrap();
        assert_eq!(
            object.spec_changed(),
            Some("2026-01-02T00:00:00Z".parse().unwrap())
        );
    }

    #[test]
    fn managed_fields_are_not_kept_and_a_missing_status_is_empty() {
        let object = plugin(r#"{"coreRef":{"name":"c"},"workload":{"image":"i","port":80}}"#);
        assert!(kube::Resource::meta(&object).managed_fields.is_none());
        assert_eq!(object.status::<WazoPluginStatus>(), WazoPluginStatus::default());
        assert_eq!(object.key().to_string(), "b/a");
        let text = serde_json::to_string(&object).unwrap();
        assert!(text.contains(r#""kind":"WazoPlugin""#), "{text}");
    }
}
