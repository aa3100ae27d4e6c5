//! Good and bad manifests against the real API server. Each bad one is refused when it is applied, with the path of the
//! field and what to write instead, or it is accepted and named in the status by the operator; the expectation stands
//! with each manifest, in `schema/`.

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::ApiResource;
use serde::Deserialize;
use serde_json::{Value, json};
use wazo_e2e::objects::{core_at, plugin};
use wazo_e2e::trial::{Trial, trial};
use wazo_plugin_operator::api::core::{WazoCore, WazoCoreSpec};
use wazo_plugin_operator::api::object::Raw;
use wazo_plugin_operator::api::parse::{Invalid, Plugin, check_name};
use wazo_plugin_operator::api::plugin::{WazoPlugin, WazoPluginSpec};
use wazo_plugin_operator::core::StackUrl;

const PLUGINS: &str = include_str!("schema/plugins.yaml");
const CORES: &str = include_str!("schema/cores.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    set: serde_json::Map<String, Value>,
    by: By,
    #[serde(default)]
    at: String,
    #[serde(default)]
    says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Nobody,
    Schema,
    Operator,
}

/// What became of a manifest.
#[derive(Debug)]
enum Answer {
    Taken,
    Refused(String),
    Named(Invalid),
}

fn manifests(text: &str) -> Vec<Manifest> {
    let list: Vec<Manifest> = serde_yaml::from_str(text).expect("the table is YAML");
    let mut names: Vec<&str> = list.iter().map(|manifest| manifest.name.as_str()).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "a name stands twice");
    list
}

/// Sets a field, and makes what is missing on the way; `{"long": n}` is a text of that length.
fn set(object: &mut Value, pointer: &str, value: &Value) {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    if object.pointer(parent).is_none() {
        set(object, parent, &json!({}));
    }
    let parent = object.pointer_mut(parent).expect("it was made");
    let value = match value["long"].as_u64() {
        Some(length) => json!("x".repeat(usize::try_from(length).expect("a short text"))),
        None => value.clone(),
    };
    match parent {
        Value::Array(items) => {
            let index: usize = field.parse().expect("an index");
            if index == items.len() {
                items.push(value);
            } else {
                items[index] = value;
            }
        }
        Value::Object(fields) if value.is_null() => {
            fields.remove(field);
        }
        _ => parent[field] = value,
    }
}

fn made(mut object: Value, manifest: &Manifest) -> Value {
    for (pointer, value) in &manifest.set {
        set(&mut object, pointer, value);
    }
    object
}

/// What a pipeline is told that applies it, without anything being stored.
async fn applied(api: &Api<DynamicObject>, object: &Value) -> Result<DynamicObject, String> {
    let params = PatchParams {
        dry_run: true,
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::apply("test")
    };
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    api.patch(name, &params, &Patch::Apply(object))
        .await
        .map_err(|error| match error {
            kube::Error::Api(status) => status.message.clone(),
            other => panic!("{other}"),
        })
}

fn parsed_plugin(object: DynamicObject) -> Result<(), Invalid> {
    let object: Raw<WazoPlugin> = serde_json::from_value(serde_json::to_value(object).unwrap()).unwrap();
    check_name(&object.key().name)?;
    Plugin::parse(object.spec::<WazoPluginSpec>()?).map(|_| ())
}

fn parsed_core(object: DynamicObject) -> Result<(), Invalid> {
    let object: Raw<WazoCore> = serde_json::from_value(serde_json::to_value(object).unwrap()).unwrap();
    let spec = object.spec::<WazoCoreSpec>()?;
    StackUrl::try_from(spec.url.as_str())
        .map(|_| ())
        .map_err(|error| Invalid::new("spec.url", error.to_string()))
}

async fn judged<K: kube::Resource<DynamicType = ()>>(
    trial: &Trial,
    table: &str,
    base: Value,
    parsed: impl Fn(DynamicObject) -> Result<(), Invalid>,
) {
    let resource = ApiResource::erase::<K>(&());
    let api = Api::namespaced_with(trial.client().clone(), trial.namespace(), &resource);
    let mut wrong = Vec::new();
    for manifest in manifests(table) {
        let object = made(base.clone(), &manifest);
        let answer = match applied(&api, &object).await {
            Err(message) => Answer::Refused(message),
            Ok(taken) => parsed(taken).map_or_else(Answer::Named, |()| Answer::Taken),
        };
        let right = match (&answer, manifest.by) {
            (Answer::Taken, By::Nobody) => true,
            (Answer::Refused(message), By::Schema) => {
                message.contains(&manifest.at) && message.contains(&manifest.says)
            }
            (Answer::Named(invalid), By::Operator) => {
                (manifest.at.is_empty() || invalid.path == manifest.at)
                    && invalid.problem.contains(&manifest.says)
            }
            _ => false,
        };
        if !right {
            wrong.push(format!(
                "{}: by {:?}, at {:?}, {:?} was expected: {answer:?}",
                manifest.name, manifest.by, manifest.at, manifest.says
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} manifests:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_wazoplugin_of_the_table_is_taken_or_refused_as_it_says() {
    trial(async |trial: &mut Trial| {
        judged::<WazoPlugin>(trial, PLUGINS, plugin("corpus"), parsed_plugin).await;
    });
}

#[test]
fn every_wazocore_of_the_table_is_taken_or_refused_as_it_says() {
    trial(async |trial: &mut Trial| {
        judged::<WazoCore>(trial, CORES, core_at("https://core.example"), parsed_core).await;
    });
}

#[test]
fn the_tables_hold_at_least_120_manifests_most_of_them_bad() {
    let all: Vec<Manifest> = [PLUGINS, CORES].into_iter().flat_map(manifests).collect();
    let bad = all.iter().filter(|manifest| manifest.by != By::Nobody).count();
    assert!(
        all.len() >= 120 && bad >= 90,
        "{} manifests, {bad} of them bad",
        all.len()
    );
}
