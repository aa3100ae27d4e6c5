//! The gate through which every request of an operator passes, to the API server and to the core: it counts them, and
//! at the one that a test names the operator dies, or the request or its answer is lost.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use tokio::sync::watch;

use crate::hold::Hold;

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The API server.
    ApiServer,
    /// The core.
    Core,
}

/// One request of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whom it was for.
    pub side: Side,
    /// Its method.
    pub method: Method,
    /// Its path; of a token only `{token}`.
    pub path: String,
    /// Its query.
    pub query: String,
}

impl Asked {
    /// Whether it changes something that lasts: not an event, not a dry run, not a question asked by POST.
    #[must_use]
    pub fn is_mutation(&self) -> bool {
        let written = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&self.method);
        let lasting = match self.side {
            Side::ApiServer => {
                !self.path.contains("/events")
                    && !self.path.contains("authorization.k8s.io")
                    && !self.query.contains("dryRun=")
            }
            Side::Core => !self.path.ends_with("/scopes/check"),
        };
        written && lasting
    }

    /// Whether it opens or closes a session of the core: it changes nothing else.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.side == Side::Core && self.path.contains("/token")
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} {}", self.side, self.method, self.path)
    }
}

/// On which side of a request something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Right before it is sent: it is never sent.
    Before,
    /// Right after its answer came: the operator never sees it.
    After,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The operator dies: nothing is sent or answered any more.
    Death,
    /// The connection breaks under this one request.
    Loss,
}

/// Where something happens to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The mutating request, counted from 1 over both sides.
    pub number: usize,
    /// Before or after it.
    pub moment: Moment,
    /// What happens.
    pub blow: Blow,
}

#[derive(Default)]
struct Passed {
    point: Option<Point>,
    mutations: Vec<Asked>,
    reads: Vec<Asked>,
    struck: bool,
}

/// The gate of one operator.
pub struct Gate {
    passed: Mutex<Passed>,
    dead: watch::Sender<bool>,
    count: watch::Sender<usize>,
    hold: Hold,
    forbidden: Mutex<Option<Forbidden>>,
}

type Forbidden = Box<dyn Fn(&Asked) -> bool + Send + Sync>;

impl Default for Gate {
    fn default() -> Self {
        Self {
            passed: Mutex::default(),
            dead: watch::Sender::new(false),
            count: watch::Sender::new(0),
            hold: Hold::default(),
            forbidden: Mutex::default(),
        }
    }
}

impl Gate {
    /// A gate that only counts.
    #[must_use]
    pub fn open() -> Arc<Self> {
        Arc::default()
    }

    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count anew, and lets something happen at a point from here on.
    pub fn arm(&self, point: Option<Point>) {
        let mut passed = self.passed();
        *passed = Passed {
            point,
            ..Passed::default()
        };
        self.count.send_replace(0);
    }

    /// Lets nothing happen from here on; the answer is whether it happened already.
    pub fn disarm(&self) -> bool {
        let mut passed = self.passed();
        passed.point = None;
        passed.struck
    }

    /// The mutating requests since the last [`Gate::arm`], sent or about to be sent when the operator died.
    #[must_use]
    pub fn mutations(&self) -> Vec<Asked> {
        self.passed().mutations.clone()
    }

    /// All other requests since then; a watch counts when it begins.
    #[must_use]
    pub fn reads(&self) -> Vec<Asked> {
        self.passed().reads.clone()
    }

    /// Waits until the operator has died at its point.
    pub async fn died(&self) {
        let mut dead = self.dead.subscribe();
        // The sender is our own: it cannot be gone.
        let _ = dead.wait_for(|dead| *dead).await;
    }

    /// Waits until a request has passed that a test waits for.
    pub async fn passes(&self, wanted: impl Fn(&Asked) -> bool) {
        let mut count = self.count.subscribe();
        loop {
            {
                let passed = self.passed();
                if passed.mutations.iter().chain(&passed.reads).any(&wanted) {
                    return;
                }
            }
            if count.changed().await.is_err() {
                return;
            }
        }
    }

    /// Keeps requests waiting, before they are sent, until [`Gate::lift`].
    pub fn hold(&self, wanted: impl Fn(&Asked) -> bool + Send + Sync + 'static) {
        self.hold.set(wanted);
    }

    /// Waits until a request is kept waiting.
    pub async fn caught(&self) {
        self.hold.caught().await;
    }

    /// Lets all that is kept waiting go on.
    pub fn lift(&self) {
        self.hold.lift();
    }

    /// Takes the right to some requests to the API server from the operator, until [`Gate::allow`]: they are made as
    /// somebody who has no rights, so the API server itself refuses them.
    pub fn forbid(&self, wanted: impl Fn(&Asked) -> bool + Send + Sync + 'static) {
        *self.forbidden() = Some(Box::new(wanted));
    }

    /// Gives all rights back.
    pub fn allow(&self) {
        *self.forbidden() = None;
    }

    pub(crate) fn forbids(&self, asked: &Asked) -> bool {
        self.forbidden().as_ref().is_some_and(|wanted| wanted(asked))
    }

    fn forbidden(&self) -> MutexGuard<'_, Option<Forbidden>> {
        self.forbidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the operator has died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    /// Sends a request, unless the operator is dead; then nothing is sent and nothing is answered any more. `broken`
    /// is what a broken connection looks like.
    pub(crate) async fn pass<T>(
        &self,
        asked: Asked,
        send: impl Future<Output = T>,
        broken: impl FnOnce() -> T,
    ) -> T {
        self.hold.turn(&asked).await;
        let number = self.enter(asked);
        match self.strikes(number, Moment::Before) {
            Some(Blow::Loss) => return broken(),
            _ if self.is_dead() => return std::future::pending().await,
            _ => {}
        }
        let answer = send.await;
        match self.strikes(number, Moment::After) {
            Some(Blow::Loss) => return broken(),
            _ if self.is_dead() => return std::future::pending().await,
            _ => {}
        }
        self.count.send_modify(|count| *count += 1);
        answer
    }

    /// Counts; the answer is the number of a mutating request.
    fn enter(&self, asked: Asked) -> Option<usize> {
        let mut passed = self.passed();
        if self.is_dead() {
            return None;
        }
        if !asked.is_mutation() {
            passed.reads.push(asked);
            return None;
        }
        passed.mutations.push(asked);
        Some(passed.mutations.len())
    }

    /// What happens at this moment of a request.
    fn strikes(&self, number: Option<usize>, moment: Moment) -> Option<Blow> {
        let mut passed = self.passed();
        let point = passed.point?;
        if Some(point.number) != number || point.moment != moment || self.is_dead() {
            return None;
        }
        passed.struck = true;
        if point.blow == Blow::Death {
            self.dead.send_replace(true);
        }
        Some(point.blow)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use http::Method;

    use super::{Asked, Blow, Gate, Moment, Point, Side};

    fn asked(method: Method, path: &str) -> Asked {
        Asked {
            side: Side::ApiServer,
            method,
            path: path.to_owned(),
            query: String::new(),
        }
    }

    /// What comes of a request, and whether it was sent.
    fn pass(gate: &Gate, method: Method, path: &str) -> (Option<&'static str>, bool) {
        let mut sent = false;
        let send = async {
            sent = true;
            "answered"
        };
        let outcome = gate.pass(asked(method, path), send, || "broken").now_or_never();
        (outcome, sent)
    }

    fn armed(moment: Moment, blow: Blow) -> std::sync::Arc<Gate> {
        let gate = Gate::open();
        gate.arm(Some(Point {
            number: 2,
            moment,
            blow,
        }));
        for (method, path) in [
            (Method::POST, "/a"),
            (Method::GET, "/a"),
            (Method::POST, "/apis/events.k8s.io/v1/namespaces/n/events"),
        ] {
            assert_eq!(pass(&gate, method, path), (Some("answered"), true));
        }
        gate
    }

    #[test]
    fn before_its_point_a_request_is_not_sent_and_after_it_not_answered() {
        for (moment, is_sent) in [(Moment::Before, false), (Moment::After, true)] {
            let gate = armed(moment, Blow::Death);
            assert_eq!(pass(&gate, Method::PATCH, "/a"), (None, is_sent));
            assert_eq!(
                pass(&gate, Method::GET, "/a"),
                (None, false),
                "a dead operator sends nothing"
            );
            assert!(gate.died().now_or_never().is_some());
            assert_eq!(gate.mutations().len(), 2);
        }
    }

    #[test]
    fn a_request_or_an_answer_is_lost_once() {
        for (moment, is_sent) in [(Moment::Before, false), (Moment::After, true)] {
            let gate = armed(moment, Blow::Loss);
            assert_eq!(pass(&gate, Method::PATCH, "/a"), (Some("broken"), is_sent));
            assert_eq!(pass(&gate, Method::PATCH, "/a"), (Some("answered"), true));
            assert!(gate.disarm(), "it happened");
        }
    }
}
