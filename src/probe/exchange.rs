//! One HTTP/1.1 request on one connection.

use std::convert::Infallible;
use std::future::pending;

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::look::LookError;
use super::network::Stream;

/// The most bytes of an answer's head.
const MAX_HEAD: usize = 64 * 1024;

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Read only where it is wanted and the status is 200.
    pub(super) body: Vec<u8>,
}

/// Asks, and reads the body where `max_body` says how much of it is wanted. Takes no time limit: the caller does.
pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Empty<Bytes>>,
    max_body: Option<usize>,
) -> Result<Answer, LookError> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| LookError::Broken)?;
    let conversation = async move {
        let response = sender
            .send_request(request)
            .await
            .map_err(|_| LookError::Broken)?;
        let (head, body) = response.into_parts();
        let body = match max_body {
            Some(most) if head.status == StatusCode::OK => read(body, most).await?,
            _ => Vec::new(),
        };
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    };
    // The connection ends by itself, with an error that the conversation sees, too.
    let drive = async {
        let _ = connection.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        answer = conversation => answer,
        never = drive => match never {},
    }
}

/// Counts while reading: what the head promises is not to be trusted.
async fn read(mut body: Incoming, most: usize) -> Result<Vec<u8>, LookError> {
    if body.size_hint().lower() > most as u64 {
        return Err(LookError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| LookError::Broken)?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > most {
                return Err(LookError::TooLarge);
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}
