//! Where a plugin is reached: a host and a prefix, at a Gateway or by an Ingress.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::plugin::{Expose, GatewayReference, IngressReference};

/// A place at which a plugin is, or was, reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Routed {
    /// The public host name.
    pub host: String,
    /// The prefix: `/`, or without a slash at its end.
    pub path: String,
    /// The Gateway that takes the route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayReference>,
    /// What the Ingress is like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressReference>,
}

impl Routed {
    /// What a spec asks for.
    #[must_use]
    pub fn of(expose: &Expose) -> Self {
        Self {
            host: expose.host.clone(),
            path: prefix(expose.path.as_deref()),
            gateway: expose.gateway.clone(),
            ingress: expose.ingress.clone(),
        }
    }

    /// Whether a URL lies below it.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let Some(rest) = url.path().strip_prefix(self.path.trim_end_matches('/')) else {
            return false;
        };
        url.host_str() == Some(self.host.as_str()) && (rest.is_empty() || rest.starts_with('/'))
    }
}

/// A prefix as routes and Ingresses write it.
#[must_use]
pub fn prefix(path: Option<&str>) -> String {
    let path = path.unwrap_or("/").trim_end_matches('/');
    if path.is_empty() {
        "/".to_owned()
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_whole_parts_of_a_path_at_its_host_alone() {
        let at = |path: &str| Routed {
            host: "crm.example".to_owned(),
            path: prefix(Some(path)),
            gateway: None,
            ingress: None,
        };
        let covers = |path: &str, url: &str| at(path).covers(&Url::parse(url).unwrap());
        assert!(covers("/", "https://crm.example/m.json"));
        assert!(covers("/crm/", "https://crm.example/crm/m.json"));
        assert!(covers("/crm", "https://crm.example/crm"));
        assert!(!covers("/crm", "https://crm.example/crm2/m.json"));
        assert!(!covers("/", "https://other.example/m.json"));
    }
}
