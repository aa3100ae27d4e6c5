//! Layer Certificate: the Secret that an Ingress's certificate stands in, and whose it is what is presented.

use jiff::Timestamp;

use super::candidate::Candidate;
use super::state::State;
use super::{World, known_faults, manifest, settled, was};
use crate::api::condition::ConditionType;
use crate::api::fault::Party;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::Verify;
use crate::api::reason::Reason;
use crate::certificate::Validity;
use crate::observe::tls_secret::{TLS_TYPE, TlsReference, TlsSecretFact, TlsSecretView};
use crate::observe::world::GatewayView;
use crate::probe::{CertificateFlaw, Look, Presented};

/// The field that names the Secret.
pub const FIELD: &str = "spec.expose.ingress.tls.secretName";
/// What is applied together arrives one after the other.
const TOGETHER_SECONDS: i64 = 10;
/// How long an issuer may take that makes the Secret when it sees the Ingress.
const ISSUE_SECONDS: i64 = 120;

/// Judges the Secret that the plugin names. Where the public address presents a good certificate all the same, the
/// Secret takes nothing away.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> State {
    let Some(reference) = TlsReference::of(plugin) else {
        return State::Good;
    };
    // That it must not be named is told by its own layer.
    if super::exposure::of_ingress(world, plugin).is_some() {
        return State::Good;
    }
    let state = secret(world, plugin, &reference);
    if !is_well_presented(world, plugin) {
        return state;
    }
    match state {
        State::Bad(candidate) => State::bad(candidate.not_blocking()),
        State::Good | State::Waiting { .. } => State::Good,
    }
}

fn secret(world: &World, plugin: &Plugin, reference: &TlsReference) -> State {
    let name = &reference.secret;
    let fact = match &world.certificate {
        TlsSecretView::NotAsked | TlsSecretView::Forbidden => return State::Good,
        TlsSecretView::Unknown => return not_looked_at(world),
        TlsSecretView::NotFound { since } => {
            let left = patience(world, plugin) - (world.now.as_second() - since.as_second());
            if left > 0 {
                let told = "the Secret of the Ingress's certificate is not there yet";
                return State::for_now("CertificatePending", told, left);
            }
            let told = format!("{FIELD}: there is no Secret \"{name}\" in this namespace");
            return State::bad(of_secret(world, name, Reason::CertificateSecretNotFound, told));
        }
        TlsSecretView::Found(fact) => fact,
    };
    held(world, reference, fact)
}

/// What stands in the Secret.
fn held(world: &World, reference: &TlsReference, fact: &TlsSecretFact) -> State {
    let name = &reference.secret;
    let unusable = |problem: &str| {
        let told = format!("{FIELD}: Secret \"{name}\" {problem}");
        State::bad(of_secret(world, name, Reason::CertificateSecretUnusable, told))
    };
    match fact {
        TlsSecretFact::Credentials => unusable("holds credentials"),
        TlsSecretFact::OtherType(type_) => unusable(&format!("is of type {type_}: it must be {TLS_TYPE}")),
        TlsSecretFact::NoCertificate => unusable("has no tls.crt"),
        TlsSecretFact::NotReadable => unusable("has no PEM certificate in tls.crt"),
        TlsSecretFact::Certificate { certificate, fits } => {
            let Some(flaw) = flaw(certificate.validity, *fits, world.now) else {
                return State::Good;
            };
            let told = format!(
                "{FIELD}: the certificate in Secret \"{name}\" {flaw}; expected for {}; {certificate}",
                reference.host
            );
            State::bad(of_secret(world, name, Reason::CertificateSecretInvalid, told).again(ISSUE_SECONDS))
        }
    }
}

fn flaw(validity: Validity, fits: bool, now: Timestamp) -> Option<CertificateFlaw> {
    if now >= validity.not_after {
        Some(CertificateFlaw::Expired)
    } else if now < validity.not_before {
        Some(CertificateFlaw::NotYetValid)
    } else if !fits {
        Some(CertificateFlaw::WrongName)
    } else {
        None
    }
}

fn of_secret(world: &World, secret: &str, reason: Reason, told: String) -> Candidate {
    let key = &world.itself.key;
    Candidate::new(reason, world.now, told.clone())
        .evidence("API server", told, Some(format!("Secret/{secret}")))
        .object(
            "plugins.wazo.io/v1alpha1",
            "WazoPlugin",
            &key.namespace,
            &key.name,
        )
        .field(FIELD)
}

/// How long a Secret may be absent that was never there: an issuer makes it when it sees the Ingress.
fn patience(world: &World, plugin: &Plugin) -> i64 {
    if settled(world) {
        return 0;
    }
    let metadata = plugin
        .spec
        .expose
        .as_ref()
        .and_then(|expose| expose.metadata.as_ref());
    let annotations = metadata.and_then(|metadata| metadata.annotations.as_ref());
    let issued = |key: &String| key.starts_with("cert-manager.io/") || key == "kubernetes.io/tls-acme";
    if annotations.is_some_and(|all| all.keys().any(issued)) {
        ISSUE_SECONDS
    } else {
        TOGETHER_SECONDS
    }
}

/// Before the Secret was looked at by this process: what the status says of a generation that was in force goes on to
/// hold.
fn not_looked_at(world: &World) -> State {
    let known = known_faults(world).find(|fault| is_of_secret(fault.reason));
    match known {
        Some(fault) if settled(world) => State::bad(Candidate::recalled(fault.clone())),
        _ if settled(world) => State::Good,
        _ => State::waiting(
            "CertificatePending",
            "the Secret of the Ingress's certificate has not been looked at yet",
        ),
    }
}

/// Whether a reason is one of the Secret's.
pub(super) const fn is_of_secret(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::CertificateSecretNotFound
            | Reason::CertificateSecretUnusable
            | Reason::CertificateSecretInvalid
    )
}

/// Whether the public address is known to present a good certificate: every manifest was had there.
fn is_well_presented(world: &World, plugin: &Plugin) -> bool {
    let known = |entry: &UiEntry| match manifest::fact(world, entry) {
        Some(fact) => fact.public.as_ref().is_some_and(Look::is_good),
        None => settled(world) && was(world, ConditionType::Exposed),
    };
    plugin.spec.verify() == Verify::Public && !plugin.ui.is_empty() && plugin.ui.iter().all(known)
}

/// Whose the certificate is that the public address presents and that was refused.
pub(super) fn attribute(world: &World, candidate: Candidate, seen: Option<&Presented>) -> Candidate {
    let Ok(plugin) = &world.itself.plugin else {
        return candidate;
    };
    if plugin.spec.url.is_some() {
        return candidate.party(Party::Partner);
    }
    let Some(reference) = TlsReference::of(plugin) else {
        return with_listener(world, plugin, candidate);
    };
    let object = Some(format!("Secret/{}", reference.secret));
    match &world.certificate {
        TlsSecretView::Found(TlsSecretFact::Certificate { certificate, .. })
            if seen.is_some_and(|seen| seen.certificate == *certificate) =>
        {
            let told = "the certificate that is presented stands in this Secret";
            candidate
                .party(Party::Config)
                .evidence("API server", told, object)
                .field(FIELD)
        }
        TlsSecretView::Found(TlsSecretFact::Certificate { certificate, .. }) => {
            let told = format!("another certificate stands in the Secret: {certificate}");
            candidate.evidence("API server", told, object)
        }
        _ => candidate,
    }
}

/// With what the Gateway's controller says of the certificate of the listener.
fn with_listener(world: &World, plugin: &Plugin, candidate: Candidate) -> Candidate {
    let gateway = plugin
        .spec
        .expose
        .as_ref()
        .and_then(|expose| expose.gateway.as_ref());
    let (Some(named), GatewayView::Found(fact)) = (gateway, &world.gateway) else {
        return candidate;
    };
    let section = named.section_name.as_ref();
    let meant = |name: &String| section.is_none_or(|section| section == name);
    match fact.unresolved.iter().find(|(name, _)| meant(name)) {
        Some((listener, said)) => {
            let told = format!("listener \"{listener}\": {}: {}", said.reason, said.message);
            candidate.evidence("gateway", told, Some(format!("Gateway/{}", named.name)))
        }
        None => candidate,
    }
}

/// What was presented and refused, and what was expected.
pub(super) fn told(why: CertificateFlaw, seen: &Presented) -> String {
    let Presented { host, certificate } = seen;
    format!("the certificate {why}; expected for {host}; {certificate}")
}
