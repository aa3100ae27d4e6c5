//! From a field of the Deployment that the API server refuses to the field of the WazoPlugin that it was made of.

use serde_json::Value;

use crate::api::pod_template::PATH;
use crate::observe::map::CONTAINER;
use crate::observe::world::World;

/// The first of some refused fields that stands in the WazoPlugin.
#[must_use]
pub fn first(deployment: &Value, world: &World, refused: &[String]) -> Option<String> {
    let template = world.itself.plugin.as_ref().ok()?.pod_template.as_ref();
    refused.iter().find_map(|path| field(deployment, template, path))
}

/// The field of the WazoPlugin behind a field of its Deployment.
fn field(deployment: &Value, template: Option<&Value>, path: &str) -> Option<String> {
    if path == "spec.replicas" {
        return Some("spec.workload.replicas".to_owned());
    }
    let rest = path.strip_prefix("spec.template.")?;
    for list in ["containers", "initContainers"] {
        let Some((index, within)) = item(rest, &format!("spec.{list}")) else {
            continue;
        };
        let name = &deployment["spec"]["template"]["spec"][list][index]["name"];
        if list == "containers"
            && name == CONTAINER
            && let Some(path) = of_plugin(within)
        {
            return Some(path);
        }
        let asked = template.and_then(|template| template["spec"][list].as_array());
        let index = asked?.iter().position(|container| container["name"] == *name)?;
        return Some(format!("{PATH}.spec.{list}[{index}]{within}"));
    }
    let own = [
        "imagePullSecrets",
        "serviceAccountName",
        "securityContext.fsGroup",
    ];
    let own = own.into_iter().find(|field| {
        rest.strip_prefix("spec.")
            .is_some_and(|rest| rest.starts_with(field))
    });
    Some(match own {
        Some(_) => format!("spec.workload.{}", rest.trim_start_matches("spec.")),
        None => format!("{PATH}.{rest}"),
    })
}

/// The index and what is behind it, of `list[index]…`.
fn item<'a>(path: &'a str, list: &str) -> Option<(usize, &'a str)> {
    let (index, within) = path.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, within))
}

/// The field of `spec.workload` behind a field of the plugin's container; `None`: it is of the template.
fn of_plugin(within: &str) -> Option<String> {
    let within = within.strip_prefix('.')?;
    let field = within.split(['.', '[']).next()?;
    let path = match field {
        "image" | "command" | "args" | "env" | "envFrom" | "resources" => within,
        "readinessProbe" => "readiness.path",
        "startupProbe" => "startup.timeout",
        "ports" => "port",
        "securityContext" => {
            let ours = ["runAsUser", "runAsGroup", "readOnlyRootFilesystem"];
            within
                .strip_prefix("securityContext.")
                .filter(|field| ours.contains(field))
                .map(|_| within)?
        }
        _ => return None,
    };
    Some(format!("spec.workload.{path}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::field;

    #[test]
    fn a_refused_field_of_the_deployment_is_one_of_the_plugin() {
        let deployment = json!({"spec": {"template": {"spec": {
            "containers": [{"name": "plugin"}, {"name": "side"}], "initContainers": [{"name": "init"}],
        }}}});
        let template = json!({"spec": {"containers": [{"name": "side"}, {"name": "plugin"}], "initContainers": [{"name": "init"}]}});
        for (refused, expected) in [
            ("spec.replicas", Some("spec.workload.replicas")),
            (
                "spec.template.spec.containers[0].image",
                Some("spec.workload.image"),
            ),
            (
                "spec.template.spec.containers[0].env[2].name",
                Some("spec.workload.env[2].name"),
            ),
            (
                "spec.template.spec.containers[0].resources.requests",
                Some("spec.workload.resources.requests"),
            ),
            (
                "spec.template.spec.containers[0].ports[0].containerPort",
                Some("spec.workload.port"),
            ),
            (
                "spec.template.spec.containers[0].startupProbe.failureThreshold",
                Some("spec.workload.startup.timeout"),
            ),
            (
                "spec.template.spec.containers[0].securityContext.runAsUser",
                Some("spec.workload.securityContext.runAsUser"),
            ),
            (
                "spec.template.spec.containers[0].livenessProbe.httpGet.port",
                Some("spec.workload.podTemplate.spec.containers[1].livenessProbe.httpGet.port"),
            ),
            (
                "spec.template.spec.containers[1].image",
                Some("spec.workload.podTemplate.spec.containers[0].image"),
            ),
            (
                "spec.template.spec.initContainers[0].image",
                Some("spec.workload.podTemplate.spec.initContainers[0].image"),
            ),
            (
                "spec.template.spec.imagePullSecrets[0].name",
                Some("spec.workload.imagePullSecrets[0].name"),
            ),
            (
                "spec.template.spec.securityContext.fsGroup",
                Some("spec.workload.securityContext.fsGroup"),
            ),
            (
                "spec.template.spec.volumes[3].name",
                Some("spec.workload.podTemplate.spec.volumes[3].name"),
            ),
            (
                "spec.template.metadata.labels",
                Some("spec.workload.podTemplate.metadata.labels"),
            ),
            ("metadata.name", None),
        ] {
            assert_eq!(
                field(&deployment, Some(&template), refused).as_deref(),
                expected,
                "{refused}"
            );
        }
    }
}
