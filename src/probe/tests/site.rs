//! A web server whose pages a test sets.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream;
use http::header::HeaderName;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

/// What a page answers.
#[derive(Clone)]
pub(super) struct Page {
    status: u16,
    headers: Vec<(&'static str, String)>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Text(Vec<u8>),
    /// So many bytes, without saying so before.
    Unannounced(usize),
    /// Some bytes of the body, then nothing more.
    Stalls,
    /// No answer at all.
    Nothing,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    headers: HeaderMap,
}

/// The server.
pub(super) struct Site {
    pages: Mutex<HashMap<String, Page>>,
    asked: watch::Sender<Vec<Asked>>,
    open: Mutex<usize>,
    most_open: Mutex<usize>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            pages: Mutex::default(),
            asked: watch::Sender::new(Vec::new()),
            open: Mutex::default(),
            most_open: Mutex::default(),
        }
    }
}

impl Page {
    pub(super) fn text(text: &str) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "text/html; charset=utf-8".to_owned())],
            content: Content::Text(text.as_bytes().to_vec()),
        }
    }

    pub(super) fn json(value: &Value) -> Self {
        Self {
            headers: vec![("content-type", "application/json".to_owned())],
            ..Self::text(&value.to_string())
        }
    }

    pub(super) fn redirect(to: &str) -> Self {
        Self::text("")
            .status(302)
            .header("location", to)
            .header("access-control-allow-origin", "*")
    }

    pub(super) fn unannounced(bytes: usize) -> Self {
        Self {
            content: Content::Unannounced(bytes),
            ..Self::text("")
        }
    }

    pub(super) fn stalls() -> Self {
        Self {
            content: Content::Stalls,
            ..Self::text("")
        }
    }

    pub(super) fn nothing() -> Self {
        Self {
            content: Content::Nothing,
            ..Self::text("")
        }
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    async fn answer(self) -> Response<BoxBody<Bytes, Infallible>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(HeaderName::from_static(name), value);
        }
        let body = match self.content {
            Content::Text(text) => Full::new(Bytes::from(text)).boxed(),
            Content::Unannounced(bytes) => {
                let chunk = Bytes::from_static(&[b' '; 4096]);
                let chunks = (0..bytes.div_ceil(4096)).map(move |_| Ok(Frame::data(chunk.clone())));
                BodyExt::boxed(StreamBody::new(stream::iter(chunks)))
            }
            Content::Stalls => {
                let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"{")))]);
                BodyExt::boxed(StreamBody::new(futures::StreamExt::chain(
                    first,
                    stream::pending(),
                )))
            }
            Content::Nothing => std::future::pending().await,
        };
        response.body(body).unwrap()
    }
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    pub(super) fn set(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// Every request that came to a path.
    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked
            .borrow()
            .iter()
            .filter(|asked| asked.path == path)
            .cloned()
            .collect()
    }

    /// Waits until so many requests have come to a path.
    pub(super) async fn until_asked(&self, path: &str, times: usize) {
        let mut asked = self.asked.subscribe();
        let enough = asked.wait_for(|all| all.iter().filter(|asked| asked.path == path).count() >= times);
        timeout(Duration::from_secs(30), enough)
            .await
            .expect("it is asked")
            .unwrap();
    }

    /// The most connections that were open at the same time.
    pub(super) fn most_open(&self) -> usize {
        *self.most_open.lock().unwrap()
    }

    pub(super) async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Send + Unpin) {
        {
            let mut open = self.open.lock().unwrap();
            *open += 1;
            let mut most = self.most_open.lock().unwrap();
            *most = (*most).max(*open);
        }
        let service = service_fn(|request: Request<Incoming>| async {
            Ok::<_, Infallible>(self.answer(request).await)
        });
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
        *self.open.lock().unwrap() -= 1;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
        let path = request.uri().path().to_owned();
        let page = self.pages.lock().unwrap().get(&path).cloned();
        let asked = Asked {
            path,
            headers: request.headers().clone(),
        };
        self.asked.send_modify(|all| all.push(asked));
        page.unwrap_or_else(|| Page::text("nothing here").status(404))
            .answer()
            .await
    }
}
