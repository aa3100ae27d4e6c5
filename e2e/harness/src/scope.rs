//! Narrows an operator to one namespace, from outside: what it asks of all namespaces is asked of the test's alone.
//! So many operators share an API server without knowing of each other.

use std::fmt;

/// What an operator sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One namespace.
    Namespace(String),
    /// Our own objects with this value of [`LABEL`], in whatever namespace; of everything else all that there is.
    Labelled(String),
}

/// The label by which an operator of a test knows its objects in several namespaces.
pub const LABEL: &str = "wazo-e2e/trial";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(name) | Self::Labelled(name) => f.write_str(name),
        }
    }
}

impl Scope {
    /// The path (and query) of a request as this operator is to ask it; `None` where it stays as it is.
    #[must_use]
    pub fn narrowed(&self, path_and_query: &str) -> Option<String> {
        match self {
            Self::Namespace(namespace) => narrowed(path_and_query, namespace),
            Self::Labelled(value) => labelled(path_and_query, value),
        }
    }
}

fn labelled(path_and_query: &str, value: &str) -> Option<String> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let ours = ["wazoplugins", "wazocores"]
        .iter()
        .any(|plural| path == format!("/apis/plugins.wazo.io/v1alpha1/{plural}"));
    let label = LABEL.replace('/', "%2F");
    ours.then(|| format!("{path}?{query}&labelSelector={label}%3D{value}"))
}

/// Kinds that are in no namespace, by the last part of their path.
const CLUSTER_WIDE: [&str; 10] = [
    "namespaces",
    "nodes",
    "persistentvolumes",
    "customresourcedefinitions",
    "gatewayclasses",
    "ingressclasses",
    "storageclasses",
    "tokenreviews",
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
];

/// The path (and query) of a request to all namespaces as one to a single namespace; `None` where it stays as it is.
#[must_use]
pub fn narrowed(path_and_query: &str, namespace: &str) -> Option<String> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (prefix, plural) = match parts.as_slice() {
        ["api", version, plural] => (format!("/api/{version}"), *plural),
        ["apis", group, version, plural] => (format!("/apis/{group}/{version}"), *plural),
        _ => return None,
    };
    if CLUSTER_WIDE.contains(&plural) {
        return None;
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{prefix}/namespaces/{namespace}/{plural}{query}"))
}

#[cfg(test)]
mod tests {
    use super::{Scope, narrowed};

    #[test]
    fn an_operator_of_several_namespaces_sees_its_own_objects_alone() {
        let scope = Scope::Labelled("t".to_owned());
        let asked = "/apis/plugins.wazo.io/v1alpha1/wazoplugins?watch=1";
        let sent = format!("{asked}&labelSelector=wazo-e2e%2Ftrial%3Dt");
        assert_eq!(scope.narrowed(asked), Some(sent));
        assert_eq!(scope.narrowed("/api/v1/pods?watch=1"), None);
        let one = "/apis/plugins.wazo.io/v1alpha1/namespaces/n/wazoplugins/a";
        assert_eq!(scope.narrowed(one), None);
    }

    #[test]
    fn what_is_asked_of_all_namespaces_is_asked_of_one() {
        for (asked, sent) in [
            ("/api/v1/pods?watch=1", Some("/api/v1/namespaces/n/pods?watch=1")),
            (
                "/apis/plugins.wazo.io/v1alpha1/wazoplugins",
                Some("/apis/plugins.wazo.io/v1alpha1/namespaces/n/wazoplugins"),
            ),
            ("/api/v1/namespaces/kube-system", None),
            ("/api/v1/namespaces", None),
            ("/apis/apps/v1/namespaces/x/deployments", None),
            ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", None),
            ("/apis", None),
            ("/version", None),
        ] {
            assert_eq!(narrowed(asked, "n").as_deref(), sent, "{asked}");
        }
    }
}
