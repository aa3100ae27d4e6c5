//! The Secret of an Ingress's certificate as a fact: what its certificate tells. Of such a Secret nothing but its type
//! and `tls.crt` is decoded: the private key beside it is skipped where it arrives.

use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::ServerName;
use serde::{Deserialize, Serialize};

use crate::api::names::{ACCOUNT_LABEL, COPY_TYPE, CREDENTIALS_TYPE};
use crate::api::parse::Plugin;
use crate::certificate::Certificate;

/// The type that a Secret with a certificate has.
pub const TLS_TYPE: &str = "kubernetes.io/tls";

/// The Secret that a plugin names, and the host that its certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsReference {
    /// `spec.expose.ingress.tls.secretName`.
    pub secret: String,
    /// `spec.expose.host`.
    pub host: String,
}

impl TlsReference {
    /// What a plugin names; `None`: nothing.
    #[must_use]
    pub fn of(plugin: &Plugin) -> Option<Self> {
        let expose = plugin.spec.expose.as_ref()?;
        let tls = expose.ingress.as_ref()?.tls.as_ref()?;
        Some(Self {
            secret: tls.secret_name.clone(),
            host: expose.host.clone(),
        })
    }
}

/// What is known of the Secret that a plugin names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsSecretView {
    /// The plugin names none.
    NotAsked,
    /// It was not looked at yet.
    Unknown,
    /// The operator may not read it.
    Forbidden,
    /// There is none of this name.
    NotFound {
        /// Since when, as far as this process saw.
        since: Timestamp,
    },
    /// It is there.
    Found(TlsSecretFact),
}

/// A Secret that is named as an Ingress's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsSecretFact {
    /// It holds the credentials of a core, or of a plugin's account at one.
    Credentials,
    /// It is of another type than [`TLS_TYPE`].
    OtherType(String),
    /// It has no `tls.crt`.
    NoCertificate,
    /// What stands in `tls.crt` is no PEM certificate.
    NotReadable,
    /// It holds a certificate.
    Certificate {
        /// What it tells.
        certificate: Certificate,
        /// Whether it is for the host.
        fits: bool,
    },
}

/// As much of a Secret as is decoded.
#[derive(Clone, Deserialize)]
pub struct TlsSecret {
    metadata: ObjectMeta,
    #[serde(rename = "type")]
    type_: Option<String>,
    #[serde(default)]
    data: Option<Public>,
}

/// Other keys are skipped.
#[derive(Clone, Deserialize)]
struct Public {
    #[serde(rename = "tls.crt")]
    certificate: Option<ByteString>,
}

/// Its annotations may repeat what it was applied from: nothing of it is printed.
impl Debug for TlsSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsSecret")
    }
}

impl Resource for TlsSecret {
    type DynamicType = ();
    type Scope = k8s_openapi::NamespaceResourceScope;

    fn kind((): &()) -> std::borrow::Cow<'_, str> {
        Secret::kind(&())
    }

    fn group((): &()) -> std::borrow::Cow<'_, str> {
        Secret::group(&())
    }

    fn version((): &()) -> std::borrow::Cow<'_, str> {
        Secret::version(&())
    }

    fn plural((): &()) -> std::borrow::Cow<'_, str> {
        Secret::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl TlsSecretFact {
    /// What is to be known of a Secret that is to hold a certificate for a host.
    #[must_use]
    pub fn of(object: &TlsSecret, host: &str) -> Self {
        let labels = object.metadata.labels.as_ref();
        let of_account = labels.is_some_and(|labels| labels.contains_key(ACCOUNT_LABEL));
        let type_ = object.type_.as_deref().unwrap_or("Opaque");
        if of_account || [CREDENTIALS_TYPE, COPY_TYPE].contains(&type_) {
            return Self::Credentials;
        }
        if type_ != TLS_TYPE {
            return Self::OtherType(type_.chars().take(253).collect());
        }
        let bytes = object.data.as_ref().and_then(|data| data.certificate.as_ref());
        let Some(bytes) = bytes.filter(|bytes| !bytes.0.is_empty()) else {
            return Self::NoCertificate;
        };
        let Some(der) = Certificate::first_of_pem(&bytes.0) else {
            return Self::NotReadable;
        };
        let (Some(certificate), Ok(parsed)) = (Certificate::of(&der), ParsedCertificate::try_from(&der))
        else {
            return Self::NotReadable;
        };
        let name = ServerName::try_from(host);
        let fits = name.is_ok_and(|name| verify_server_name(&parsed, &name).is_ok());
        Self::Certificate { certificate, fits }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use rcgen::{CertificateParams, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    fn secret(type_: &str, data: Value) -> TlsSecret {
        serde_json::from_value(json!({"metadata": {"name": "crm-tls"}, "type": type_, "data": data})).unwrap()
    }

    fn fact(type_: &str, data: Value) -> TlsSecretFact {
        TlsSecretFact::of(&secret(type_, data), "crm.acme.example")
    }

    fn pem(name: &str) -> String {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        STANDARD.encode(certificate.pem())
    }

    fn fits(name: &str) -> bool {
        match fact(TLS_TYPE, json!({"tls.crt": pem(name), "tls.key": "a2V5"})) {
            TlsSecretFact::Certificate { certificate, fits } => {
                assert_eq!(certificate.names, [name]);
                fits
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_certificate_fits_the_host_or_does_not() {
        assert!(fits("crm.acme.example"));
        assert!(fits("*.acme.example"));
        assert!(!fits("other.example"));
    }

    #[test]
    fn what_is_no_certificate_is_told_by_what_is_wrong() {
        assert_eq!(
            fact("Opaque", json!({"tls.crt": pem("crm.acme.example")})),
            TlsSecretFact::OtherType("Opaque".to_owned())
        );
        for data in [json!({"tls.key": "a2V5"}), json!({"tls.crt": ""}), Value::Null] {
            assert_eq!(fact(TLS_TYPE, data), TlsSecretFact::NoCertificate);
        }
        for text in [
            "no PEM",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let data = json!({"tls.crt": STANDARD.encode(text)});
            assert_eq!(fact(TLS_TYPE, data), TlsSecretFact::NotReadable);
        }
    }

    #[test]
    fn credentials_are_told_from_other_secrets_without_being_read() {
        for type_ in [CREDENTIALS_TYPE, COPY_TYPE] {
            assert_eq!(
                fact(type_, json!({"password": "a2V5"})),
                TlsSecretFact::Credentials
            );
        }
        let mut account = secret("Opaque", json!({}));
        account.metadata.labels = Some([(ACCOUNT_LABEL.to_owned(), "current".to_owned())].into());
        assert_eq!(
            TlsSecretFact::of(&account, "crm.acme.example"),
            TlsSecretFact::Credentials
        );
    }

    #[test]
    fn a_secret_is_not_printed() {
        let mut object = secret(TLS_TYPE, json!({"tls.crt": "a2V5"}));
        let applied = "kubectl.kubernetes.io/last-applied-configuration".to_owned();
        object.metadata.annotations = Some([(applied, "key".to_owned())].into());
        assert_eq!(format!("{object:?}"), "TlsSecret");
    }
}
