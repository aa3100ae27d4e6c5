//! The fixed names: group, labels, annotations, finalizers, field managers. Users script against them.

/// API group of both kinds.
pub const GROUP: &str = "plugins.wazo.io";
/// The finalizer of both kinds: a WazoPlugin keeps it until it is deregistered, a WazoCore while plugins refer to it.
pub const FINALIZER: &str = "plugins.wazo.io/deregister";
/// Label on every child; its value is the plugin's name. It alone is the Deployment's selector.
pub const PLUGIN_LABEL: &str = "plugins.wazo.io/plugin";
/// Annotation on every child: the hash of the configuration that was last applied. On pods: the hash of their template.
pub const APPLIED_ANNOTATION: &str = "plugins.wazo.io/applied";
/// Annotation of ours on a WazoPlugin (JSON, at most 4 KiB): what cannot be derived, such as an old URL still to remove.
pub const LEDGER_ANNOTATION: &str = "plugins.wazo.io/ledger";
/// Annotation of users: reconcile now; echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_ANNOTATION: &str = "reconcile.plugins.wazo.io/requestedAt";
/// Annotation of users: let a deletion pass although the core cannot be reached, and say what was left behind.
pub const ABANDON_ANNOTATION: &str = "plugins.wazo.io/abandon-registrations";
/// Annotation of users on a WazoCore: the uuid of another stack behind its URL that is to be taken for the known one.
pub const ACCEPT_STACK_ANNOTATION: &str = "plugins.wazo.io/accept-stack";
/// Field manager of the children.
pub const CHILDREN_MANAGER: &str = "wazo-plugin-operator/children";
/// Value of `app.kubernetes.io/managed-by`.
pub const MANAGED_BY: &str = "wazo-plugin-operator";
/// Type of the Secret in which we keep a copy of a WazoCore's credentials.
pub const COPY_TYPE: &str = "plugins.wazo.io/core-credentials-copy";
/// Type of the Secret that a WazoCore's credentials stand in: keys `username`, `password` and optionally `url`.
pub const CREDENTIALS_TYPE: &str = "plugins.wazo.io/core-credentials";
