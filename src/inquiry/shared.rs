//! What many plugins have in common is read once for all of them: a thousand plugins of one node that is away ask for
//! that node once in a while, not a thousand times.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How old an answer may be that is used again.
const FRESH: Duration = Duration::from_secs(2);

type Place<V> = Arc<tokio::sync::Mutex<Option<(Instant, V)>>>;

/// Answers by what was asked for.
#[derive(Debug)]
pub(super) struct Shared<V> {
    places: Mutex<HashMap<String, Place<V>>>,
}

impl<V> Default for Shared<V> {
    fn default() -> Self {
        Self {
            places: Mutex::default(),
        }
    }
}

impl<V: Clone> Shared<V> {
    /// A fresh answer, or a new one; whoever asks for the same meanwhile waits for it.
    pub(super) async fn get<E>(&self, what: &str, read: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let place = Arc::clone(self.places().entry(what.to_owned()).or_default());
        let mut answer = place.lock().await;
        if let Some((at, value)) = &*answer
            && at.elapsed() < FRESH
        {
            return Ok(value.clone());
        }
        let value = read.await?;
        *answer = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    /// Lets go of what is not fresh any more.
    pub(super) fn tidy(&self) {
        let fresh =
            |answer: &Option<(Instant, V)>| answer.as_ref().is_some_and(|(at, _)| at.elapsed() < FRESH);
        self.places().retain(|_, place| match place.try_lock() {
            Ok(answer) => fresh(&answer),
            // It is being asked for.
            Err(_) => true,
        });
    }

    fn places(&self) -> MutexGuard<'_, HashMap<String, Place<V>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_many_ask_for_at_once_is_read_once_and_later_anew() {
        let reads = AtomicUsize::new(0);
        let shared = Shared::default();
        let ask = || {
            shared.get("node/a", async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok::<_, Infallible>(reads.fetch_add(1, Ordering::Relaxed))
            })
        };
        let (first, second) = tokio::join!(ask(), ask());
        assert_eq!((first, second), (Ok(0), Ok(0)));
        tokio::time::advance(FRESH).await;
        shared.tidy();
        assert!(shared.places().is_empty());
        assert_eq!(ask().await, Ok(1));
    }

    #[tokio::test]
    async fn a_read_that_failed_is_tried_again() {
        let shared = Shared::default();
        assert_eq!(shared.get("a", async { Err::<u8, _>("no") }).await, Err("no"));
        assert_eq!(shared.get("a", async { Ok::<_, &str>(1) }).await, Ok(1));
    }
}
