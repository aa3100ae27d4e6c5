//! GET from one vantage, redirects followed as far as they may be.

use std::net::{IpAddr, SocketAddr};

use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue, LOCATION, ORIGIN, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use url::{Position, Url};

use super::cors;
use super::exchange::{Answer, exchange};
use super::look::{LookError, RedirectFlaw};
use super::open::Opener;
use crate::certificate::Validity;

const AGENT: &str = concat!("wazo-plugin-operator/", env!("CARGO_PKG_VERSION"));

/// From where something is asked.
#[derive(Clone, Copy)]
pub(super) enum Vantage<'a> {
    /// At the public address; of private addresses only these.
    Public(&'a [IpAddr]),
    /// At the plugin's Service, as the gateway would; as much as is known of where it leads.
    Service(SocketAddr, &'a [SocketAddr]),
    /// At a pod, as the gateway would.
    Pod(SocketAddr),
}

/// What is asked for.
pub(super) enum Wanted<'a> {
    /// The body, at most so many bytes, by a script of this origin.
    Data { origin: &'a str, max_body: usize },
    /// The head of a page that is to be framed.
    Page,
}

/// What came in the end.
pub(super) struct Fetched {
    /// Where it came from, after redirects.
    pub(super) url: Url,
    pub(super) answer: Answer,
    /// The origin that a browser would have sent with the last request: `null` after a redirect across origins.
    pub(super) origin: String,
    /// When the certificate of the host that was asked first is valid.
    pub(super) validity: Option<Validity>,
}

/// The guarded client.
pub(super) struct Client {
    opener: Opener,
    max_redirects: usize,
}

impl Client {
    pub(super) const fn new(opener: Opener, max_redirects: usize) -> Self {
        Self {
            opener,
            max_redirects,
        }
    }

    /// Fetches; takes no time limit.
    pub(super) async fn get(
        &self,
        vantage: Vantage<'_>,
        url: &Url,
        wanted: &Wanted<'_>,
    ) -> Result<Fetched, LookError> {
        let mut url = url.clone();
        let mut origin = match wanted {
            Wanted::Data { origin, .. } => (*origin).to_owned(),
            Wanted::Page => String::new(),
        };
        let mut validity = None;
        for hop in 0..=self.max_redirects {
            let answer = self.hop(vantage, &url, wanted, &origin).await;
            let (answer, valid) =
                answer.map_err(|error| if hop == 0 { error } else { after_redirect(error) })?;
            if hop == 0 {
                validity = valid;
            }
            if !redirects(answer.status) {
                return Ok(Fetched {
                    url,
                    answer,
                    origin,
                    validity,
                });
            }
            if matches!(wanted, Wanted::Data { .. }) && !cors::allows(&answer.headers, &origin) {
                return Err(LookError::CorsMissing);
            }
            let next = target(vantage, &url, &answer)?;
            if next.origin() != url.origin() {
                "null".clone_into(&mut origin);
            }
            url = next;
        }
        Err(LookError::TooManyRedirects)
    }

    /// A plain GET of a pod's path, no redirect followed: the kubelet's readiness probe.
    pub(super) async fn ask_pod(&self, pod: SocketAddr, path: &str) -> Result<StatusCode, LookError> {
        let request = Request::get(path)
            .header(HOST, pod.to_string())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "*/*")
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|_| LookError::Broken)?;
        let stream = self.opener.pod(pod).await?;
        Ok(exchange(stream, request, None).await?.status)
    }

    /// Whether a pod takes a connection.
    pub(super) async fn knock(&self, pod: SocketAddr) -> Result<(), LookError> {
        self.opener.pod(pod).await.map(drop)
    }

    /// Whether a name resolves.
    pub(super) async fn resolve(&self, name: &str) -> Result<(), LookError> {
        self.opener.resolve(name).await.map(drop)
    }

    async fn hop(
        &self,
        vantage: Vantage<'_>,
        url: &Url,
        wanted: &Wanted<'_>,
        origin: &str,
    ) -> Result<(Answer, Option<Validity>), LookError> {
        let mut request = Request::get(&url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
            .header(USER_AGENT, AGENT)
            .header(ACCEPT_ENCODING, "identity")
            .header(CONNECTION, "close");
        let max_body = match wanted {
            Wanted::Data { max_body, .. } => {
                request = request.header(ACCEPT, "application/json").header(ORIGIN, origin);
                Some(*max_body)
            }
            Wanted::Page => {
                request = request.header(ACCEPT, "text/html,*/*;q=0.8");
                None
            }
        };
        // A server behind a gateway would redirect what came without TLS.
        let forwarded = HeaderValue::from_static("https");
        let (stream, validity) = match vantage {
            Vantage::Public(gateway) => {
                if url.scheme() != "https" {
                    // Jobs are https by contract, redirects are checked: this is the last line.
                    return Err(LookError::TlsFailed);
                }
                self.opener.public(url, gateway).await?
            }
            Vantage::Service(address, behind) => {
                request = request.header("x-forwarded-proto", forwarded);
                (self.opener.service(address, behind).await?, None)
            }
            Vantage::Pod(address) => {
                request = request.header("x-forwarded-proto", forwarded);
                (self.opener.pod(address).await?, None)
            }
        };
        let request = request
            .body(Empty::<Bytes>::new())
            .map_err(|_| LookError::Broken)?;
        Ok((exchange(stream, request, max_body).await?, validity))
    }
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads, if it may be followed.
fn target(vantage: Vantage<'_>, url: &Url, answer: &Answer) -> Result<Url, LookError> {
    let refused = |why| LookError::RedirectRefused { why };
    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let mut next = location
        .and_then(|location| url.join(location).ok())
        .ok_or_else(|| refused(RedirectFlaw::NoLocation))?;
    match vantage {
        Vantage::Public(_) if next.scheme() != "https" => Err(refused(RedirectFlaw::Insecure)),
        Vantage::Public(_) => Ok(next),
        Vantage::Service(..) | Vantage::Pod(_) => {
            // A pod may not know under which scheme and port the gateway serves it.
            if next.host() != url.host() || !matches!(next.scheme(), "http" | "https") {
                return Err(refused(RedirectFlaw::Elsewhere));
            }
            if next.set_scheme(url.scheme()).is_err() || next.set_port(url.port()).is_err() {
                return Err(refused(RedirectFlaw::NoLocation));
            }
            Ok(next)
        }
    }
}

/// What is wrong with a redirect's target is not wrong with the public host.
fn after_redirect(error: LookError) -> LookError {
    let why = match error {
        LookError::AddressRefused { .. } => RedirectFlaw::Address,
        LookError::NotResolving => RedirectFlaw::NotResolving,
        other => return other,
    };
    LookError::RedirectRefused { why }
}
