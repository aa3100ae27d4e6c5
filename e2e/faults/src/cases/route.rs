//! The way from outside: Gateway, certificate, name. Each case has a Gateway and a host name of its own.

use serde_json::{Value, json};

use crate::case::{Act, Case, PatchStep, Signal, Step, patch_step, step};
use crate::certificates::{self, Life};
use crate::stage::Stage;
use crate::trouble::Result;

const GROUP: &str = "route";
const CLUSTER: &[&str] = &["Cluster"];
/// Whoever keeps the platform's objects or its names; a plugin's author may be the same person.
const PLATFORM: &[&str] = &["Cluster", "Config"];
const VERSION: &str = "gateway.networking.k8s.io/v1";
const OWN: &str = "own";

/// A certificate for the case's host.
#[derive(Clone, Copy)]
pub(super) enum Served {
    Good,
    Expired,
    OfOtherHost,
    OfStranger,
}

async fn serve(stage: &Stage, served: Served) -> Result {
    let pki = stage.ground.directory().join("pki");
    let authority = std::fs::read_to_string(pki.join("gateway.crt"))?;
    let key = std::fs::read_to_string(pki.join("gateway.key"))?;
    let host = stage.own_host();
    let pair = match served {
        Served::Good => certificates::issue(&authority, &key, &host, Life::Good)?,
        Served::Expired => certificates::issue(&authority, &key, &host, Life::Expired)?,
        Served::OfOtherHost => certificates::issue(&authority, &key, "somebody-else.example", Life::Good)?,
        Served::OfStranger => certificates::by_a_stranger(&host)?,
    };
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": OWN}, "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key},
    });
    stage.apply(&secret).await
}

fn gateway(stage: &Stage, class: &str, listener: &str) -> Value {
    json!({
        "apiVersion": VERSION, "kind": "Gateway", "metadata": {"name": OWN},
        "spec": {"gatewayClassName": class, "listeners": [{
            "name": listener, "port": 443, "protocol": "HTTPS", "hostname": stage.own_host(),
            "tls": {"mode": "Terminate", "certificateRefs": [{"name": OWN}]},
            "allowedRoutes": {"namespaces": {"from": "Same"}},
        }]},
    })
}

/// The case's own Gateway, with a good certificate.
pub(super) fn own_gateway() -> Step {
    step(|stage| {
        Box::pin(async move {
            serve(stage, Served::Good).await?;
            stage.apply(&gateway(stage, "traefik", "https")).await
        })
    })
}

/// The plugin behind it.
pub(super) fn behind_it() -> PatchStep {
    patch_step(|stage| {
        Box::pin(async move {
            Ok(json!({"spec": {"expose": {
                "host": stage.own_host(),
                "gateway": {"name": OWN, "namespace": stage.namespace, "sectionName": "https"},
            }}}))
        })
    })
}

/// The Gateway answers with another certificate.
pub(super) fn serves(served: Served) -> Act {
    Act::doing(
        step(move |stage| Box::pin(async move { serve(stage, served).await })),
        step(|stage| Box::pin(async move { serve(stage, Served::Good).await })),
    )
}

/// The Gateway is another one.
fn becomes(class: &'static str, listener: &'static str) -> Act {
    Act::doing(
        step(move |stage| Box::pin(async move { stage.apply(&gateway(stage, class, listener)).await })),
        step(|stage| Box::pin(async move { stage.apply(&gateway(stage, "traefik", "https")).await })),
    )
}

/// The Gateway is deleted.
pub(super) fn gateway_deleted() -> Act {
    Act::doing(
        step(|stage| Box::pin(async move { stage.delete(VERSION, "Gateway", OWN).await })),
        step(|stage| Box::pin(async move { stage.apply(&gateway(stage, "traefik", "https")).await })),
    )
}

/// What becomes of the host's name.
pub(super) fn name(does: fn(&Stage, &str) -> Result) -> Act {
    Act::doing(
        step(move |stage| Box::pin(async move { does(stage, &stage.own_host()) })),
        step(|stage| Box::pin(async move { stage.ground.dns.mend(&stage.own_host()) })),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let later = |name, act| {
        Case::later(name, GROUP, act)
            .prepared(own_gateway())
            .base(behind_it())
            .window(35)
    };
    let certificate = |case: Case| {
        case.truth(CLUSTER, &["Certificate"], &["PublicCertificateInvalid"])
            .signal(Signal::Look)
    };
    let secret_gone = Act::doing(
        step(|stage| Box::pin(async move { stage.delete("v1", "Secret", OWN).await })),
        step(|stage| Box::pin(async move { serve(stage, Served::Good).await })),
    );
    vec![
        certificate(later("certificate-expires", serves(Served::Expired))).decisive(),
        certificate(later("certificate-of-another-host", serves(Served::OfOtherHost))).decisive(),
        certificate(later(
            "certificate-of-an-unknown-authority",
            serves(Served::OfStranger),
        ))
        .decisive(),
        certificate(later(
            "certificate-expired-from-the-start",
            serves(Served::Expired),
        ))
        .with_first_contact()
        .window(20)
        .decisive(),
        later("certificate-secret-deleted", secret_gone)
            .truth(PLATFORM, &["Certificate", "Route"], &[])
            .outside(),
        later("listener-renamed", becomes("traefik", "other")).truth(PLATFORM, &["Route"], &[]),
        later("gateway-deleted", gateway_deleted()).truth(PLATFORM, &["Route"], &[]),
        later(
            "gateway-of-a-class-that-nobody-serves",
            becomes("nobody", "https"),
        )
        .with_first_contact()
        .truth(CLUSTER, &["Route"], &[])
        .window(45),
        later(
            "host-name-disappears",
            name(|stage, host| stage.ground.dns.unknown(host)),
        )
        .truth(PLATFORM, &["DNS"], &["HostNotResolving"])
        .signal(Signal::Look),
        later(
            "host-name-server-fails",
            name(|stage, host| stage.ground.dns.failing(host)),
        )
        .truth(&["Cluster", "Config", "Dependency"], &["DNS"], &[])
        .outside(),
        later(
            "host-name-leads-elsewhere",
            name(|stage, host| stage.ground.dns.elsewhere(host, "10.244.0.250")),
        )
        .truth(PLATFORM, &["DNS", "Route"], &[])
        .outside()
        .window(50),
    ]
}
