//! The manifest of a UI plugin: what the Wazo applications read to find a plugin's pages.
//!
//! Wazo publishes no JSON Schema. The rules are those of its documentation for plugin developers, loosened where real
//! plugins are accepted all the same: an empty `icons.outline`, an `icons.color` that is no URL, a `contentUrl` that is
//! a directory, no `staticTabs` at all.

mod check;
mod context;
mod field;
mod link;
mod report;
mod tab;
mod version;
mod violation;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use violation::{Level, Rule, Violation};

/// The Wazo product whose users get the plugin. Each product has its own manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Product {
    /// The web and desktop application: `productType` is `app`.
    App,
    /// The mobile application: `productType` is `mobile`.
    Mobile,
}

impl Product {
    /// The value of the manifest's `productType`.
    #[must_use]
    pub const fn product_type(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Mobile => "mobile",
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::App => "App",
            Self::Mobile => "Mobile",
        })
    }
}

/// A reference that a manifest makes to a page that its users load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it stands, such as `staticTabs[0].contentUrl`.
    pub path: String,
    /// An absolute URL, or one relative to the manifest's own.
    pub reference: String,
}

/// What the operator needs to know of a manifest that keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidManifest {
    /// `version`, a semantic version.
    pub version: String,
    /// `id`.
    pub id: String,
    /// `requirements.minStackVersion`, where it is well-formed (`"XX.YY"`).
    pub min_stack_version: Option<String>,
    /// The `contentUrl` of the first tab that is shown inside of the application, not outside (`isExternal`).
    pub first_page: Option<Link>,
    /// What keeps the rules, but is hardly meant.
    pub warnings: Vec<Violation>,
}

/// Validates a manifest that is to be registered for `product`.
///
/// # Errors
///
/// Every rule that is broken, then every warning; at least one is of [`Level::Error`]. The messages hold no values of the manifest. At most [`Violation::MOST`] are listed.
pub fn validate(bytes: &[u8], product: Product) -> Result<ValidManifest, Vec<Violation>> {
    check::manifest(bytes, Some(product))
}

/// Validates a manifest by itself, whatever product it is for: for a file on a developer's disk.
///
/// # Errors
///
/// As [`validate`].
pub fn validate_alone(bytes: &[u8]) -> Result<ValidManifest, Vec<Violation>> {
    check::manifest(bytes, None)
}

#[cfg(test)]
mod tests;
