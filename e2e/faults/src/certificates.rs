//! Certificates that cases put in the place of good ones.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair,
};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

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
    let key = read_key(authority_key)?;
    let issuer = Issuer::from_ca_cert_pem(authority, key)?;
    let (params, key) = leaf(host, life)?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// Reads a P-256 key in either of its usual forms, of which the library knows PKCS #8 alone.
fn read_key(pem: &str) -> Result<KeyPair> {
    let PrivateKeyDer::Sec1(key) = PrivateKeyDer::from_pem_slice(pem.as_bytes())? else {
        return Ok(KeyPair::from_pem(pem)?);
    };
    // RFC 5958: version 0, the algorithm id-ecPublicKey with the curve prime256v1, and the SEC 1 key as octets.
    const HEAD: [u8; 24] = [
        0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
        0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    ];
    let mut inner = HEAD.to_vec();
    inner.extend(tagged(0x04, key.secret_sec1_der()));
    let whole = PrivatePkcs8KeyDer::from(tagged(0x30, &inner));
    Ok(KeyPair::from_pkcs8_der_and_sign_algo(
        &whole,
        &rcgen::PKCS_ECDSA_P256_SHA256,
    )?)
}

/// A DER value shorter than 256 bytes.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    if value.len() >= 0x80 {
        der.push(0x81);
    }
    der.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
    der.extend_from_slice(value);
    der
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
