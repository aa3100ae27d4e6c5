//! Narrows an operator to one namespace, from outside: what it asks of all namespaces is asked of the test's alone.
//! So many operators share an API server without knowing of each other.

/// Kinds that are in no namespace, by the last part of their path.
const CLUSTER_WIDE: [&str; 9] = [
    "namespaces",
    "nodes",
    "persistentvolumes",
    "customresourcedefinitions",
    "gatewayclasses",
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
    use super::narrowed;

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
