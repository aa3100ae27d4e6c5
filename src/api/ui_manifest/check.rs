//! The rules of a manifest.

use super::{Product, ValidManifest, Violation};

/// Checks all rules.
pub(super) fn manifest(_bytes: &[u8], _product: Option<Product>) -> Result<ValidManifest, Vec<Violation>> {
    Err(Vec::new())
}
