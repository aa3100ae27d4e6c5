//! Whether the operator may send anything: while it leads, and not a moment longer. What it sends passes one of three
//! gates (the API server, the cores, the plugins), and each of them looks at the clock before every step of a request,
//! so that a process that slept does not go on where it stood.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Bytes;
use kube::Client;
use kube::client::Body;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::core::{CaError, StackUrl, Wire, WireError, WireFactory};
use crate::probe::{Network, ResolveError, Stream};

/// The time since the system started, sleep included: `Instant` stands still while a machine sleeps, and the lease
/// does not.
#[cfg(not(test))]
pub(super) fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// In unit tests it is the clock of the runtime, which a test can stop.
#[cfg(test)]
pub(super) fn since_boot() -> Duration {
    static BOOT: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    let boot = *BOOT;
    Duration::from_secs(3600) + tokio::time::Instant::now().into_std().duration_since(boot)
}

/// Until when one term of leadership lasts. Clones share it. A term that ended never begins again: another one has
/// another guard.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// Nanoseconds since boot; 0 for an ended term.
    until: Arc<AtomicU64>,
}

/// 584 years since boot are enough.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Guard {
    /// A term until a time since boot.
    pub(super) fn until(deadline: Duration) -> Self {
        Self {
            until: Arc::new(AtomicU64::new(nanoseconds(deadline))),
        }
    }

    /// When the term ends; zero if it has been ended.
    pub(super) fn deadline(&self) -> Duration {
        Duration::from_nanos(self.until.load(Ordering::SeqCst))
    }

    /// Whether something may be sent now.
    pub(super) fn is_open(&self) -> bool {
        since_boot() < self.deadline()
    }

    /// Moves the end of the term, unless it has passed already.
    pub(super) fn extend(&self, deadline: Duration) {
        if self.is_open() {
            self.until.store(nanoseconds(deadline), Ordering::SeqCst);
        }
    }

    /// Ends the term for good.
    pub(super) fn close(&self) {
        self.until.store(0, Ordering::SeqCst);
    }

    /// Takes the steps of a request for as long as the term lasts; then it is dropped where it stands.
    async fn hold<T>(&self, request: impl Future<Output = T>, refused: impl Fn() -> T) -> T {
        let mut request = pin!(request);
        poll_fn(|context| {
            if self.is_open() {
                request.as_mut().poll(context)
            } else {
                Poll::Ready(refused())
            }
        })
        .await
    }
}

/// What a request gets that was to begin after the term.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not sent: this replica does not lead any more")]
struct TermOver;

/// The API server as the leader of a term may use it.
pub(super) fn client(inner: &Client, guard: &Guard) -> Client {
    let namespace = inner.default_namespace().to_owned();
    let (inner, guard) = (inner.clone(), guard.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, guard) = (inner.clone(), guard.clone());
        async move {
            let refused = || Err(kube::Error::Service(Box::new(TermOver)));
            guard.hold(inner.send(request), refused).await
        }
    });
    Client::new(service, namespace)
}

/// The cores as the leader of a term may use them.
pub(super) struct GuardedWires {
    pub(super) inner: Arc<dyn WireFactory>,
    pub(super) guard: Guard,
}

impl WireFactory for GuardedWires {
    fn wire(&self, url: &StackUrl, ca_pem: Option<&[u8]>) -> Result<Arc<dyn Wire>, CaError> {
        Ok(Arc::new(GuardedWire {
            inner: self.inner.wire(url, ca_pem)?,
            guard: self.guard.clone(),
        }))
    }
}

struct GuardedWire {
    inner: Arc<dyn Wire>,
    guard: Guard,
}

impl Wire for GuardedWire {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, WireError>> {
        async move {
            let sent = async { self.inner.call(request).await };
            self.guard.hold(sent, || Err(WireError::Broken)).await
        }
        .boxed()
    }
}

/// The plugins as the leader of a term may look at them.
pub(super) struct GuardedNetwork {
    pub(super) inner: Arc<dyn Network>,
    pub(super) guard: Guard,
}

fn over() -> io::Error {
    io::Error::other(TermOver)
}

impl Network for GuardedNetwork {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        let asked = async move { self.inner.resolve(host).await };
        self.guard.hold(asked, || Err(ResolveError::Failed)).boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        let opened = async move {
            let inner = self.inner.connect(address).await?;
            let guard = self.guard.clone();
            Ok(Box::new(GuardedStream { inner, guard }) as Box<dyn Stream>)
        };
        self.guard.hold(opened, || Err(over())).boxed()
    }
}

struct GuardedStream {
    inner: Box<dyn Stream>,
    guard: Guard,
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.guard.is_open() {
            return Poll::Ready(Err(over()));
        }
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::BoxFuture;
    use futures::{FutureExt, future};
    use http::{Request, Response};
    use hyper::body::Bytes;
    use kube::Client;
    use kube::client::Body;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::{Guard, GuardedNetwork, GuardedWire, client, since_boot};
    use crate::core::{Wire, WireError};
    use crate::probe::{Network, SystemNetwork};

    const HOUR: Duration = Duration::from_secs(3600);

    fn open() -> Guard {
        Guard::until(since_boot() + HOUR)
    }

    #[test]
    fn a_term_ends_at_its_deadline_and_once_ended_is_never_prolonged() {
        let guard = open();
        assert!(guard.is_open());
        guard.extend(since_boot() + 2 * HOUR);
        assert!(guard.deadline() > since_boot() + HOUR);
        guard.extend(since_boot());
        assert!(!guard.is_open(), "the deadline itself is too late");
        guard.extend(since_boot() + HOUR);
        assert!(!guard.is_open(), "too late is too late");
        let guard = open();
        guard.close();
        guard.extend(since_boot() + HOUR);
        assert!(!guard.is_open());
    }

    #[test]
    fn a_request_under_way_goes_no_step_further_when_the_term_is_over() {
        let guard = open();
        let steps = AtomicUsize::new(0);
        let request = future::poll_fn(|_| {
            steps.fetch_add(1, Ordering::SeqCst);
            std::task::Poll::<&str>::Pending
        });
        let mut held = guard.hold(request, || "refused").boxed();
        assert_eq!((&mut held).now_or_never(), None);
        guard.close();
        assert_eq!((&mut held).now_or_never(), Some("refused"));
        assert_eq!(steps.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn the_api_server_is_not_asked_after_the_term_and_the_error_says_why() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let server = tower::service_fn(move |_: Request<Body>| {
            counted.fetch_add(1, Ordering::SeqCst);
            future::ready(Ok::<_, std::io::Error>(Response::new(Body::empty())))
        });
        let guard = open();
        let guarded = client(&Client::new(server, "acme"), &guard);
        assert_eq!(guarded.default_namespace(), "acme");
        let request = || Request::get("/api/v1/pods").body(Body::empty()).unwrap();
        guarded.send(request()).await.unwrap();
        guard.close();
        let error = guarded.send(request()).await.unwrap_err();
        assert!(error.to_string().contains("does not lead any more"), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    struct Counting(AtomicUsize);

    impl Wire for Counting {
        fn call(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, WireError>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            future::ready(Ok(Response::new(Bytes::new()))).boxed()
        }
    }

    #[test]
    fn the_core_is_not_asked_after_the_term() {
        let inner = Arc::new(Counting(AtomicUsize::new(0)));
        let guard = open();
        let wire = GuardedWire {
            inner: inner.clone(),
            guard: guard.clone(),
        };
        let ask = || wire.call(Request::new(Bytes::new())).now_or_never().unwrap();
        assert!(ask().is_ok());
        guard.close();
        assert_eq!(ask().unwrap_err(), WireError::Broken);
        assert_eq!(inner.0.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn no_plugin_is_connected_to_or_written_to_after_the_term() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let guard = open();
        let network = GuardedNetwork {
            inner: Arc::new(SystemNetwork),
            guard: guard.clone(),
        };
        let mut stream = network.connect(address).await.unwrap();
        stream.write_all(b"GET").await.unwrap();
        guard.close();
        assert!(stream.write_all(b" /").await.is_err());
        assert!(network.connect(address).await.is_err());
        assert!(network.resolve("localhost").await.is_err());
    }
}
