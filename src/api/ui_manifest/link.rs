//! References to pages and scripts.

use url::Url;

use super::report::Report;
use super::violation::{Level, Rule};

/// Checks a reference that users load as a page, a script or data. What cannot be loaded is reported at `level`.
pub(super) fn page(path: String, reference: &str, level: Level, report: &mut Report) {
    if reference.is_empty() {
        let message = "must not be empty: a URL, or a path relative to the manifest".to_owned();
        report.add(level, path, Rule::Empty, message);
        return;
    }
    match resolve(reference) {
        Some(url) if url.scheme() == "https" => {}
        Some(url) if url.scheme() == "http" => report.warning(
            path.as_str(),
            Rule::LinkInsecure,
            "should be https: browsers block what an https application loads over http",
        ),
        _ => {
            let message = "must be an http(s) URL, or a path relative to the manifest".to_owned();
            report.add(level, path, Rule::LinkInvalid, message);
        }
    }
}

/// The reference as seen from some manifest: where that is does not matter here.
fn resolve(reference: &str) -> Option<Url> {
    let base = Url::parse("https://plugin.invalid/manifest.json").ok()?;
    base.join(reference).ok()
}
