//! The fixed names: group, labels, annotations, finalizers, field managers. Users script against them.

/// API group of both kinds.
pub const GROUP: &str = "plugins.wazo.io";
/// The finalizer of both kinds: a WazoPlugin keeps it until it is deregistered, a WazoCore while plugins refer to it.
pub const FINALIZER: &str = "plugins.wazo.io/deregister";
/// Label on every child; its value is the plugin's name. It alone is the Deployment's selector.
pub const PLUGIN_LABEL: &str = "plugins.wazo.io/plugin";
/// The port of a plugin's Service; the pods listen on `spec.workload.port`.
pub const SERVICE_PORT: i32 = 80;
/// Annotation on every child: the hash of the configuration that was last applied. On pods: the hash of their template.
pub const APPLIED_ANNOTATION: &str = "plugins.wazo.io/applied";
/// Annotation on a NetworkPolicy: the private addresses of the core that it opens, parted by commas.
pub const CORE_ADDRESSES_ANNOTATION: &str = "plugins.wazo.io/core-addresses";
/// Annotation of ours on a WazoPlugin (JSON, at most 4 KiB): what cannot be derived, such as an old URL still to remove.
pub const LEDGER_ANNOTATION: &str = "plugins.wazo.io/ledger";
/// Annotation of ours on a WazoPlugin: the mark of its ledger, by which the operator knows it for its own.
pub const LEDGER_MARK_ANNOTATION: &str = "plugins.wazo.io/ledger-mark";
/// Annotation of users: reconcile now; echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_ANNOTATION: &str = "reconcile.plugins.wazo.io/requestedAt";
/// Label on the Secrets of a plugin's account: `current` or `next`.
pub const ACCOUNT_LABEL: &str = "plugins.wazo.io/account";
/// Annotation of users on a WazoPlugin: another value means that the account's credentials are replaced.
pub const ROTATE_ANNOTATION: &str = "plugins.wazo.io/rotate";
/// Annotation on the pods of a plugin with an account: another value means other credentials.
pub const CREDENTIALS_ANNOTATION: &str = "plugins.wazo.io/credentials";
/// Annotation of users: let a deletion pass although the core cannot be reached, and say what was left behind.
pub const ABANDON_ANNOTATION: &str = "plugins.wazo.io/abandon-registrations";
/// Annotation of users on a WazoCore: the uuid of another stack behind its URL that is to be taken for the known one.
pub const ACCEPT_STACK_ANNOTATION: &str = "plugins.wazo.io/accept-stack";
/// Annotation on an event about a fault: whose fault it is.
pub const PARTY_ANNOTATION: &str = "plugins.wazo.io/party";
/// Annotation on an event about a fault: how sure the verdict is.
pub const CONFIDENCE_ANNOTATION: &str = "plugins.wazo.io/confidence";
/// Field manager of the children.
pub const CHILDREN_MANAGER: &str = "wazo-plugin-operator/children";
/// Value of `app.kubernetes.io/managed-by`.
pub const MANAGED_BY: &str = "wazo-plugin-operator";
/// Type of the Secret in which we keep a copy of a WazoCore's credentials.
pub const COPY_TYPE: &str = "plugins.wazo.io/core-credentials-copy";
/// Type of the Secret beside a WazoCore with the key that marks the ledgers of its plugins.
pub const LEDGER_KEY_TYPE: &str = "plugins.wazo.io/ledger-key";
/// Type of the Secret that a WazoCore's credentials stand in: keys `username`, `password` and optionally `url`.
pub const CREDENTIALS_TYPE: &str = "plugins.wazo.io/core-credentials";

/// Whether a text can be the name of an object (RFC 1123 subdomain): lower case letters, digits, `-` and `.`.
#[must_use]
pub fn is_object_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let ends = |c: char| c.is_ascii_alphanumeric();
    (1..=253).contains(&name.len())
        && name.chars().all(allowed)
        && name.starts_with(ends)
        && name.ends_with(ends)
}

#[cfg(test)]
mod tests {
    use super::is_object_name;

    #[test]
    fn a_name_that_is_a_path_is_no_name() {
        for name in ["main", "a.b-c", "1"] {
            assert!(is_object_name(name), "{name}");
        }
        let long = "a".repeat(254);
        for name in [
            "", "../x", "a/b", "a?b", "a%2fb", "A", "-a", "a-", ".", "..", "a b", "a\n", &long,
        ] {
            assert!(!is_object_name(name), "{name:?}");
        }
    }
}
