//! Certificates that cases put in the place of good ones.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair,
};

use crate::trouble::Result;

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// When a certificate is good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Now.
    Good,
    /// Not any more.
    Expired,
}

/// Issues a certificate for a host by an authority.
pub(crate) fn issue(authority: &str, authority_key: &str, host: &str, life: Life) -> Result<Pair> {
    let key = KeyPair::from_pem(authority_key)?;
    let issuer = Issuer::from_ca_cert_pem(authority, key)?;
    let (params, key) = leaf(host, life)?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// Issues a certificate for a host by an authority that nobody knows.
pub(crate) fn by_a_stranger(host: &str) -> Result<Pair> {
    let authority = authority()?;
    issue(&authority.certificate, &authority.key, host, Life::Good)
}

/// A new authority.
pub(crate) fn authority() -> Result<Pair> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named("An authority of somebody else");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    Ok(Pair {
        certificate: params.self_signed(&key)?.pem(),
        key: key.serialize_pem(),
    })
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn leaf(host: &str, life: Life) -> Result<(CertificateParams, KeyPair)> {
    let mut params = CertificateParams::new(vec![host.to_owned()])?;
    params.distinguished_name = named(host);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = match life {
        Life::Good => rcgen::date_time_ymd(2040, 1, 1),
        Life::Expired => rcgen::date_time_ymd(2021, 1, 1),
    };
    Ok((params, KeyPair::generate()?))
}
