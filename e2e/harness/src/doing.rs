//! What a test does to the objects of its namespace, and how it reads them.

use kube::Resource;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::objects;
use crate::scope;
use crate::trial::Trial;

impl Trial {
    /// The resource behind `apiVersion` and `kind` of an object.
    fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    /// The objects of a kind of ours.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>(&self) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.client.clone(),
            &self.namespace,
            &ApiResource::erase::<K>(&()),
        )
    }

    /// Applies an object, as a pipeline would (server-side apply).
    ///
    /// # Panics
    /// Where the API server refuses it.
    pub async fn apply(&self, object: &Value) {
        if let Err(error) = self.try_apply(object).await {
            panic!("not applied: {error}\n{object:#}");
        }
    }

    /// Applies an object that the API server may refuse.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn try_apply(&self, object: &Value) -> Result<(), kube::Error> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut object = object.clone();
        if let Some(label) = self
            .label()
            .filter(|_| text(&object["apiVersion"]).contains("wazo.io"))
        {
            object["metadata"]["labels"][scope::LABEL] = label.into();
        }
        let object = &object;
        let api = self.api(&text(&object["apiVersion"]), &text(&object["kind"]));
        let params = PatchParams::apply("test").force();
        api.patch(&text(&object["metadata"]["name"]), &params, &Patch::Apply(object))
            .await
            .map(|_| ())
    }

    /// Changes an object by a merge patch.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn patch(&self, api_version: &str, kind: &str, name: &str, patch: &Value) {
        let api = self.api(api_version, kind);
        if let Err(error) = api
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
        {
            panic!("{kind} {name} not changed: {error}\n{patch:#}");
        }
    }

    /// Changes a WazoPlugin by a merge patch.
    pub async fn edit_plugin(&self, name: &str, patch: &Value) {
        self.patch("plugins.wazo.io/v1alpha1", "WazoPlugin", name, patch)
            .await;
    }

    /// Changes the WazoCore by a merge patch.
    pub async fn edit_core(&self, patch: &Value) {
        self.patch("plugins.wazo.io/v1alpha1", "WazoCore", objects::CORE, patch)
            .await;
    }

    /// Takes from a plugin its status and its ledger, and from the core its status, as a backup does that keeps specs
    /// only.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn lose_the_status(&self, plugin: &str) {
        let nothing = json!({"status": null});
        let none = json!({"plugins.wazo.io/ledger": null, "plugins.wazo.io/ledger-mark": null});
        let ledger = json!({"metadata": {"annotations": none}});
        self.edit_plugin(plugin, &ledger).await;
        for (kind, name) in [("WazoPlugin", plugin), ("WazoCore", objects::CORE)] {
            let api = self.api("plugins.wazo.io/v1alpha1", kind);
            let params = PatchParams::default();
            if let Err(error) = api.patch_status(name, &params, &Patch::Merge(&nothing)).await {
                panic!("the status of {kind} {name} is not taken away: {error}");
            }
        }
    }

    /// Asks for an object's deletion.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn delete(&self, api_version: &str, kind: &str, name: &str) {
        let api = self.api(api_version, kind);
        if let Err(error) = api.delete(name, &DeleteParams::default()).await {
            panic!("{kind} {name} not deleted: {error}");
        }
    }

    /// Asks for the deletion of an object that may be gone already.
    ///
    /// # Panics
    /// Where the API server fails.
    pub async fn delete_what_is_left(&self, api_version: &str, kind: &str, name: &str) {
        match self
            .api(api_version, kind)
            .delete(name, &DeleteParams::default())
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{kind} {name} not deleted: {error}"),
            Ok(_) => {}
        }
    }

    /// Asks for a plugin's deletion.
    pub async fn delete_plugin(&self, name: &str) {
        self.delete("plugins.wazo.io/v1alpha1", "WazoPlugin", name).await;
    }

    /// An object as it is now, if it is there.
    ///
    /// # Panics
    /// Where the API server fails.
    pub async fn get(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        match self.api(api_version, kind).get_opt(name).await {
            Ok(object) => object.map(|object| serde_json::to_value(object).unwrap_or(Value::Null)),
            Err(error) => panic!("{kind} {name} not read: {error}"),
        }
    }

    /// All objects of a kind.
    ///
    /// # Panics
    /// Where the API server fails.
    pub async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        match self.api(api_version, kind).list(&ListParams::default()).await {
            Ok(list) => list
                .into_iter()
                .filter_map(|object| serde_json::to_value(object).ok())
                .collect(),
            Err(error) => panic!("{kind} not listed: {error}"),
        }
    }
}
