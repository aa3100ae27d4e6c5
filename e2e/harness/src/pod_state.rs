//! What a kubelet says of a pod, in its own words, as recorded from a real one.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};

/// The state in which a simulated pod is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PodState {
    /// It runs and is ready.
    #[default]
    Ready,
    /// It runs; its readiness probe fails.
    NotReady,
    /// Bound to a node; the kubelet said nothing yet.
    Starting,
    /// The container waits, as in `ErrImagePull`.
    Waiting {
        /// The kubelet's reason.
        reason: &'static str,
        /// The kubelet's words.
        message: String,
    },
    /// The process ended and is started again and again.
    CrashLoop {
        /// The exit code; 137 with `OOMKilled` for a memory limit.
        exit_code: i32,
        /// `Error`, `OOMKilled`, `Completed`, `StartError`.
        reason: &'static str,
        /// How often it was started again.
        restarts: i32,
    },
}

impl PodState {
    /// A registry says that the image does not exist.
    #[must_use]
    pub fn image_not_found(image: &str) -> Self {
        Self::Waiting {
            reason: "ErrImagePull",
            message: format!(
                "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
            ),
        }
    }

    /// A process that ends with an error, over and over.
    #[must_use]
    pub const fn crash(exit_code: i32) -> Self {
        Self::CrashLoop {
            exit_code,
            reason: "Error",
            restarts: 3,
        }
    }

    /// The status that the kubelet would write.
    #[must_use]
    pub fn status(&self, pod: &Pod, ip: IpAddr) -> Value {
        let now = seconds(Timestamp::now().as_second());
        let ready = *self == Self::Ready;
        let condition = |kind: &str, truth: bool| {
            let mut condition = json!({
                "type": kind, "status": if truth { "True" } else { "False" }, "lastTransitionTime": now,
            });
            if !truth {
                condition["reason"] = json!("ContainersNotReady");
                condition["message"] = json!("containers with unready status: [plugin]");
            }
            condition
        };
        // A process that is not ready has had its time to start: nobody is blamed before.
        let started = match self {
            Self::NotReady => seconds(Timestamp::now().as_second() - 60),
            _ => now.clone(),
        };
        let containers: Vec<Value> = match self {
            Self::Starting => Vec::new(),
            _ => pod
                .spec
                .iter()
                .flat_map(|spec| &spec.containers)
                .map(|container| {
                    self.container(
                        &container.name,
                        container.image.as_deref().unwrap_or_default(),
                        &pod.name_any(),
                        &started,
                    )
                })
                .collect(),
        };
        let pulled = !matches!(self, Self::Starting | Self::Waiting { .. });
        let mut status = json!({
            "phase": if pulled { "Running" } else { "Pending" },
            "hostIP": "192.0.2.10",
            "startTime": now,
            "conditions": [
                condition("PodScheduled", true),
                condition("Initialized", true),
                condition("ContainersReady", ready),
                condition("Ready", ready),
            ],
            "containerStatuses": containers,
        });
        if *self != Self::Starting {
            status["podIP"] = json!(ip);
            status["podIPs"] = json!([{"ip": ip}]);
        }
        json!({"status": status})
    }

    fn container(&self, name: &str, image: &str, pod: &str, now: &str) -> Value {
        let mut status = json!({
            "name": name, "image": image, "imageID": image_id(image), "ready": *self == Self::Ready,
            "started": true, "restartCount": 0, "state": {"running": {"startedAt": now}}, "lastState": {},
        });
        match self {
            Self::Ready | Self::NotReady | Self::Starting => {}
            Self::Waiting { reason, message } => {
                status["imageID"] = json!("");
                status["started"] = json!(false);
                status["state"] = json!({"waiting": {"reason": reason, "message": message}});
            }
            Self::CrashLoop {
                exit_code,
                reason,
                restarts,
            } => {
                let message =
                    format!("back-off 20s restarting failed container={name} pod={pod}_namespace(uid)");
                status["started"] = json!(false);
                status["restartCount"] = json!(restarts);
                status["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
                status["lastState"] = json!({"terminated": {
                    "exitCode": exit_code, "reason": reason, "startedAt": now, "finishedAt": now,
                    "containerID": "containerd://0000",
                }});
            }
        }
        status
    }
}

/// A time as Kubernetes writes it.
fn seconds(second: i64) -> String {
    Timestamp::from_second(second)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

/// The image by a digest made from its name, as a node tells it once it has pulled it.
fn image_id(image: &str) -> String {
    let name = image
        .rsplit_once(':')
        .map_or(image, |(name, tag)| if tag.contains('/') { image } else { name });
    let digest = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, image.as_bytes());
    format!("{name}@sha256:{0}{0}", digest.simple())
}
