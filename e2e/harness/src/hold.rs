//! Requests that are kept waiting: what one part of the operator does not do meanwhile, another may overtake.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::gate::Asked;

type Wanted = Box<dyn Fn(&Asked) -> bool + Send + Sync>;

/// Which requests wait, and how many do so now.
pub(crate) struct Hold {
    wanted: Mutex<Option<Wanted>>,
    lifted: watch::Sender<()>,
    waiting: watch::Sender<usize>,
}

impl Default for Hold {
    fn default() -> Self {
        Self {
            wanted: Mutex::default(),
            lifted: watch::Sender::new(()),
            waiting: watch::Sender::new(0),
        }
    }
}

impl Hold {
    fn wanted(&self) -> MutexGuard<'_, Option<Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, asked: &Asked) -> bool {
        self.wanted().as_ref().is_some_and(|wanted| wanted(asked))
    }

    pub(crate) fn set(&self, wanted: impl Fn(&Asked) -> bool + Send + Sync + 'static) {
        *self.wanted() = Some(Box::new(wanted));
    }

    pub(crate) fn lift(&self) {
        *self.wanted() = None;
        self.lifted.send_replace(());
    }

    /// Waits until a request waits.
    pub(crate) async fn caught(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender is our own: it cannot be gone.
        let _ = waiting.wait_for(|waiting| *waiting > 0).await;
    }

    /// Waits as long as this request is held.
    pub(crate) async fn turn(&self, asked: &Asked) {
        let mut lifted = self.lifted.subscribe();
        if !self.holds(asked) {
            return;
        }
        self.waiting.send_modify(|waiting| *waiting += 1);
        while self.holds(asked) {
            // The sender is our own: it cannot be gone.
            let _ = lifted.changed().await;
        }
        self.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use http::Method;

    use super::Hold;
    use crate::gate::{Asked, Side};

    #[test]
    fn a_request_waits_until_the_hold_is_lifted_and_others_do_not() {
        let asked = |path: &str| Asked {
            side: Side::ApiServer,
            method: Method::GET,
            path: path.to_owned(),
            query: String::new(),
        };
        let hold = Hold::default();
        hold.set(|asked| asked.path == "/a");
        let (a, b) = (asked("/a"), asked("/b"));
        assert!(hold.caught().now_or_never().is_none());
        let mut held = Box::pin(hold.turn(&a));
        assert!(held.as_mut().now_or_never().is_none());
        assert!(hold.caught().now_or_never().is_some());
        assert!(hold.turn(&b).now_or_never().is_some());
        hold.lift();
        assert!(held.now_or_never().is_some());
    }
}
