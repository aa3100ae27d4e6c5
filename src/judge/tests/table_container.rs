use super::{Doing, check, rows};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::observe::fixture::{exit, waiting};
use crate::observe::world::World;
use Confidence::{High, Low, Medium};
use Doing::{Ill, Stalled};
use Layer::{Container, Image, References, Spec};
use Party::{Cluster, Config, Dependency, Partner, Unknown};

/// A container that ended and was not started again yet.
fn ended(code: i32, reason: &str) -> World {
    World::healthy().container(waiting("CrashLoopBackOff", ""), Some(exit(code, reason)))
}

fn starting(reason: &str, message: &str) -> World {
    World::healthy().waiting(reason, message)
}

#[test]
fn how_a_container_fails_to_run_tells_whose_fault_it_is() {
    let secret = r#"secret "crm" not found"#;
    let root = "container has runAsNonRoot and image will run as root";
    let other = r#"exec /app: exec format error"#;
    let entry = r#"exec: "/app": stat /app: no such file or directory"#;
    check(rows(vec![
        (
            "exit 3",
            ended(3, "Error"),
            Partner,
            Container,
            Reason::ProcessExited,
            High,
            Ill,
        ),
        (
            "exit 0",
            ended(0, "Completed"),
            Partner,
            Container,
            Reason::ProcessCompleted,
            High,
            Ill,
        ),
        (
            "abort",
            ended(134, "Error"),
            Partner,
            Container,
            Reason::ProcessCrashed,
            High,
            Ill,
        ),
        (
            "segmentation fault",
            ended(139, "Error"),
            Partner,
            Container,
            Reason::ProcessCrashed,
            High,
            Ill,
        ),
        (
            "illegal instruction",
            ended(132, "Error"),
            Unknown,
            Container,
            Reason::ProcessCrashed,
            Low,
            Ill,
        ),
        (
            "out of memory",
            ended(137, "OOMKilled"),
            Partner,
            Container,
            Reason::OutOfMemory,
            High,
            Ill,
        ),
        (
            "exit 127",
            ended(127, "Error"),
            Partner,
            Container,
            Reason::CommandNotStarted,
            High,
            Ill,
        ),
        (
            "start error",
            ended(128, "StartError"),
            Partner,
            Container,
            Reason::CommandNotStarted,
            High,
            Ill,
        ),
        (
            "no entry point",
            starting("RunContainerError", entry),
            Partner,
            Container,
            Reason::CommandNotStarted,
            High,
            Ill,
        ),
        (
            "other machine",
            starting("RunContainerError", other),
            Partner,
            Image,
            Reason::ArchitectureUnsupported,
            High,
            Ill,
        ),
        (
            "root",
            starting("CreateContainerConfigError", root),
            Partner,
            Image,
            Reason::ImageRunsAsRoot,
            High,
            Ill,
        ),
        (
            "no secret",
            starting("CreateContainerConfigError", secret),
            Config,
            References,
            Reason::ReferenceMissing,
            High,
            Ill,
        ),
    ]));
}

#[test]
fn why_an_image_is_not_pulled_tells_whose_fault_it_is() {
    let pull = |message: &str| World::reachable().waiting("ErrImagePull", message);
    let again = |message: &str| starting("ErrImagePull", message);
    let retry = Doing::Retrying;
    check(rows(vec![
        (
            "mistyped",
            pull("r/p:9: not found"),
            Config,
            Image,
            Reason::ImageNotFound,
            High,
            Stalled,
        ),
        (
            "taken away",
            again("r/p:9: not found"),
            Partner,
            Image,
            Reason::ImageNotFound,
            High,
            Stalled,
        ),
        (
            "perhaps private",
            pull("repository does not exist or may require authorization"),
            Config,
            Image,
            Reason::ImageNotFound,
            Medium,
            Stalled,
        ),
        (
            "name",
            World::reachable().waiting("InvalidImageName", ""),
            Config,
            Spec,
            Reason::InvalidImageName,
            High,
            Stalled,
        ),
        (
            "never pulled",
            World::reachable().waiting("ErrImageNeverPull", ""),
            Config,
            Image,
            Reason::ImageNotFound,
            High,
            Stalled,
        ),
        (
            "credentials",
            pull("401 Unauthorized"),
            Config,
            References,
            Reason::PullSecretRejected,
            Medium,
            retry,
        ),
        (
            "no way",
            pull("dial tcp 10.0.0.9:443: i/o timeout"),
            Cluster,
            Image,
            Reason::RegistryUnreachable,
            Medium,
            retry,
        ),
        (
            "authority",
            pull("x509: certificate signed by unknown authority"),
            Cluster,
            Image,
            Reason::RegistryUntrusted,
            High,
            retry,
        ),
        (
            "rate",
            pull("toomanyrequests: rate limit"),
            Dependency,
            Image,
            Reason::RegistryThrottled,
            High,
            retry,
        ),
        (
            "machine",
            pull("no match for platform in manifest"),
            Partner,
            Image,
            Reason::ArchitectureUnsupported,
            High,
            retry,
        ),
        (
            "not recognised",
            pull("something new"),
            Unknown,
            Image,
            Reason::ImagePullFailed,
            Medium,
            retry,
        ),
        (
            "authority, at run time",
            again("x509: unknown authority"),
            Cluster,
            Image,
            Reason::RegistryUntrusted,
            High,
            Ill,
        ),
    ]));
}
