//! Whom we trust: the usual roots, or what the CA bundle holds.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::wire::CaError;

/// The TLS configuration of a client that trusts the certificates in `ca_pem`, or else the usual roots.
pub(super) fn client_config(ca_pem: Option<&[u8]>) -> Result<ClientConfig, CaError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions of TLS");
    let Some(pem) = ca_pem else {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    };
    let verifier = BundleVerifier::new(pem, provider)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Verifies against a CA bundle, and takes a self-signed certificate that stands itself in the bundle.
///
/// A stack ships a certificate that it signed itself, made by OpenSSL and so marked as an authority; WebPKI refuses
/// an authority as a server's certificate. Its name and validity count all the same.
#[derive(Debug)]
struct BundleVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    bundle: Vec<CertificateDer<'static>>,
}

impl BundleVerifier {
    fn new(pem: &[u8], provider: Arc<CryptoProvider>) -> Result<Self, CaError> {
        let bundle = certificates(pem)?;
        let mut roots = RootCertStore::empty();
        for (index, certificate) in bundle.iter().enumerate() {
            roots
                .add(certificate.clone())
                .map_err(|error| CaError::BrokenCertificate {
                    number: index + 1,
                    reason: error.to_string(),
                })?;
        }
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| CaError::BrokenCertificate {
                number: 1,
                reason: error.to_string(),
            })?;
        Ok(Self { webpki, bundle })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CaError> {
    let bundle = CertificateDer::pem_slice_iter(pem)
        .enumerate()
        .map(|(index, block)| {
            block.map_err(|error| CaError::BrokenPem {
                number: index + 1,
                reason: error.to_string(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if bundle.is_empty() {
        return Err(CaError::NoCertificate);
    }
    Ok(bundle)
}

/// WebPKI looks at validity before it looks at the mark of an authority, so this error implies validity.
fn is_an_authority(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            inner.to_string() == "CaUsedAsEndEntity"
        }
        _ => false,
    }
}

impl ServerCertVerifier for BundleVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let error =
            match self
                .webpki
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            {
                Ok(verified) => return Ok(verified),
                Err(error) => error,
            };
        if is_an_authority(&error) {
            if !self.bundle.iter().any(|certificate| certificate == end_entity) {
                return Err(CertificateError::UnknownIssuer.into());
            }
            rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        Err(error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
