//! The listening socket and its connections, all of which can end at once: what a crash looks like from outside.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Whether the server is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Run,
    /// New connections are left in the system's queue, open ones end; the program goes on.
    Deaf,
    /// No new connections; those with an answer under way finish it.
    Stop,
    /// Everything is cut, and the program would end with this code.
    Crash(u8),
}

/// How long open requests may take after a stop.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a client may take to send its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// Serves until the course changes.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut course: watch::Receiver<Course>) {
    let mut connections = JoinSet::new();
    let mut ending = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), course.clone()));
                }
                // Out of descriptors, or the client was gone already: the next one may do better.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
            ending = changed(&mut course) => break ending,
        }
    };
    if ending == Course::Deaf {
        ending = course
            .wait_for(|course| !matches!(course, Course::Run | Course::Deaf))
            .await
            .map_or(Course::Stop, |course| *course);
    }
    drop(listener);
    if ending == Course::Stop {
        let all = async { while connections.join_next().await.is_some() {} };
        // What is still open then is cut.
        tokio::time::timeout(PATIENCE, all).await.ok();
    }
}

/// The first course other than `Run`. A sender that is gone means that nobody holds the panel any more.
async fn changed(course: &mut watch::Receiver<Course>) -> Course {
    course
        .wait_for(|course| *course != Course::Run)
        .await
        .map_or(Course::Stop, |course| *course)
}

async fn connection(stream: TcpStream, router: Router, mut course: watch::Receiver<Course>) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = pin!(served);
    // An error is the client's leaving; there is nobody to tell.
    tokio::select! {
        _ = served.as_mut() => return,
        _ = changed(&mut course) => served.as_mut().graceful_shutdown(),
    }
    served.await.ok();
}
