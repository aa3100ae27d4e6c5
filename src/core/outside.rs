//! What answers outside of the cluster: where one address does, the way out is open, and a core that is silent is
//! not cut off with everything else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::facts::Elsewhere;

/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(60);
/// As many hosts are kept.
const MOST: usize = 1000;

/// Which hosts answered lately; shared by all that send something out of the cluster anyway.
#[derive(Debug, Default)]
pub(super) struct Outside {
    answered: Mutex<HashMap<String, Instant>>,
}

impl Outside {
    /// A host outside of the cluster answered something.
    pub(super) fn answered(&self, host: &str) {
        let now = Instant::now();
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() >= MOST && !answered.contains_key(host) {
            answered.retain(|_, at| now < *at + FRESH);
        }
        if answered.len() < MOST {
            answered.insert(host.to_owned(), now);
        }
    }

    /// What answered lately beside this host.
    pub(super) fn beside(&self, host: &str) -> Elsewhere {
        let now = Instant::now();
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let others = answered
            .iter()
            .filter(|(other, at)| *other != host && now < **at + FRESH);
        others.fold(Elsewhere::default(), |seen, (other, _)| Elsewhere {
            answers: true,
            resolves: seen.resolves || !is_address(other),
        })
    }
}

/// Whether a host is written as an address, an IPv6 one in brackets.
fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Elsewhere, Outside};

    #[tokio::test(start_paused = true)]
    async fn another_host_speaks_for_the_way_out_for_a_minute() {
        let outside = Outside::default();
        let none = Elsewhere::default();
        assert_eq!(outside.beside("a.example"), none);
        outside.answered("a.example");
        assert_eq!(
            outside.beside("a.example"),
            none,
            "a host does not speak for itself"
        );
        outside.answered("192.0.2.1");
        let open = Elsewhere {
            answers: true,
            resolves: false,
        };
        assert_eq!(outside.beside("a.example"), open);
        let named = Elsewhere {
            answers: true,
            resolves: true,
        };
        assert_eq!(outside.beside("192.0.2.1"), named);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(outside.beside("b.example"), none);
    }
}
