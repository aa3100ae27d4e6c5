//! A certificate authority of the tests.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// A certificate authority that nobody else trusts.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// Never: the parameters are fixed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("ring makes P-256 keys");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("the parameters are valid");
        Self { issuer }
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a host, valid for more than a year, that ends at midnight (UTC) so many days from now.
    ///
    /// # Panics
    /// Where the host is no DNS name, or the days lead out of the calendar.
    #[must_use]
    pub fn issue(&self, host: &str, days: i64) -> Issued {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a DNS name");
        // Midnight (UTC) of days.
        let day = |days: i64| {
            let then = Timestamp::now() + SignedDuration::from_hours(24 * days);
            let date = then.to_zoned(TimeZone::UTC).date();
            let part = |number: i8| u8::try_from(number).expect("a month or day of the calendar");
            date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
        };
        params.not_before = day(-400);
        params.not_after = day(days);
        let key = KeyPair::generate().expect("ring makes P-256 keys");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("the authority may sign");
        Issued { certificate, key }
    }

    /// The TLS configuration of a server with a certificate for a host.
    ///
    /// # Panics
    /// Where the host is no DNS name.
    #[must_use]
    pub fn server(&self, host: &str) -> Arc<ServerConfig> {
        self.issue(host, 400).server()
    }
}

/// A certificate with its key.
pub struct Issued {
    certificate: Certificate,
    key: KeyPair,
}

impl Issued {
    /// As a Secret of type `kubernetes.io/tls`.
    #[must_use]
    pub fn secret(&self, name: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": self.certificate.pem(), "tls.key": self.key.serialize_pem()},
        })
    }

    /// The TLS configuration of a server with it.
    ///
    /// # Panics
    /// Never: the key is the certificate's.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        let certificate = &self.certificate;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key is the certificate's");
        Arc::new(config)
    }
}
