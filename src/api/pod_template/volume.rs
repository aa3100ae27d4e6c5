//! What is refused of a volume.

use super::node::Node;
use crate::api::parse::Invalid;

/// The sources of the Pod Security Standard `restricted`.
const ALLOWED: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Checks a volume.
pub(super) fn check(volume: &Node<'_>) -> Result<(), Invalid> {
    for (field, source) in volume.fields() {
        if field != "name" && !ALLOWED.contains(&field) {
            return Err(source.bad(format!(
                "is not among the allowed volumes: {}",
                ALLOWED.join(", ")
            )));
        }
    }
    let sources = volume.get("projected").map(|projected| projected.list("sources"));
    for source in sources.unwrap_or_default() {
        source.refuse(
            "serviceAccountToken",
            "a plugin gets no token of the cluster: leave it out",
        )?;
    }
    Ok(())
}
