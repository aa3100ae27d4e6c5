//! What the children look like, and when they are written.

use serde_json::{Value, json};

use super::plan_of;
use crate::api::names::APPLIED_ANNOTATION;
use crate::api::parse::Plugin;
use crate::keys::PluginKey;
use crate::observe::fixture::{START, at, spec};
use crate::observe::memory::ChildKind;
use crate::observe::world::{GatewayView, World};
use crate::plan::children::{How, Want, all, render};

/// All but the NetworkPolicy, which has tests of its own.
fn wants(world: &World) -> Vec<Want> {
    all(world, world.itself.plugin.as_ref().unwrap())
        .into_iter()
        .filter(|want| want.kind != ChildKind::NetworkPolicy)
        .collect()
}

fn printed(key: &PluginKey, plugin: &Plugin) -> Vec<Value> {
    let mut all = render(key, plugin);
    all.retain(|object| object["kind"] != "NetworkPolicy");
    all
}

fn how(world: &World, kind: ChildKind) -> How {
    let wants = wants(world);
    wants.into_iter().find(|want| want.kind == kind).unwrap().how
}

fn labels() -> Value {
    json!({
        "app.kubernetes.io/name": "crm-panel",
        "app.kubernetes.io/managed-by": "wazo-plugin-operator",
        "app.kubernetes.io/component": "plugin",
        "app.kubernetes.io/part-of": "wazo",
        "plugins.wazo.io/plugin": "crm-panel",
        "app.kubernetes.io/version": "1.4.2",
    })
}

fn metadata() -> Value {
    json!({"name": "crm-panel", "namespace": "acme", "labels": labels()})
}

/// What `render` prints for a small plugin.
fn rendered() -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(),
            "automountServiceAccountToken": false,
        }),
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata(),
            "spec": {
                "replicas": 1,
                "revisionHistoryLimit": 3,
                "selector": {"matchLabels": {"plugins.wazo.io/plugin": "crm-panel"}},
                "template": {
                    "metadata": {"labels": labels(), "annotations": {"plugins.wazo.io/applied": TEMPLATE}},
                    "spec": {
                        "serviceAccountName": "crm-panel",
                        "automountServiceAccountToken": false,
                        "enableServiceLinks": false,
                        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
                        "containers": [{
                            "name": "plugin",
                            "image": "registry.example/crm-panel:1.4.2",
                            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                            "readinessProbe": {
                                "httpGet": {"path": "/manifest.json", "port": "http", "scheme": "HTTP"},
                                "periodSeconds": 2,
                                "timeoutSeconds": 2,
                                "failureThreshold": 3,
                                "successThreshold": 1,
                            },
                            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                        }],
                        "volumes": [{"name": "tmp", "emptyDir": {}}],
                        "topologySpreadConstraints": [{
                            "maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": {"plugins.wazo.io/plugin": "crm-panel"}},
                        }],
                    },
                },
            },
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(),
            "spec": {
                "selector": {"plugins.wazo.io/plugin": "crm-panel"},
                "ports": [{
                    "name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "http",
                }],
            },
        }),
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": metadata(),
            "spec": {
                "parentRefs": [{
                    "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "gateways",
                }],
                "hostnames": ["crm.example"],
                "rules": [{
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{"group": "", "kind": "Service", "name": "crm-panel", "port": 80, "weight": 1}],
                }],
            },
        }),
    ]
}

/// Another hash makes every pod of every plugin start anew when the operator is updated.
const TEMPLATE: &str = "2781bf47188d54caadf82d3a40428f4a";
/// Another hash makes the operator write every child of every plugin when it is updated.
const HASHES: [&str; 4] = [
    "9079461751b251f293c447cd8034836c",
    "76aa1a877d625d6dbeab41f689112ea6",
    "8535768a747d591786602b07d6feb018",
    "aa6da76d714d5bf39f0612f95926e6d0",
];

#[test]
fn the_children_of_a_small_plugin_are_these() {
    let world = World::just_applied();
    let printed = printed(&world.itself.key, &Plugin::parse(spec()).unwrap());
    assert_eq!(printed, rendered());
}

#[test]
fn what_is_applied_is_what_is_rendered_with_its_owner_and_its_hash() {
    for (want, (mut expected, hash)) in wants(&World::just_applied())
        .into_iter()
        .zip(rendered().into_iter().zip(HASHES))
    {
        assert_eq!(want.hash, hash, "{:?}", want.kind);
        expected["metadata"]["annotations"] = json!({APPLIED_ANNOTATION: hash});
        expected["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "plugins.wazo.io/v1alpha1",
            "kind": "WazoPlugin",
            "name": "crm-panel",
            "uid": "uid-of-crm-panel",
            "controller": true,
            "blockOwnerDeletion": true,
        }]);
        assert_eq!(want.object, expected);
        assert_eq!(want.how, How::Create);
    }
}

#[test]
fn what_the_spec_says_of_the_pods_reaches_them() {
    let world = World::just_applied().spec(|spec| {
        let workload = serde_json::json!({
            "image": "registry.example:5000/crm@sha256:00", "port": 3000, "replicas": 3,
            "env": [{"name": "A", "value": "b"}],
            "resources": {"requests": {"cpu": "50m"}, "limits": {"memory": "64Mi"}},
            "readiness": {"path": "/healthz"},
            "imagePullSecrets": [{"name": "pull"}],
        });
        spec.workload = serde_json::from_value(workload).unwrap();
        let expose = spec.expose.as_mut().unwrap();
        expose.path = Some("/crm/".to_owned());
        expose.gateway.as_mut().unwrap().section_name = Some("https".to_owned());
        expose.gateway.as_mut().unwrap().namespace = None;
    });
    let wants = wants(&world);
    let deployment = &wants[1].object;
    assert_eq!(deployment["spec"]["replicas"], 3);
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "pull"}]));
    let container = &pod["containers"][0];
    assert_eq!(container["env"], json!([{"name": "A", "value": "b"}]));
    assert_eq!(
        container["resources"],
        json!({"requests": {"cpu": "50m"}, "limits": {"memory": "64Mi"}})
    );
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["ports"][0]["containerPort"], 3000);
    assert_eq!(
        deployment["metadata"]["labels"].get("app.kubernetes.io/version"),
        None
    );
    let route = &wants.last().unwrap().object["spec"];
    assert_eq!(route["rules"][0]["matches"][0]["path"]["value"], "/crm");
    let parent = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "sectionName": "https"});
    assert_eq!(route["parentRefs"], json!([parent]));
}

#[test]
fn pods_without_a_path_to_ask_are_asked_for_a_connection() {
    let world = World::just_applied().spec(|spec| {
        spec.registrations = None;
        spec.expose = None;
    });
    let wants = wants(&world);
    assert_eq!(wants.len(), 3, "nothing is exposed");
    let container = &wants[1].object["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["readinessProbe"]["tcpSocket"], json!({"port": "http"}));
    assert_eq!(container["readinessProbe"].get("httpGet"), None);
}

#[test]
fn the_hash_changes_with_the_configuration_and_with_nothing_else() {
    let hashes = |world: &World| wants(world).into_iter().map(|want| want.hash).collect::<Vec<_>>();
    let world = World::healthy();
    let known = hashes(&world);
    for same in [
        world.clone().later(1000),
        world.clone().restarted(),
        world.clone().crashing(3).core_away(),
        world.clone().spec(|spec| spec.suspend = Some(false)),
        world.clone().spec(|spec| spec.core_ref.name = "other".to_owned()),
        World::just_applied(),
    ] {
        assert_eq!(hashes(&same), known);
    }
    let image = hashes(
        &world
            .clone()
            .spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm-panel:2".to_owned()),
    );
    // The version is a label of every child.
    assert!(image.iter().zip(&known).all(|(new, old)| new != old));
    let replicas = hashes(&world.spec(|spec| spec.workload.as_mut().unwrap().replicas = 0));
    let changed: Vec<bool> = replicas.iter().zip(&known).map(|(new, old)| new != old).collect();
    assert_eq!(changed, [false, true, false, false]);
}

#[test]
fn more_pods_are_pods_of_the_same_template() {
    let template = |world: &World| wants(world).remove(1).object["spec"]["template"].clone();
    let more = World::healthy().spec(|spec| spec.workload.as_mut().unwrap().replicas = 5);
    assert_eq!(template(&more), template(&World::healthy()));
}

#[test]
fn a_changed_spec_changes_the_child_over_the_object_that_was_seen() {
    let world = World::healthy().spec(|spec| spec.workload.as_mut().unwrap().replicas = 2);
    assert_eq!(
        how(&world, ChildKind::Deployment),
        How::Change {
            uid: "uid-of-deployments".to_owned()
        }
    );
    assert_eq!(how(&world, ChildKind::Service), How::Keep);
    assert!(plan_of(&world).writes());
}

#[test]
fn the_status_of_a_child_is_nobodys_drift() {
    let world = World::healthy().deployment(|deployment| {
        deployment.id.resource_version = "99".to_owned();
        deployment.ready = 0;
    });
    assert_eq!(how(&world, ChildKind::Deployment), How::Keep);
}

#[test]
fn an_object_of_somebody_else_is_not_touched() {
    for owner in [None, Some("uid-of-somebody".to_owned())] {
        let mut world = World::healthy().restarted();
        world.children.service.as_mut().unwrap().id.owner = owner;
        assert_eq!(how(&world, ChildKind::Service), How::Blocked { leaving: false });
        assert!(!plan_of(&world).writes());
    }
}

#[test]
fn a_child_that_is_being_deleted_is_waited_for() {
    let world = World::healthy().deployment(|deployment| deployment.id.deleting = true);
    assert_eq!(how(&world, ChildKind::Deployment), How::Blocked { leaving: true });
}

#[test]
fn a_route_that_the_spec_asks_for_no_more_goes_where_it_is_ours() {
    let hidden = |mut world: World| {
        // Nothing of it stands in the core any more.
        world.itself.ledger = Default::default();
        world.spec(|spec| {
            spec.expose = None;
            spec.registrations = None;
        })
    };
    let world = hidden(World::healthy());
    let uid = "uid-of-httproutes".to_owned();
    assert_eq!(how(&world, ChildKind::HttpRoute), How::Remove { uid });
    assert!(plan_of(&world).writes());
    let foreign = hidden(World::healthy()).route(|route| route.id.owner = None);
    let leaving = hidden(World::healthy()).route(|route| route.id.deleting = true);
    for world in [foreign, leaving] {
        assert!(wants(&world).iter().all(|want| want.kind != ChildKind::HttpRoute));
    }
}

#[test]
fn without_gateway_api_no_route_is_tried() {
    let mut world = World::just_applied();
    world.gateway = GatewayView::ApiMissing;
    assert_eq!(wants(&world).len(), 3);
}

#[test]
fn a_deletion_makes_no_child_again() {
    let mut world = World::healthy().deleted();
    world.children = Default::default();
    world.now = at(START);
    assert!(plan_of(&world).children.is_empty());
}
