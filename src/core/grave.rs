//! Tokens that are no longer used: they are deleted at wazo-auth, since an account may have only 100.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::classify::{Answer, classify};
use super::facts::Daemon;
use super::request::{Ask, Credential, Route, Trace, build};
use super::stack::Stack;
use crate::secret::Secret;

/// How often a deletion is tried; a token that is left behind ends by itself.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_secs(30);

/// The tokens to delete.
#[derive(Default)]
pub(super) struct Grave {
    buried: Mutex<Vec<Buried>>,
    news: Notify,
    closed: AtomicBool,
}

struct Buried {
    stack: Arc<Stack>,
    token: Secret,
    tries: u32,
}

impl Grave {
    fn buried(&self) -> MutexGuard<'_, Vec<Buried>> {
        self.buried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a token to be deleted.
    pub(super) fn bury(&self, stack: &Arc<Stack>, token: Secret) {
        self.buried().push(Buried {
            stack: stack.clone(),
            token,
            tries: 0,
        });
        self.news.notify_one();
    }

    /// Deletes what is buried, for ever.
    pub(super) async fn tend(&self) {
        loop {
            if self.buried().is_empty() || self.closed.load(Ordering::Relaxed) {
                self.news.notified().await;
            }
            if !self.closed.load(Ordering::Relaxed) {
                self.delete_all().await;
            }
            if !self.buried().is_empty() {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
        }
    }

    /// Deletes what is buried, once, within `limit`; afterwards nothing is deleted any more.
    pub(super) async fn close(&self, limit: Duration) {
        self.closed.store(true, Ordering::Relaxed);
        if timeout(limit, self.delete_all()).await.is_err() || !self.buried().is_empty() {
            tracing::warn!("not every token was deleted: they end by themselves");
        }
    }

    async fn delete_all(&self) {
        let all = std::mem::take(&mut *self.buried());
        join_all(all.into_iter().map(|buried| self.delete(buried))).await;
    }

    async fn delete(&self, buried: Buried) {
        let absent = buried.stack.breaker(Daemon::Auth).open().is_some();
        if !absent && delete_token(&buried.stack, &buried.token).await {
            return;
        }
        let tries = buried.tries + 1;
        if tries < TRIES {
            self.buried().push(Buried { tries, ..buried });
        }
    }
}

/// Deletes a token; whether wazo-auth said so.
async fn delete_token(stack: &Stack, token: &Secret) -> bool {
    let trace = Trace::new();
    let route = Route::DeleteToken;
    stack.limiter.turn().await;
    let request = build(
        &stack.url,
        &Ask::of(route),
        &Credential::Path(token.clone()),
        &trace,
    );
    let meaning = match stack.wire.call(request).await {
        Ok(answer) => classify(route, answer.status(), answer.headers(), answer.body()),
        Err(error) => Err(error.into()),
    };
    tracing::debug!(operation = route.row().operation, trace_id = %trace.id, ok = meaning.is_ok());
    matches!(meaning, Ok(Answer::Good(_)))
}
