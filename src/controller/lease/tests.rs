//! The lease on an API server in memory that can lose answers and hang.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Election, ElectionError, LeaseLock, Lost};
use crate::controller::guard::Guard;

#[derive(Default)]
struct Stored {
    lease: Option<Lease>,
    version: u64,
    writes: usize,
    /// The answer of the next write is lost, the write is done.
    lose_an_answer: bool,
    hangs: bool,
}

/// The API server: one lease.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Stored>>);

fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut answer = Response::new(Body::from(body.to_string().into_bytes()));
    *answer.status_mut() = status;
    answer
}

fn refused(status: StatusCode, reason: &str) -> Response<Body> {
    let said = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": status.as_u16(), "reason": reason, "message": reason});
    answer(status, &said)
}

impl Server {
    fn with<T>(&self, change: impl FnOnce(&mut Stored) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect_bytes().await.unwrap();
                if server.with(|stored| stored.hangs) {
                    std::future::pending::<()>().await;
                }
                Ok::<_, std::io::Error>(server.with(|stored| stored.serve(&head.method, &body)))
            }
        });
        Client::new(service, "wazo")
    }

    fn lock(&self, identity: &str) -> LeaseLock {
        LeaseLock::new(self.client(), election(identity))
    }

    fn holder(&self) -> Option<String> {
        self.with(|stored| stored.lease.as_ref()?.spec.as_ref()?.holder_identity.clone())
    }
}

impl Stored {
    fn serve(&mut self, method: &Method, body: &[u8]) -> Response<Body> {
        if *method == Method::GET {
            return match &self.lease {
                Some(lease) => answer(StatusCode::OK, &json!(lease)),
                None => refused(StatusCode::NOT_FOUND, "NotFound"),
            };
        }
        let mut given: Lease = serde_json::from_slice(body).unwrap();
        let known = self
            .lease
            .as_ref()
            .and_then(|lease| lease.metadata.resource_version.clone());
        if *method == Method::PUT && known.is_none() {
            return refused(StatusCode::NOT_FOUND, "NotFound");
        }
        if given.metadata.resource_version != known {
            return refused(StatusCode::CONFLICT, "Conflict");
        }
        self.version += 1;
        self.writes += 1;
        given.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(given.clone());
        if std::mem::take(&mut self.lose_an_answer) {
            return refused(StatusCode::GATEWAY_TIMEOUT, "Timeout");
        }
        answer(StatusCode::OK, &json!(given))
    }
}

fn election(identity: &str) -> Election {
    Election {
        lease_duration: Duration::from_secs(1),
        renew_deadline: Duration::from_millis(600),
        retry_period: Duration::from_millis(50),
        ..Election::new("wazo", "operator", identity)
    }
}

async fn acquire(lock: &mut LeaseLock) -> Guard {
    lock.acquire(|_| {}).await
}

#[test]
fn times_that_let_two_lead_are_refused() {
    let with = |duration, deadline, retry| {
        let ms = Duration::from_millis;
        Election {
            lease_duration: ms(duration),
            renew_deadline: ms(deadline),
            retry_period: ms(retry),
            ..election("a")
        }
        .check()
    };
    assert_eq!(with(15_000, 10_000, 2000), Ok(()));
    assert_eq!(with(15_000, 15_000, 2000), Err(ElectionError::Order));
    assert_eq!(with(15_000, 10_000, 10_000), Err(ElectionError::Order));
    assert_eq!(
        with(1500, 1000, 100),
        Err(ElectionError::Duration),
        "a Lease has whole seconds"
    );
    assert_eq!(with(0, 0, 0), Err(ElectionError::Duration));
}

#[tokio::test]
async fn a_free_lease_is_taken_and_given_back() {
    let server = Server::default();
    let mut lock = server.lock("a");
    let guard = acquire(&mut lock).await;
    assert!(guard.is_open());
    assert_eq!(server.holder().as_deref(), Some("a"));
    lock.release(&guard).await;
    assert!(!guard.is_open() && server.holder().is_none());
    acquire(&mut server.lock("b")).await;
    let transitions = server.with(|stored| stored.lease.clone().unwrap().spec.unwrap().lease_transitions);
    assert_eq!((server.holder().as_deref(), transitions), (Some("b"), Some(2)));
}

#[tokio::test]
async fn another_leads_only_after_the_first_may_send_nothing_any_more() {
    let server = Server::default();
    let (mut first, mut second) = (server.lock("a"), server.lock("b"));
    let guard = acquire(&mut first).await;
    let waiting = acquire(&mut second);
    tokio::pin!(waiting);
    // It renews for longer than the lease lasts without a renewal, and the other waits.
    tokio::select! {
        _ = &mut waiting => panic!("two lead"),
        lost = first.keep(&guard) => panic!("{lost}"),
        () = sleep(Duration::from_millis(1500)) => {}
    }
    assert!(guard.is_open());
    // It stands still: nothing renews, nothing closes the guard.
    let stopped = Instant::now();
    let theirs = waiting.await;
    assert!(!guard.is_open(), "the first could send still");
    assert!(theirs.is_open());
    assert!(
        stopped.elapsed() >= Duration::from_millis(900),
        "{:?}",
        stopped.elapsed()
    );
    // It goes on, and finds that it lost.
    assert!(matches!(first.keep(&guard).await, Lost::Expired));
    assert_eq!(server.holder().as_deref(), Some("b"));
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_is_found_again() {
    let server = Server::default();
    let mut lock = server.lock("a");
    let guard = acquire(&mut lock).await;
    let before = guard.deadline();
    server.with(|stored| stored.lose_an_answer = true);
    tokio::select! {
        lost = lock.keep(&guard) => panic!("{lost}"),
        () = sleep(Duration::from_millis(1200)) => {}
    }
    assert!(guard.is_open() && guard.deadline() > before + Duration::from_millis(500));
    assert!(!server.with(|stored| stored.lose_an_answer), "an answer was lost");
}

#[tokio::test]
async fn a_lease_that_somebody_took_or_deleted_is_lost_at_once() {
    for (deleted, what) in [(false, "held by b"), (true, "deleted")] {
        let server = Server::default();
        let mut lock = server.lock("a");
        let guard = acquire(&mut lock).await;
        server.with(|stored| match deleted {
            true => stored.lease = None,
            false => {
                let mut lease = stored.lease.clone().unwrap();
                lease.spec.as_mut().unwrap().holder_identity = Some("b".to_owned());
                lease.metadata.resource_version = Some("other".to_owned());
                stored.lease = Some(lease);
            }
        });
        let begun = Instant::now();
        let lost = lock.keep(&guard).await;
        assert!(lost.to_string().contains(what), "{lost}");
        assert!(!guard.is_open());
        assert!(
            begun.elapsed() < Duration::from_millis(500),
            "not only at the deadline"
        );
        let writes = server.with(|stored| stored.writes);
        lock.release(&guard).await;
        assert_eq!(
            server.with(|stored| stored.writes),
            writes,
            "nothing is given back that is not ours"
        );
    }
}

#[tokio::test]
async fn an_api_server_that_hangs_ends_the_term_at_the_renew_deadline() {
    let server = Server::default();
    let mut lock = server.lock("a");
    let guard = acquire(&mut lock).await;
    let deadline = guard.deadline();
    server.with(|stored| stored.hangs = true);
    let lost = lock.keep(&guard).await;
    assert!(matches!(lost, Lost::Expired), "{lost}");
    let late = crate::controller::guard::since_boot()
        .checked_sub(deadline)
        .unwrap();
    assert!(
        late < Duration::from_millis(400),
        "before the lease ends: {late:?}"
    );
}

#[tokio::test]
async fn the_same_replica_after_a_restart_does_not_wait() {
    let server = Server::default();
    acquire(&mut server.lock("a")).await;
    let begun = Instant::now();
    acquire(&mut server.lock("a")).await;
    assert!(begun.elapsed() < Duration::from_millis(500));
    let transitions = server.with(|stored| stored.lease.clone().unwrap().spec.unwrap().lease_transitions);
    assert_eq!(transitions, Some(1), "it did not change hands");
}
