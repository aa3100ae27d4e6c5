//! Who has a public host. Pure.
//!
//! A host belongs to the namespace that had it first: that of the WazoPlugin that was made first among those that
//! claim it, by `creationTimestamp` and then by uid. Plugins of that namespace share it by prefix.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::routed::Routed;
use crate::keys::PluginKey;

/// What one WazoPlugin claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When the WazoPlugin was made.
    pub created: Timestamp,
    /// Its uid.
    pub uid: String,
    /// Who it is.
    pub key: PluginKey,
    /// Where it is, or was, reached: what its spec asks for, and what its ledger still holds.
    pub places: Vec<Place>,
}

/// A host and a prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The host.
    pub host: String,
    /// The prefix, as in [`Routed`].
    pub path: String,
}

impl From<&Routed> for Place {
    fn from(routed: &Routed) -> Self {
        Self {
            host: routed.host.clone(),
            path: routed.path.clone(),
        }
    }
}

/// A place that somebody else had first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The place.
    pub place: Place,
    /// Who has it.
    pub holder: Holder,
}

/// Who has a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// Another namespace has the whole host; which of its objects is not told.
    Namespace(String),
    /// Another WazoPlugin of the same namespace has the prefix.
    Plugin(String),
}

impl Lost {
    /// Whether a URL leads to the holder.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let whole = matches!(self.holder, Holder::Namespace(_));
        let path = if whole { "/" } else { &self.place.path };
        let routed = Routed {
            host: self.place.host.clone(),
            path: path.to_owned(),
            gateway: None,
            ingress: None,
        };
        routed.covers(url)
    }
}

/// The places of `own` that others had first; `rivals` are all other claims on the same hosts.
#[must_use]
pub fn lost(own: &Claim, rivals: &[Claim]) -> Vec<Lost> {
    own.places
        .iter()
        .filter_map(|place| {
            Some(Lost {
                place: place.clone(),
                holder: holder(own, place, rivals)?,
            })
        })
        .collect()
}

fn holder(own: &Claim, place: &Place, rivals: &[Claim]) -> Option<Holder> {
    let at_host = |claim: &&Claim| claim.places.iter().any(|other| other.host == place.host);
    let first = rivals.iter().filter(at_host).min_by_key(|claim| age(claim))?;
    if age(first) < age(own) && first.key.namespace != own.key.namespace {
        return Some(Holder::Namespace(first.key.namespace.clone()));
    }
    rivals
        .iter()
        .filter(|claim| claim.key.namespace == own.key.namespace && age(claim) < age(own))
        .find(|claim| claim.places.contains(place))
        .map(|claim| Holder::Plugin(claim.key.name.clone()))
}

fn age(claim: &Claim) -> (Timestamp, &str) {
    (claim.created, &claim.uid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(created: i64, uid: &str, key: (&str, &str), places: &[(&str, &str)]) -> Claim {
        Claim {
            created: Timestamp::from_second(created).unwrap(),
            uid: uid.to_owned(),
            key: PluginKey::new(key.0, key.1),
            places: places.iter().map(|(host, path)| place(host, path)).collect(),
        }
    }

    fn place(host: &str, path: &str) -> Place {
        Place {
            host: host.to_owned(),
            path: path.to_owned(),
        }
    }

    #[test]
    fn a_host_belongs_to_the_namespace_that_had_it_first() {
        let first = claim(1, "b", ("acme", "crm"), &[("crm.example", "/")]);
        let second = claim(2, "a", ("other", "crm"), &[("crm.example", "/other")]);
        assert!(lost(&first, std::slice::from_ref(&second)).is_empty());
        let taken = lost(&second, std::slice::from_ref(&first));
        assert_eq!(
            taken,
            [Lost {
                place: place("crm.example", "/other"),
                holder: Holder::Namespace("acme".to_owned())
            }]
        );
        let elsewhere = claim(2, "a", ("other", "crm"), &[("erp.example", "/")]);
        assert!(lost(&elsewhere, &[first]).is_empty());
    }

    #[test]
    fn of_two_made_in_the_same_second_the_uid_decides() {
        let a = claim(1, "a", ("acme", "crm"), &[("crm.example", "/")]);
        let b = claim(1, "b", ("other", "crm"), &[("crm.example", "/")]);
        assert!(lost(&a, std::slice::from_ref(&b)).is_empty());
        assert_eq!(lost(&b, &[a]).len(), 1);
    }

    #[test]
    fn plugins_of_one_namespace_share_a_host_by_prefix() {
        let crm = claim(1, "a", ("acme", "crm"), &[("apps.example", "/crm")]);
        let erp = claim(2, "b", ("acme", "erp"), &[("apps.example", "/erp")]);
        let copy = claim(3, "c", ("acme", "copy"), &[("apps.example", "/crm")]);
        assert!(lost(&erp, &[crm.clone(), copy.clone()]).is_empty());
        assert!(lost(&crm, &[erp.clone(), copy.clone()]).is_empty());
        assert_eq!(
            lost(&copy, &[crm, erp])[0].holder,
            Holder::Plugin("crm".to_owned())
        );
    }

    #[test]
    fn a_lost_host_takes_all_its_urls_and_a_lost_prefix_those_below_it() {
        let url = |text: &str| Url::parse(text).unwrap();
        let host = Lost {
            place: place("crm.example", "/a"),
            holder: Holder::Namespace("acme".to_owned()),
        };
        assert!(host.covers(&url("https://crm.example/b/m.json")));
        let prefix = Lost {
            holder: Holder::Plugin("crm".to_owned()),
            ..host
        };
        assert!(!prefix.covers(&url("https://crm.example/b/m.json")));
        assert!(prefix.covers(&url("https://crm.example/a/m.json")));
    }

    fn claims() -> impl Strategy<Value = Vec<Claim>> {
        let one = (0_i64..3, 0_usize..2, 0_usize..2, 0_usize..2);
        proptest::collection::vec(one, 1..6).prop_map(|all| {
            let named = all.into_iter().enumerate();
            named
                .map(|(number, (created, namespace, host, path))| {
                    let namespace = ["acme", "other"][namespace];
                    let place = (["a.example", "b.example"][host], ["/", "/x"][path]);
                    let uid = format!("uid-{number}");
                    claim(created, &uid, (namespace, &uid), &[place])
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn of_all_that_claim_a_place_exactly_one_has_it_and_a_host_is_never_had_by_two_namespaces(all in claims()) {
            let has = |own: &Claim| {
                let others: Vec<Claim> = all.iter().filter(|claim| claim.uid != own.uid).cloned().collect();
                lost(own, &others).is_empty()
            };
            for claim in &all {
                let host = &claim.places[0].host;
                let holders: Vec<&Claim> = all.iter().filter(|other| other.places[0].host == *host && has(other)).collect();
                prop_assert!(!holders.is_empty());
                prop_assert!(holders.iter().all(|holder| holder.key.namespace == holders[0].key.namespace));
                let same = holders.iter().filter(|holder| holder.places == claim.places).count();
                prop_assert!(same <= 1);
            }
        }
    }
}
