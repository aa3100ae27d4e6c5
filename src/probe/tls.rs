//! TLS as a browser would have it: the usual certificate authorities, and those that the chart adds.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::TlsConnector;

use super::look::{CertificateFlaw, LookError, Presented};
use super::prober::ProberError;
use crate::certificate::Certificate;

/// A client with the usual roots and `extra` ones (PEM).
pub(super) fn connector(extra: Option<&[u8]>) -> Result<TlsConnector, ProberError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(extra) = extra {
        add(&mut roots, extra).map_err(ProberError::Roots)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| ProberError::Tls(rustls::Error::General(error.to_string())))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { inner }))
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

/// Verifies as rustls does, and keeps in mind what was refused: a failed handshake shows no certificate any more.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
}

/// What was refused.
#[derive(Debug, thiserror::Error)]
#[error("the certificate {why}")]
struct Refused {
    why: CertificateFlaw,
    seen: Option<Presented>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| match error {
                rustls::Error::InvalidCertificate(why) => refused(&why, end_entity, server_name),
                other => other,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn refused(why: &CertificateError, shown: &CertificateDer<'_>, name: &ServerName<'_>) -> rustls::Error {
    let why = flaw(why);
    let host = name.to_str().into_owned();
    let seen = Certificate::of(shown).map(|certificate| Presented { host, certificate });
    let told = OtherError(Arc::new(Refused { why, seen }));
    rustls::Error::InvalidCertificate(CertificateError::Other(told))
}

/// What a failed handshake tells.
pub(super) fn reason(error: &io::Error) -> LookError {
    let Some(rustls::Error::InvalidCertificate(error)) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return LookError::TlsFailed;
    };
    if let CertificateError::Other(OtherError(told)) = error
        && let Some(Refused { why, seen }) = told.downcast_ref::<Refused>()
    {
        let (why, seen) = (*why, seen.clone().map(Box::new));
        return LookError::Certificate { why, seen };
    }
    LookError::Certificate {
        why: flaw(error),
        seen: None,
    }
}

const fn flaw(error: &CertificateError) -> CertificateFlaw {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFlaw::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFlaw::NotYetValid
        }
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
