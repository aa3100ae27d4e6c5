//! What is due when, and in which order.

use std::collections::BTreeSet;

use tokio::time::Instant;

/// Names a target within one prober.
pub(super) type TargetId = u64;

/// What goes first when more is due than can be done. What is new goes first; what was bad goes last and may not take
/// all places, so that a hundred addresses that never answer keep nobody waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Never looked at as it is now.
    Fresh,
    /// Good the last time.
    Steady,
    /// Bad the last time.
    Retrying,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Fresh, Self::Steady, Self::Retrying];
}

/// What is due when. A target is in it at most once: who puts it in takes it out first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: [BTreeSet<(Instant, TargetId)>; 3],
}

/// A target's place in the queue.
pub(super) type Place = (Lane, Instant);

impl Queue {
    pub(super) fn put(&mut self, (lane, due): Place, id: TargetId) {
        self.lanes[lane as usize].insert((due, id));
    }

    pub(super) fn take_out(&mut self, (lane, due): Place, id: TargetId) {
        self.lanes[lane as usize].remove(&(due, id));
    }

    /// The first that is due now.
    pub(super) fn pop(&mut self, now: Instant, may_retry: bool) -> Option<(Lane, TargetId)> {
        for lane in Lane::ALL {
            if lane == Lane::Retrying && !may_retry {
                continue;
            }
            let queue = &mut self.lanes[lane as usize];
            if queue.first().is_some_and(|(due, _)| *due <= now)
                && let Some((_, id)) = queue.pop_first()
            {
                return Some((lane, id));
            }
        }
        None
    }

    /// When something is due next.
    pub(super) fn next_due(&self, may_retry: bool) -> Option<Instant> {
        let open = Lane::ALL
            .into_iter()
            .filter(|lane| may_retry || *lane != Lane::Retrying);
        open.filter_map(|lane| self.lanes[lane as usize].first())
            .map(|(due, _)| *due)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Lane, Queue};

    #[test]
    fn what_is_new_goes_first_and_what_was_bad_goes_last() {
        let now = Instant::now();
        let earlier = now.checked_sub(Duration::from_secs(1)).unwrap();
        let later = now + Duration::from_secs(1);
        let mut queue = Queue::default();
        queue.put((Lane::Retrying, earlier), 1);
        queue.put((Lane::Steady, earlier), 2);
        queue.put((Lane::Fresh, now), 3);
        queue.put((Lane::Fresh, later), 4);
        queue.put((Lane::Steady, now), 5);
        queue.take_out((Lane::Steady, now), 5);
        assert_eq!(queue.pop(now, true), Some((Lane::Fresh, 3)));
        assert_eq!(queue.pop(now, false), Some((Lane::Steady, 2)));
        assert_eq!(queue.pop(now, false), None);
        assert_eq!(
            (queue.next_due(false), queue.next_due(true)),
            (Some(later), Some(earlier))
        );
        assert_eq!(queue.pop(now, true), Some((Lane::Retrying, 1)));
        assert_eq!(queue.pop(now, true), None);
    }
}
