use std::collections::BTreeSet;

use super::*;

fn key(namespace: &str, name: &str) -> PluginKey {
    PluginKey::new(namespace, name)
}

fn ill(layer: Layer) -> Health {
    Health::Ill {
        own: [layer].into(),
        core: BTreeSet::new(),
    }
}

fn presence(image: &str, node: &str, health: Health) -> Presence {
    Presence {
        image: Some(image.to_owned()),
        nodes: [node.to_owned()].into(),
        gateway: Some("Gateway gateways/public".to_owned()),
        core: Some("stack".to_owned()),
        health,
    }
}

fn nodes(node: &str) -> BTreeSet<String> {
    [node.to_owned()].into()
}

fn count(plugins: usize, namespaces: usize) -> Count {
    Count { plugins, namespaces }
}

#[test]
fn those_that_share_a_registry_are_counted_without_those_that_run_the_same_image() {
    let all = Neighbourhood::default();
    for (namespace, image) in [
        ("a", "r.example/x"),
        ("b", "r.example/y"),
        ("c", "r.example/z"),
        ("d", "r.example/x"),
    ] {
        all.note(&key(namespace, "p"), presence(image, "n", ill(Layer::Image)));
    }
    all.note(&key("e", "p"), presence("other.example/x", "n", Health::Well));
    all.note(&key("f", "p"), presence("r.example/w", "n", Health::Well));
    let seen = all.of(&key("a", "p"), &nodes("n"));
    assert_eq!(
        seen.registry.ill_at(Layer::Image),
        count(2, 2),
        "that of d runs the same image"
    );
    assert_eq!(seen.registry.well, count(1, 1), "that of e pulls from elsewhere");
    assert_eq!(seen.image.ill_at(Layer::Image), count(1, 1));
    assert_eq!(seen.nodes["n"].well, count(2, 2));
    assert_eq!(seen.registry.ill_at(Layer::Route), count(0, 0));
}

#[test]
fn the_plugin_itself_and_its_own_namespace_are_not_counted_as_others() {
    let all = Neighbourhood::default();
    all.note(&key("a", "one"), presence("r.example/x", "n", ill(Layer::Node)));
    all.note(&key("a", "two"), presence("r.example/y", "n", ill(Layer::Node)));
    all.note(&key("a", "three"), presence("r.example/z", "n", Health::Well));
    let seen = all.of(&key("a", "one"), &nodes("n"));
    assert_eq!(seen.nodes["n"].ill_at(Layer::Node), count(1, 0));
    assert_eq!(seen.nodes["n"].well, count(1, 0));
    let seen = all.of(&key("a", "three"), &nodes("n"));
    assert_eq!(seen.nodes["n"].well, count(0, 0));
}

#[test]
fn a_core_that_is_away_is_a_fault_of_the_core_alone_and_leaves_nodes_and_routes_well() {
    let all = Neighbourhood::default();
    let away = Health::Ill {
        own: BTreeSet::new(),
        core: [Layer::CoreAPI].into(),
    };
    all.note(&key("a", "p"), presence("r.example/x", "n", away));
    all.note(&key("b", "p"), presence("r.example/y", "n", Health::Well));
    let seen = all.of(&key("b", "p"), &nodes("n"));
    assert_eq!(seen.core.ill_at(Layer::CoreAPI), count(1, 1));
    assert_eq!(seen.nodes["n"].well, count(1, 1));
    assert_eq!(seen.gateway.well, count(1, 1));
}

#[test]
fn those_that_fail_look_again_when_enough_others_fail_or_do_well_and_not_before() {
    let all = Neighbourhood::default();
    let note = |namespace: &str, health| {
        let image = format!("r.example/{namespace}");
        all.note(&key(namespace, "p"), presence(&image, "n", health))
    };
    assert!(note("a", ill(Layer::Image)).is_empty());
    assert!(note("b", ill(Layer::Image)).is_empty());
    assert_eq!(
        note("c", ill(Layer::Image)),
        [key("a", "p"), key("b", "p")].into()
    );
    assert!(note("d", ill(Layer::Image)).is_empty(), "nothing new for anybody");
    assert!(note("e", Health::Well).is_empty());
    assert_eq!(note("f", Health::Well).len(), 4, "two do well now");
    assert!(note("f", Health::Well).is_empty(), "it was noted already");
    assert!(!all.forget(&key("f", "p")).is_empty());
}

#[test]
fn what_is_gone_is_not_counted_and_nothing_is_kept_of_it() {
    let all = Neighbourhood::default();
    for namespace in ["a", "b", "c"] {
        all.note(&key(namespace, "p"), presence("r.example/x", "n", Health::Well));
        all.note(
            &key(namespace, "p"),
            presence("r.example/y", "m", ill(Layer::Route)),
        );
    }
    for namespace in ["a", "b", "c"] {
        all.forget(&key(namespace, "p"));
    }
    let inner = all.inner();
    assert!(inner.entries.is_empty() && inner.things.is_empty());
}

#[test]
fn a_restart_lists_everybody_once() {
    let all = Neighbourhood::default();
    all.list(|| vec![(key("a", "p"), presence("r.example/x", "n", Health::Well))]);
    all.list(|| panic!("a second time"));
    all.note(&key("b", "p"), presence("r.example/y", "n", ill(Layer::Node)));
    assert_eq!(all.of(&key("b", "p"), &nodes("n")).nodes["n"].well, count(1, 1));
}

#[test]
fn the_registry_of_an_image_is_its_host() {
    for (image, host) in [
        ("registry.example/crm:1", "registry.example"),
        ("localhost:5000/crm", "localhost:5000"),
        ("library/nginx:1", "docker.io"),
        ("nginx@sha256:00", "docker.io"),
    ] {
        assert_eq!(registry(image), host, "{image}");
    }
}

#[test]
fn ten_thousand_plugins_that_fail_at_once_are_noted_and_looked_up_without_looking_at_all_of_them() {
    let all = Neighbourhood::default();
    let begun = std::time::Instant::now();
    for number in 0..10_000 {
        let namespace = format!("ns-{number}");
        let image = format!("r.example/{number}");
        all.note(&key(&namespace, "p"), presence(&image, "n", ill(Layer::Image)));
        let seen = all.of(&key(&namespace, "p"), &nodes("n"));
        assert_eq!(seen.nodes["n"].ill_at(Layer::Image).plugins, number);
    }
    // A scan of all for each would be 10⁸ steps: minutes in a test build.
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}
