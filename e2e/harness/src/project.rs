//! Where the project's files are while a test runs.

use std::path::PathBuf;

/// The top directory of the project that the test is run from.
///
/// Found while the test runs and not when it is built: Cargo reuses a test program that was built from another
/// checkout of the same sources with the same target directory.
///
/// # Panics
/// Where neither Cargo's `CARGO_MANIFEST_DIR` nor the working directory is in the project.
#[must_use]
pub fn root() -> PathBuf {
    let start = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .or_else(|| std::env::current_dir().ok())
        .unwrap_or_default();
    let is_root = |directory: &&std::path::Path| directory.join("charts/wazo-plugin-operator").is_dir();
    match start.ancestors().find(is_root) {
        Some(root) => root.to_owned(),
        None => panic!("{} is not in the project: run tests with cargo", start.display()),
    }
}
