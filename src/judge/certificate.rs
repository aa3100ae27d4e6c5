//! Layer Certificate: the Secret that an Ingress's certificate stands in, and the end of what is presented.

use jiff::Timestamp;

use super::candidate::Candidate;
use super::state::State;
use super::{World, known_faults, manifest, settled, was};
use crate::api::condition::{ConditionType, find};
use crate::api::fault::Party;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::Verify;
use crate::api::reason::Reason;
use crate::certificate::{Certificate, Validity};
use crate::observe::tls_secret::{TLS_TYPE, TlsReference, TlsSecretFact, TlsSecretView};
use crate::observe::world::GatewayView;
use crate::probe::{CertificateFlaw, Look, LookError, Presented};

/// The field that names the Secret.
pub const FIELD: &str = "spec.expose.ingress.tls.secretName";
/// The reason of the warning.
pub const EXPIRES_SOON: &str = "CertificateExpiresSoon";
/// How the warning begins; then comes the host.
const OF: &str = "the certificate for ";
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
    let bad = |reason, told: String| State::bad(of_secret(world, name, reason, told));
    let unusable = |problem: &str| {
        let told = format!("{FIELD}: Secret \"{name}\" {problem}");
        bad(Reason::CertificateSecretUnusable, told)
    };
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
            return bad(Reason::CertificateSecretNotFound, told);
        }
        TlsSecretView::Found(fact) => fact,
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
        Some(fault) if settled(world) => State::bad(Candidate {
            fault: fault.clone(),
            decisive: true,
            again: None,
        }),
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

/// When certificates end, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// The earliest end.
    pub not_after: Option<Timestamp>,
    /// That it is near, in words that stay the same.
    pub warning: Option<String>,
    /// Seconds after which a warning may be due.
    pub again: Option<i64>,
}

/// The end of what the public address presents, and of what stands in the Secret.
#[must_use]
pub fn expiry(world: &World, plugin: &Plugin) -> Expiry {
    let host = |entry: &UiEntry| entry.manifest_url.host_str().unwrap_or_default().to_owned();
    let presented = plugin.ui.iter().filter_map(|entry| {
        let fact = manifest::fact(world, entry)?;
        // What is refused is a fault.
        let refused = matches!(fact.public, Some(Look::Bad(LookError::Certificate { .. })));
        Some((fact.validity?, host(entry), refused))
    });
    let stored = TlsReference::of(plugin).zip(in_secret(world));
    let stored = stored.map(|(reference, certificate)| {
        let flawed = world.now >= certificate.validity.not_after;
        let named = format!("{} in Secret \"{}\"", reference.host, reference.secret);
        (certificate.validity, named, flawed)
    });
    let known: Vec<_> = presented.chain(stored).collect();
    let first = known.iter().min_by_key(|(validity, ..)| validity.not_after);
    let Some((validity, of, refused)) = first else {
        return Expiry::unknown(world);
    };
    let left = validity.warn_from().as_second() - world.now.as_second();
    let due = left <= 0 && !refused;
    Expiry {
        not_after: Some(validity.not_after),
        warning: due.then(|| format!("{OF}{of} expires at {}", validity.not_after)),
        again: [left, validity.not_after.as_second() - world.now.as_second()]
            .into_iter()
            .find(|left| *left > 0),
    }
}

fn in_secret(world: &World) -> Option<&Certificate> {
    match &world.certificate {
        TlsSecretView::Found(TlsSecretFact::Certificate { certificate, .. }) => Some(certificate),
        _ => None,
    }
}

impl Expiry {
    /// While no certificate was seen, by this process or at this address: what was told goes on to hold.
    #[must_use]
    pub fn unknown(world: &World) -> Self {
        let before = &world.itself.before.conditions;
        let told = find(before, ConditionType::CertificateExpiring);
        let stays = told.filter(|told| match &world.itself.plugin {
            Err(_) => true,
            Ok(plugin) => is_looked_at(world, plugin) && is_of_host(plugin, &told.message),
        });
        Self {
            warning: stays.map(|told| told.message.clone()),
            ..Self::default()
        }
    }
}

/// Whether a certificate will be seen.
fn is_looked_at(world: &World, plugin: &Plugin) -> bool {
    let presented = plugin.spec.verify() == Verify::Public && !plugin.ui.is_empty();
    presented || world.certificate == TlsSecretView::Unknown
}

fn is_of_host(plugin: &Plugin, told: &str) -> bool {
    let expose = plugin.spec.expose.as_ref().map(|expose| expose.host.as_str());
    let urls = plugin.ui.iter().filter_map(|entry| entry.manifest_url.host_str());
    let word = told.strip_prefix(OF).and_then(|rest| rest.split(' ').next());
    expose.into_iter().chain(urls).any(|host| word == Some(host))
}
