//! When certificates end: told before it happens, as a warning and never as a fault.

use jiff::Timestamp;

use super::{World, manifest};
use crate::api::condition::{ConditionType, find};
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::Verify;
use crate::certificate::Certificate;
use crate::observe::tls_secret::{TlsReference, TlsSecretFact, TlsSecretView};
use crate::probe::{Look, LookError};

/// The reason of the warning.
pub const EXPIRES_SOON: &str = "CertificateExpiresSoon";
/// How the warning begins; then comes the host.
const OF: &str = "the certificate for ";

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
pub fn judge(world: &World, plugin: &Plugin) -> Expiry {
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
