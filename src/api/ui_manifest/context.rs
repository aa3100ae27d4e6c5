//! The places in the applications where a tab is shown.

/// The `productType`s of manifests.
pub(super) const PRODUCTS: [&str; 3] = ["app", "portal", "mobile"];

/// The product that has a context; `None`: the documentation names no such context.
pub(super) fn product(context: &str) -> Option<&'static str> {
    match context {
        "generalTab" | "sidebarTab" | "contactTab" | "userTab" | "phonebookTab" | "settingsTab"
        | "innerSettingsTab" => Some("app"),
        "generalPbxTab" | "pbxMenu" | "globalSettings" => Some("portal"),
        "mobileTab" => Some("mobile"),
        form if form.strip_prefix("pbx.").is_some_and(|name| !name.is_empty()) => Some("portal"),
        _ => None,
    }
}

/// Whether a tab in this context may open outside of the application.
pub(super) fn may_be_external(context: &str) -> bool {
    matches!(
        context,
        "sidebarTab" | "settingsTab" | "pbxMenu" | "globalSettings" | "mobileTab"
    )
}
