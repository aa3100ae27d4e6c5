//! How other plugins do that share something with one: a registry, a node, a Gateway, a stack. Counts only: whose they
//! are is nobody's business.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::api::fault::Layer;

/// As many namespaces, the plugin's own among them, must see the same before what they share is suspected.
const ENOUGH_ILL: usize = 3;
/// As many plugins that do well clear what they share.
const ENOUGH_WELL: usize = 2;

/// How those do that share something with a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Neighbours {
    /// Those that pull other images from the same registry.
    pub registry: Standing,
    /// By node that pods of the plugin are bound to: those with a pod there, too.
    pub nodes: BTreeMap<String, Standing>,
    /// Those behind the same Gateway or IngressClass.
    pub gateway: Standing,
    /// Those of the same stack, whatever WazoCore they refer to.
    pub core: Standing,
    /// Those that run the same image, wherever they are: what they share is the image itself.
    pub image: Standing,
}

/// How those do that share one thing with a plugin, which itself is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Those that do well.
    pub well: Count,
    /// Those that fail, by the layer of a fault of theirs, and run another image; of [`Neighbours::image`] the same one.
    pub ill: BTreeMap<Layer, Count>,
}

/// A number of plugins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Count {
    /// The plugins.
    pub plugins: usize,
    /// The namespaces that they are of, the plugin's own not counted.
    pub namespaces: usize,
}

/// What a plugin shares with others, and how those do.
#[derive(Clone, Debug)]
pub struct Shared<'a> {
    /// What it is, for a person: `registry`, `node`, `gateway`, `core`.
    pub what: &'static str,
    /// How the others do.
    pub standing: &'a Standing,
}

impl Standing {
    /// Those that fail at a layer.
    #[must_use]
    pub fn ill_at(&self, layer: Layer) -> Count {
        self.ill.get(&layer).copied().unwrap_or_default()
    }

    /// Whether a plugin that fails at a layer is one of many: at least three namespaces, and half of them.
    #[must_use]
    pub fn accuses(&self, layer: Layer) -> bool {
        let ill = 1 + self.ill_at(layer).namespaces;
        ill >= ENOUGH_ILL && ill * 2 >= ill + self.well.namespaces
    }

    /// Whether a plugin that fails at a layer is alone with it, while others do well with what it shares with them.
    #[must_use]
    pub fn clears(&self, layer: Layer) -> bool {
        self.well.plugins >= ENOUGH_WELL && self.ill_at(layer).plugins == 0
    }
}

impl Neighbours {
    /// What a fault at a layer may be shared with others by: none where the layer is a plugin's own.
    #[must_use]
    pub fn sharing(&self, layer: Layer) -> Vec<Shared<'_>> {
        let one = |what, standing| vec![Shared { what, standing }];
        let nodes = self.nodes.values().map(|standing| Shared {
            what: "node",
            standing,
        });
        match layer {
            Layer::Image => one("registry", &self.registry).into_iter().chain(nodes).collect(),
            Layer::Scheduling
            | Layer::Node
            | Layer::Volume
            | Layer::Sandbox
            | Layer::Container
            | Layer::Probe
            | Layer::NetworkPolicy
            | Layer::Service => nodes.collect(),
            Layer::DNS | Layer::Certificate | Layer::Route | Layer::Manifest => one("gateway", &self.gateway),
            Layer::CoreTransport
            | Layer::CoreAuth
            | Layer::CoreAPI
            | Layer::CoreEvents
            | Layer::Registration
            | Layer::Webhook => one("core", &self.core),
            Layer::Operator
            | Layer::KubeAPI
            | Layer::Spec
            | Layer::References
            | Layer::Admission
            | Layer::Quota => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(well: usize, ill: usize) -> Standing {
        let count = |number| Count {
            plugins: number,
            namespaces: number,
        };
        Standing {
            well: count(well),
            ill: [(Layer::Image, count(ill))].into(),
        }
    }

    #[test]
    fn three_namespaces_and_half_of_them_accuse_what_they_share() {
        for (well, ill, accuses) in [
            (0, 1, false),
            (0, 2, true),
            (3, 2, true),
            (4, 2, false),
            (4, 3, true),
        ] {
            assert_eq!(standing(well, ill).accuses(Layer::Image), accuses, "{well} {ill}");
        }
        assert!(!standing(0, 5).accuses(Layer::Route), "that is another layer");
        let mut one = standing(0, 5);
        one.ill.get_mut(&Layer::Image).unwrap().namespaces = 1;
        assert!(
            !one.accuses(Layer::Image),
            "five plugins of one namespace are one voice"
        );
    }

    #[test]
    fn two_neighbours_that_do_well_clear_what_they_share_unless_one_fails_alike() {
        assert!(standing(2, 0).clears(Layer::Image));
        assert!(!standing(1, 0).clears(Layer::Image));
        assert!(!standing(5, 1).clears(Layer::Image));
    }

    #[test]
    fn a_mistake_in_the_spec_is_shared_with_nobody() {
        let neighbours = Neighbours {
            nodes: [
                ("a".to_owned(), Standing::default()),
                ("b".to_owned(), Standing::default()),
            ]
            .into(),
            ..Neighbours::default()
        };
        assert!(neighbours.sharing(Layer::Spec).is_empty());
        assert_eq!(neighbours.sharing(Layer::Container).len(), 2);
        assert_eq!(neighbours.sharing(Layer::Route)[0].what, "gateway");
    }
}
