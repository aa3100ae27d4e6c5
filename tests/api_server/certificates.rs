//! Certificates: what is presented, when it ends, and the Secret that an Ingress's certificate stands in.

use kube::api::{Api, DeleteParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wazo_e2e::authority::Authority;
use wazo_e2e::objects::{CORE, Seen, host, plugin};
use wazo_e2e::trial::{Trial, trial};

use super::exposure::{INGRESS, class, publish, unclass, with_ingress};

const FIELD: &str = "spec.expose.ingress.tls.secretName";
const SERIES: &str = "wazo_plugin_certificate_expiration_timestamp_seconds";

/// Lets the public host present a certificate of the known authority that ends so many days from now.
fn present(trial: &mut Trial, days: i64) {
    let network = &trial.wiring().network;
    network.present(&host("crm"), &network.issue(&host("crm"), days));
}

/// The certificate's Secret with a certificate of the known authority.
async fn store(trial: &mut Trial, host: &str, days: i64) {
    let secret = trial.wiring().network.issue(host, days).secret("crm-tls");
    trial.apply(&secret).await;
}

/// Waits for a fault of the Secret with these words.
async fn fault_of_secret(trial: &Trial, reason: &str, words: &str) -> Seen {
    let seen = trial
        .plugin_until("crm", &format!("{reason}: {words}"), |seen| {
            seen.is_observed() && seen.is_fault("Config", reason) && seen.fault("message").contains(words)
        })
        .await;
    assert_eq!(seen.0["status"]["fault"]["object"]["fieldPath"], FIELD);
    assert_eq!(seen.fault("layer"), "Certificate");
    seen
}

/// Lets the next operator serve its metrics; the answer: where.
pub(crate) async fn serve_metrics(trial: &mut Trial) -> std::net::SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = free.local_addr().expect("it is bound");
    trial.wiring().settings.listen = Some(address);
    address
}

/// What the operator's endpoint for metrics answers.
pub(crate) async fn metrics(address: std::net::SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.expect("its endpoints");
    let request = "GET /metrics HTTP/1.1\r\nhost: operator\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[test]
fn an_end_that_is_near_is_a_warning_and_no_fault_until_it_is_over() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let address = serve_metrics(trial).await;
        trial.start();
        trial.ready_plugin("crm").await;
        present(trial, 5);
        let seen = trial
            .plugin_until("crm", "warned of", |seen| {
                seen.truth("CertificateExpiring") == "True"
            })
            .await;
        assert!(seen.is_ready() && !seen.has_fault());
        assert_eq!(seen.reason("CertificateExpiring"), "CertificateExpiresSoon");
        let message = seen.message("CertificateExpiring").to_owned();
        assert!(
            message.starts_with("the certificate for crm.plugins.test expires at 20"),
            "{message}"
        );
        let told = async |reason: &str| trial.events("crm", reason).await.len() == 1;
        trial.patient(async || told("CertificateExpiresSoon").await).await;
        let text = metrics(address).await;
        let series = text.lines().find(|line| line.starts_with(SERIES)).expect(SERIES);
        let end: jiff::Timestamp = message.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(series.ends_with(&format!(" {}", end.as_second())), "{series}");
        // A restart neither takes it back nor tells it again.
        let writes = trial.recorder().writes("WazoPlugin/crm");
        trial.stop().await;
        let network = trial.wiring().network.clone();
        let before = network.connected().len();
        trial.start();
        trial
            .patient(async || network.connected().len() > before + 2)
            .await;
        assert_eq!(trial.recorder().writes("WazoPlugin/crm"), writes);
        assert_eq!(trial.events("crm", "CertificateExpiresSoon").await.len(), 1);
        present(trial, -1);
        let seen = trial.fault("crm", "Cluster", "PublicCertificateInvalid").await;
        let evidence = &seen.0["status"]["fault"]["evidence"][0];
        assert_eq!(evidence["vantage"], "operator→public");
        let observed = evidence["observed"].as_str().unwrap();
        assert!(
            observed.starts_with("the certificate is expired; expected for crm.plugins.test; notBefore 20")
                && observed.contains("issuer \"CN=public network of a test\"")
                && observed.ends_with("for crm.plugins.test"),
            "{observed}"
        );
        assert!(seen.condition("CertificateExpiring").is_none());
        assert!(trial.is_registered("crm"));
        present(trial, 90);
        let seen = trial.well("crm").await;
        assert!(seen.condition("CertificateExpiring").is_none());
    });
}

#[test]
fn a_renewed_certificate_ends_the_warning() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        present(trial, 3);
        trial.apply(&plugin("crm")).await;
        trial
            .plugin_until("crm", "ready and warned of", |seen| {
                seen.is_ready() && seen.truth("CertificateExpiring") == "True"
            })
            .await;
        present(trial, 90);
        trial
            .plugin_until("crm", "warned of no more", |seen| {
                seen.is_ready() && seen.condition("CertificateExpiring").is_none()
            })
            .await;
        trial
            .patient(async || trial.events("crm", "CertificateRenewed").await.len() == 1)
            .await;
    });
}

#[test]
fn what_is_wrong_with_the_secret_of_the_certificate_is_named_by_its_field() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let name = class(trial).await;
        // As a controller does that has no certificate for the host.
        let stranger = Authority::new("a controller's own").issue("ingress.local", 90);
        trial.wiring().network.present(&host("crm"), &stranger);
        let mut object = with_ingress("crm", &name);
        object["spec"]["expose"]["ingress"]["tls"]["secretName"] = json!("crm-tls");
        trial.apply(&object).await;
        publish(trial, "crm").await;
        let missing = "there is no Secret \"crm-tls\" in this namespace";
        let seen = fault_of_secret(trial, "CertificateSecretNotFound", missing).await;
        assert!(seen.is_blocked());
        assert_eq!(seen.truth("Reconciling"), "True", "it heals by itself");
        assert!(!trial.is_known("crm"));
        let mut opaque = trial.wiring().network.issue(&host("crm"), 90).secret("crm-tls");
        opaque["type"] = json!("Opaque");
        trial.apply(&opaque).await;
        let words = "is of type Opaque: it must be kubernetes.io/tls";
        fault_of_secret(trial, "CertificateSecretUnusable", words).await;
        trial.delete("v1", "Secret", "crm-tls").await;
        let empty = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "crm-tls"}, "type": "kubernetes.io/tls",
            "data": {"tls.crt": "", "tls.key": ""},
        });
        trial.apply(&empty).await;
        fault_of_secret(trial, "CertificateSecretUnusable", "has no tls.crt").await;
        let text = |text: &str| json!({"stringData": {"tls.crt": text}});
        trial
            .patch("v1", "Secret", "crm-tls", &text("no certificate"))
            .await;
        fault_of_secret(trial, "CertificateSecretUnusable", "has no PEM certificate").await;
        let issued = |trial: &mut Trial, host: &str, days: i64| -> Value {
            let secret = trial.wiring().network.issue(host, days).secret("crm-tls");
            json!({"stringData": secret["stringData"]})
        };
        let other = issued(trial, "other.plugins.test", 90);
        trial.patch("v1", "Secret", "crm-tls", &other).await;
        let seen = fault_of_secret(
            trial,
            "CertificateSecretInvalid",
            "is not valid for the host name",
        )
        .await;
        let message = seen.fault("message");
        assert!(
            message.contains("expected for crm.plugins.test") && message.ends_with("for other.plugins.test"),
            "{message}"
        );
        let past = issued(trial, &host("crm"), -1);
        trial.patch("v1", "Secret", "crm-tls", &past).await;
        fault_of_secret(trial, "CertificateSecretInvalid", "is expired").await;
        let good = issued(trial, &host("crm"), 90);
        trial.patch("v1", "Secret", "crm-tls", &good).await;
        // The Secret is good, and the controller still presents its own.
        let seen = trial.fault("crm", "Cluster", "PublicCertificateInvalid").await;
        let evidence = seen.0["status"]["fault"]["evidence"].to_string();
        assert!(
            evidence.contains("another certificate stands in the Secret"),
            "{evidence}"
        );
        present(trial, 90);
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
        unclass(trial, &name).await;
    });
}

#[test]
fn a_secret_that_goes_while_a_good_certificate_is_presented_takes_nothing_away() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let name = class(trial).await;
        store(trial, &host("crm"), 5).await;
        trial.apply(&with_ingress("crm", &name)).await;
        publish(trial, "crm").await;
        trial
            .plugin_until("crm", "ready and warned of", |seen| {
                seen.is_ready()
                    && seen
                        .message("CertificateExpiring")
                        .contains("in Secret \"crm-tls\"")
            })
            .await;
        Api::<k8s_openapi::api::core::v1::Secret>::namespaced(trial.client().clone(), trial.namespace())
            .delete("crm-tls", &DeleteParams::default())
            .await
            .unwrap();
        let seen = fault_of_secret(trial, "CertificateSecretNotFound", "there is no Secret").await;
        assert!(seen.is_ready() && !seen.is_blocked());
        assert_eq!(seen.truth("Degraded"), "True");
        assert_eq!(seen.truth("Exposed"), "True");
        store(trial, &host("crm"), 90).await;
        let seen = trial.well("crm").await;
        assert!(seen.condition("CertificateExpiring").is_none());
        unclass(trial, &name).await;
    });
}

#[test]
fn credentials_are_no_certificate_and_no_ingress_gets_them() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let name = class(trial).await;
        let mut object = with_ingress("crm", &name);
        object["spec"]["expose"]["ingress"]["tls"]["secretName"] = json!(CORE);
        trial.apply(&object).await;
        let seen = trial.fault("crm", "Config", "CoreCredentialsExposed").await;
        assert_eq!(seen.0["status"]["fault"]["object"]["fieldPath"], FIELD);
        assert_eq!(seen.truth("Stalled"), "True");
        assert!(trial.list(INGRESS, "Ingress").await.is_empty());
        assert!(!trial.is_known("crm"));
        store(trial, &host("crm"), 90).await;
        let edit = json!({"spec": {"expose": {"ingress": {"tls": {"secretName": "crm-tls"}}}}});
        trial.edit_plugin("crm", &edit).await;
        publish(trial, "crm").await;
        trial.well("crm").await;
        unclass(trial, &name).await;
    });
}
