//! TLS as a browser would have it: the usual certificate authorities, and those that the chart adds.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_rustls::TlsConnector;

use super::look::{CertificateFlaw, LookError};
use super::prober::ProberError;

/// A client with the usual roots and `extra` ones (PEM).
pub(super) fn connector(extra: Option<&[u8]>) -> Result<TlsConnector, ProberError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(extra) = extra {
        add(&mut roots, extra).map_err(ProberError::Roots)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session would show yesterday's certificate.
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == before {
        return Err("there is none".to_owned());
    }
    Ok(())
}

/// What a failed handshake tells.
pub(super) fn reason(error: &io::Error) -> LookError {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::InvalidCertificate(error)) => LookError::Certificate { why: flaw(error) },
        _ => LookError::TlsFailed,
    }
}

const fn flaw(error: &CertificateError) -> CertificateFlaw {
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => CertificateFlaw::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFlaw::WrongName
        }
        // An authority that was made anew under its old name shows as a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => CertificateFlaw::UnknownIssuer,
        _ => CertificateFlaw::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::connector;

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        for pem in [
            &b""[..],
            b"no PEM at all",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let message = connector(Some(pem)).err().unwrap().to_string();
            assert!(
                message.starts_with("probe.caBundle holds no usable PEM certificate: "),
                "{message}"
            );
        }
        assert!(connector(None).is_ok());
    }
}
