//! The front's certificate, from a CA made for this one stack.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::error::{Error, Result};

/// The CA in PEM and what the front needs to answer with a certificate of it.
pub(crate) struct Identity {
    pub(crate) ca_pem: String,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) authority: Authority,
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// The CA, to issue more certificates.
#[derive(Debug)]
pub(crate) struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

/// Makes a CA and a certificate for the names.
pub(crate) fn identity(names: &[String]) -> Result<Identity> {
    let failed = |source| Error::Certificate {
        names: names.to_vec(),
        source,
    };
    let (authority, ca_pem) = authority().map_err(failed)?;
    let config = authority.issue(names, Life::Good)?;
    Ok(Identity {
        ca_pem,
        config,
        authority,
    })
}

/// When a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Now.
    Good,
    /// Not any more.
    Expired,
}

/// A new CA and its certificate in PEM.
pub(crate) fn authority() -> std::result::Result<(Authority, String), rcgen::Error> {
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.distinguished_name = named("Simulated Wazo core CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let ca_key = KeyPair::generate()?;
    let pem = ca.self_signed(&ca_key)?.pem();
    let authority = Authority {
        params: ca,
        key: ca_key,
    };
    Ok((authority, pem))
}

impl Authority {
    /// What the front needs to answer with a certificate for the names.
    pub(crate) fn issue(&self, names: &[String], life: Life) -> Result<Arc<ServerConfig>> {
        let failed = |source| Error::Certificate {
            names: names.to_vec(),
            source,
        };
        let (key, chain) = self.leaf(names, life).map_err(failed)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(config))
    }

    fn leaf(
        &self,
        names: &[String],
        life: Life,
    ) -> std::result::Result<(PrivateKeyDer<'static>, Vec<CertificateDer<'static>>), rcgen::Error> {
        let mut leaf = CertificateParams::new(names.to_vec())?;
        if life == Life::Expired {
            leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
            leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        leaf.distinguished_name = named("Simulated Wazo core");
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = leaf.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((key, vec![certificate.der().clone()]))
    }
}
