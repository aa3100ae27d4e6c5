//! The front: one TLS listener that stands for the stack's nginx, closed and opened at will.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::answer::Answer;
use crate::stack::Stack;

/// Listens until the task is dropped; follows `open` and tells in `listening`.
pub(crate) async fn run(
    stack: Arc<Stack>,
    listener: TcpListener,
    address: SocketAddr,
    acceptor: TlsAcceptor,
) {
    let mut open = stack.open.subscribe();
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let Some(socket) = &listener else {
            if open.wait_for(|open| *open).await.is_err() {
                return;
            }
            listener = listen_again(address).await;
            stack.listening.send_replace(listener.is_some());
            continue;
        };
        tokio::select! {
            accepted = socket.accept() => {
                if let Ok((stream, peer)) = accepted {
                    let presents = stack.presents.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let acceptor = presents.map_or_else(|| acceptor.clone(), TlsAcceptor::from);
                    connections.spawn(connection(Arc::clone(&stack), stream, acceptor, peer));
                }
            }
            () = closes(&mut open) => {
                listener = None;
                connections.shutdown().await;
                stack.listening.send_replace(false);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Returns when the front is to close; never, if nobody can order it any more.
async fn closes(open: &mut watch::Receiver<bool>) {
    if open.wait_for(|open| !*open).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The port may be in the hands of a closing connection for a moment.
async fn listen_again(address: SocketAddr) -> Option<TcpListener> {
    for _ in 0..500 {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(error) => tracing::debug!(%address, %error, "cannot listen again yet"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tracing::error!(%address, "the port of the front was taken by another program while it was closed");
    None
}

async fn connection(stack: Arc<Stack>, stream: TcpStream, acceptor: TlsAcceptor, peer: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let stream = match acceptor.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => {
            stack.journal.refused(stack.clock.now());
            return tracing::debug!(%peer, %error, "no TLS");
        }
    };
    let reset = Arc::new(AtomicBool::new(false));
    let noticed = Arc::clone(&reset);
    let service = service_fn(move |request: Request<Incoming>| {
        let (stack, reset) = (Arc::clone(&stack), Arc::clone(&reset));
        async move {
            match answer(stack, request).await {
                Some(response) => Ok(response),
                None => {
                    reset.store(true, Ordering::SeqCst);
                    Err(Reset)
                }
            }
        }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = (&mut connection).await {
        tracing::debug!(%peer, %error, "connection ended");
    }
    if noticed.load(Ordering::SeqCst) {
        // Without lingering the close is a reset, not an orderly end.
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.get_ref().0.set_zero_linger();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the connection is reset on purpose")]
struct Reset;

/// The daemons finish what they began, also when the client is gone: the work runs in its own task.
async fn answer(stack: Arc<Stack>, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.unwrap_or("localhost").to_owned();
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes().to_vec();
    let work = tokio::spawn(async move { stack.serve(Request::from_parts(head, body), &host).await });
    work.await.ok().flatten().map(|answer| response(answer, true))
}

/// An answer on the wire; nginx puts its own name on everything that goes through it.
pub(crate) fn response(answer: Answer, front: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(answer.content_type),
    );
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name.to_ascii_lowercase());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    if front {
        headers.insert(header::SERVER, HeaderValue::from_static("nginx"));
    }
    response
}

/// The reply of a daemon asked without the front.
pub(crate) fn plain(answer: Answer) -> Response<Bytes> {
    let body = Bytes::from(answer.body.clone());
    response(answer, false).map(|_| body)
}
