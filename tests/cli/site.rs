//! A web site behind TLS, for one test.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a path answers: the head's lines, and the body.
pub(crate) type Pages = HashMap<&'static str, (Vec<&'static str>, String)>;

/// The site; its thread ends with the test program.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    /// A file with its certificate authority.
    pub(crate) authority: PathBuf,
}

fn server_config(authority: &std::path::Path) -> Arc<ServerConfig> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
    std::fs::write(authority, issuer.pem()).expect("the folder of tests can be written");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("a key that fits");
    Arc::new(config)
}

impl Site {
    /// Serves pages.
    pub(crate) fn start(name: &str, pages: Pages) -> Self {
        let authority = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
        let config = server_config(&authority);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection =
                    ServerConnection::new(config.clone()).expect("a configuration that was checked");
                // A client that leaves in the middle is no matter here.
                let _ = answer(StreamOwned::new(connection, stream), &pages);
            }
        });
        Self { address, authority }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

fn answer(
    mut stream: StreamOwned<ServerConnection, std::net::TcpStream>,
    pages: &Pages,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    drop(lines);
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, head, body) = match pages.get(path) {
        Some((head, body)) => ("200 OK", head.as_slice(), body.as_str()),
        None => ("404 Not Found", &[][..], ""),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n",
        body.len()
    )?;
    for line in head {
        write!(stream, "{line}\r\n")?;
    }
    write!(stream, "\r\n{body}")?;
    stream.conn.send_close_notify();
    stream.flush()
}
