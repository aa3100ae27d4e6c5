//! A rule that a manifest breaks, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// The plugin cannot work, or not as its author means: nothing is registered.
    Error,
    /// Probably not meant; nothing is held back for it.
    Warning,
}

/// The rule that is broken: a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// The manifest is JSON in UTF-8, without comments.
    NotJson,
    /// The field must be there.
    Required,
    /// The field is of another JSON type than it must be.
    WrongType,
    /// The field must not be empty.
    Empty,
    /// `manifestVersion` is `"0.1"`.
    ManifestVersion,
    /// `version` is a semantic version.
    Version,
    /// `productType` is one of `app`, `portal`, `mobile`.
    ProductType,
    /// `productType` is the product that the manifest is registered for.
    ProductMismatch,
    /// The text is longer than the applications show.
    TooLong,
    /// `packageName` is a reversed domain name.
    PackageName,
    /// `requirements.minStackVersion` is of the form `"XX.YY"`.
    MinStackVersion,
    /// A tab's `entityId` is its own.
    EntityIdTaken,
    /// A tab's context is one that the documentation names for some product.
    ContextUnknown,
    /// A tab has a context of the product that the manifest is for.
    ContextElsewhere,
    /// `isExternal` is understood in the tab's contexts.
    ExternalUnsupported,
    /// A reference is an http(s) URL or a path relative to the manifest.
    LinkInvalid,
    /// A page or script that an https application loads is https, too.
    LinkInsecure,
    /// A page that the manifest refers to is there. Only found by a look at the page, never in the manifest alone.
    LinkBroken,
    /// A language is one that the applications have.
    LanguageUnknown,
    /// The manifest has a tab or a background script.
    DoesNothing,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The JSON path of the field, such as `staticTabs[0].contentUrl`; `$` is the manifest itself.
    pub path: String,
    /// Which rule.
    pub rule: Rule,
    /// How bad it is.
    pub level: Level,
    /// What the field must be, for a person. Holds no value of the manifest.
    pub message: String,
}

impl Violation {
    /// The most that are listed for one manifest.
    pub const MOST: usize = 50;
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
