//! What of the log is let through.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Each pass is wrapped by the client library into a span that repeats what the line of the pass says; and an answer that it
/// cannot read it prints as a whole, a Secret as well.
const LIBRARIES: &str = "kube_runtime=warn,kube_client::client=error";

/// The filter for `level`: one level, or several `module=level`.
///
/// # Errors
/// When `level` is no such text.
pub fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{level},{LIBRARIES}"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use http::{Request, Response};
    use k8s_openapi::api::core::v1::Secret;
    use kube::client::Body;
    use kube::{Api, Client};

    use super::filter;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged, and what the caller is told, when the answer to the reading of a Secret cannot be read.
    async fn broken_answer(level: &str) -> (String, String) {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter(level).unwrap())
            .with_writer(move || writer.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let server = tower::service_fn(|_: Request<Body>| async {
            let cut_off =
                r#"{"kind": "Secret", "metadata": {"name": 7}, "data": {"password": "aHVudGVyMjI="}}"#;
            Ok::<_, io::Error>(Response::new(Body::from(cut_off.as_bytes().to_vec())))
        });
        let api: Api<Secret> = Api::namespaced(Client::new(server, "acme"), "acme");
        let error = api.get("main").await.unwrap_err();
        tracing::info!(error = crate::api_error::told(&error), "a line of ours");
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        (text, crate::api_error::told(&error))
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_not_logged_whatever_the_level() {
        for level in [
            "info",
            "debug",
            "trace",
            "warn,kube_client=trace,wazo_plugin_operator=info",
        ] {
            let (log, told) = broken_answer(level).await;
            assert!(!log.contains("aHVudGVyMjI="), "{level}: {log}");
            assert!(log.contains("a line of ours"), "{level}: {log}");
            assert_eq!(told, "an answer of a form that is not expected");
        }
    }
}
