//! Layer Image: why a node cannot pull the image, by the kubelet's and the runtime's words.

use jiff::Timestamp;

use super::candidate::Candidate;
use crate::api::fault::Party;
use crate::api::reason::Reason;

/// The kubelet's waiting reasons of this layer.
#[must_use]
pub fn is_image_reason(reason: &str) -> bool {
    matches!(
        reason,
        "ErrImagePull"
            | "ImagePullBackOff"
            | "ErrImageNeverPull"
            | "InvalidImageName"
            | "ImageInspectError"
            | "RegistryUnavailable"
    )
}

/// Whether a reason tells why an image is not pulled.
#[must_use]
pub const fn is_cause(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ImageNotFound
            | Reason::InvalidImageName
            | Reason::PullSecretRejected
            | Reason::RegistryUntrusted
            | Reason::RegistryUnreachable
            | Reason::RegistryFailing
            | Reason::RegistryThrottled
            | Reason::ArchitectureUnsupported
            | Reason::ImagePullFailed
    )
}

/// The candidate for a container that waits for its image. `worked`: the same image ran before.
#[must_use]
pub fn judge(waiting: &str, message: &str, image: &str, since: Timestamp, worked: bool) -> Candidate {
    let (reason, said) = classify(waiting, message);
    let told = format!("image \"{image}\": {}", reason.row().meaning.to_lowercase());
    let candidate =
        Candidate::new(reason, since, told).evidence("kubelet", said, Some(format!("image {image}")));
    match reason {
        // A tag that is gone after it worked was taken away by its owner, not mistyped.
        Reason::ImageNotFound if worked => candidate.party(Party::Partner),
        Reason::ImageNotFound if message.contains("authorization") => {
            candidate.indirect("whether the registry asks for credentials: it answers alike for both")
        }
        // A gateway before the registry says the same of itself.
        Reason::RegistryUnreachable | Reason::RegistryFailing => {
            candidate.indirect("whether other plugins pull from the same registry")
        }
        Reason::PullSecretRejected => candidate.indirect("whether the Secret's credentials work elsewhere"),
        Reason::ImagePullFailed => candidate.indirect("a cause that the kubelet's message names"),
        _ => candidate,
    }
}

/// The reason, and the words that tell it; the rest of the message repeats names and changes from try to try.
fn classify(waiting: &str, message: &str) -> (Reason, String) {
    if matches!(waiting, "InvalidImageName") {
        return (Reason::InvalidImageName, "InvalidImageName".to_owned());
    }
    if waiting == "ErrImageNeverPull" {
        return (Reason::ImageNotFound, "ErrImageNeverPull".to_owned());
    }
    let lower = message.to_lowercase();
    const SIGNS: &[(&str, Reason)] = &[
        ("toomanyrequests", Reason::RegistryThrottled),
        ("429 too many requests", Reason::RegistryThrottled),
        ("no match for platform", Reason::ArchitectureUnsupported),
        // A portal or proxy that answers with a page of its own where the registry should.
        ("unexpected media type text/", Reason::RegistryUnreachable),
        ("500 internal server error", Reason::RegistryFailing),
        ("502 bad gateway", Reason::RegistryFailing),
        ("503 service unavailable", Reason::RegistryFailing),
        ("504 gateway time", Reason::RegistryFailing),
        ("x509", Reason::RegistryUntrusted),
        (
            "certificate signed by unknown authority",
            Reason::RegistryUntrusted,
        ),
        ("unauthorized", Reason::PullSecretRejected),
        ("no basic auth credentials", Reason::PullSecretRejected),
        ("403 forbidden", Reason::PullSecretRejected),
        ("manifest unknown", Reason::ImageNotFound),
        ("repository does not exist", Reason::ImageNotFound),
        ("name unknown", Reason::ImageNotFound),
        ("no such host", Reason::RegistryUnreachable),
        ("i/o timeout", Reason::RegistryUnreachable),
        ("connection refused", Reason::RegistryUnreachable),
        ("tls handshake timeout", Reason::RegistryUnreachable),
        ("deadline exceeded", Reason::RegistryUnreachable),
        ("network is unreachable", Reason::RegistryUnreachable),
        (": not found", Reason::ImageNotFound),
        ("denied", Reason::PullSecretRejected),
        ("invalid reference format", Reason::InvalidImageName),
    ];
    SIGNS.iter().find(|(sign, _)| lower.contains(sign)).map_or(
        (Reason::ImagePullFailed, "the image cannot be pulled".to_owned()),
        |(sign, reason)| {
            (
                *reason,
                format!("the pull fails: {}", sign.trim_start_matches(": ")),
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtimes_words_tell_whose_fault_a_failed_pull_is() {
        for (message, reason) in [
            (
                r#"rpc error: code = NotFound desc = failed to pull: "r.test/p:9": not found"#,
                Reason::ImageNotFound,
            ),
            (
                "dial tcp 127.0.0.1:5999: connect: connection refused",
                Reason::RegistryUnreachable,
            ),
            (
                "pull access denied, repository does not exist or may require authorization",
                Reason::ImageNotFound,
            ),
            (
                "unexpected status from HEAD request: 401 Unauthorized",
                Reason::PullSecretRejected,
            ),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                Reason::RegistryUntrusted,
            ),
            (
                "toomanyrequests: You have reached your pull rate limit",
                Reason::RegistryThrottled,
            ),
            (
                "no match for platform in manifest",
                Reason::ArchitectureUnsupported,
            ),
            (
                "failed to unpack image on snapshotter overlayfs: unexpected media type text/html for sha256:c4: not found",
                Reason::RegistryUnreachable,
            ),
            (
                "pulling from host r.test failed with status code [manifests base]: 500 Internal Server Error",
                Reason::RegistryFailing,
            ),
            ("something new", Reason::ImagePullFailed),
        ] {
            assert_eq!(classify("ErrImagePull", message).0, reason, "{message}");
        }
    }
}
