//! What came: the newest requests, with nothing in them that opens a door.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;

/// How many requests are kept; older ones are forgotten, but stay in the count.
pub const REQUESTS_KEPT: usize = 256;
const HEADERS_KEPT: usize = 32;
const TEXT_KEPT: usize = 512;
const MASK: &str = "***";

/// One request that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// 1 for the first request since the start.
    pub number: u64,
    /// When it came, milliseconds since 1970.
    pub at_unix_ms: u64,
    /// The method.
    pub method: String,
    /// The path as it came, prefix included, cut to 512 characters.
    pub path: String,
    /// The query without `?`; values of parameters that look like credentials are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// At most 32, lower-case names, values cut to 512 characters, credentials masked.
    pub headers: BTreeMap<String, String>,
    /// What was answered; `None` while it is not, or when the client left first.
    pub status: Option<u16>,
}

/// A bounded list of requests.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    count: u64,
    health_checks: u64,
    newest: VecDeque<Seen>,
}

/// The journal as `/requests` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    total: u64,
    health_checks: u64,
    requests: Vec<Seen>,
}

impl Journal {
    /// Notes a request and returns its number.
    pub(crate) fn arrived(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> u64 {
        let mut entries = self.entries();
        entries.count += 1;
        let number = entries.count;
        if entries.newest.len() == REQUESTS_KEPT {
            entries.newest.pop_front();
        }
        entries.newest.push_back(Seen {
            number,
            at_unix_ms: now_unix_ms(),
            method: cut(method.as_str()),
            path: cut(uri.path()),
            query: uri.query().map(masked_query),
            headers: masked_headers(headers),
            status: None,
        });
        number
    }

    /// Notes the answer to a request, if it is still kept.
    pub(crate) fn answered(&self, number: u64, status: StatusCode) {
        if let Some(seen) = self
            .entries()
            .newest
            .iter_mut()
            .rev()
            .find(|seen| seen.number == number)
        {
            seen.status = Some(status.as_u16());
        }
    }

    /// Counts a health check: too frequent to be kept.
    pub(crate) fn health_check(&self) {
        self.entries().health_checks += 1;
    }

    /// The kept requests, oldest first.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.entries().newest.iter().cloned().collect()
    }

    pub(crate) fn report(&self) -> Report {
        let entries = self.entries();
        Report {
            total: entries.count,
            health_checks: entries.health_checks,
            requests: entries.newest.iter().cloned().collect(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Each change leaves the entries whole, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_KEPT).collect()
}

fn masked_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .take(HEADERS_KEPT)
        .map(|(name, value)| {
            let value = if secret(name.as_str()) {
                MASK.to_owned()
            } else {
                cut(&String::from_utf8_lossy(value.as_bytes()))
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}

fn masked_query(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if secret(name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    cut(&pairs.collect::<Vec<_>>().join("&"))
}

/// Whether a header or parameter of this name holds something to keep quiet.
fn secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "auth", "token", "cookie", "secret", "password", "key", "session", "sig",
    ]
    .iter()
    .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(journal: &Journal, uri: &str, headers: &[(&'static str, &'static str)]) -> u64 {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        journal.arrived(&Method::GET, &uri.parse().unwrap(), &headers.collect())
    }

    #[test]
    fn credentials_are_masked_in_headers_and_query() {
        let journal = Journal::default();
        arrive(
            &journal,
            "/x?a=1&access_token=hidden-1&b",
            &[
                ("x-auth-token", "hidden-2"),
                ("authorization", "Basic hidden-3"),
                ("origin", "https://app.wazo.io"),
            ],
        );
        let text = serde_json::to_string(&journal.report()).unwrap();
        assert!(!text.contains("hidden"), "{text}");
        let seen = journal.requests().remove(0);
        assert_eq!(seen.query.unwrap(), "a=1&access_token=***&b");
        assert_eq!(seen.headers["x-auth-token"], "***");
        assert_eq!(seen.headers["origin"], "https://app.wazo.io");
    }

    #[test]
    fn only_the_newest_requests_are_kept_and_all_are_counted() {
        let journal = Journal::default();
        for _ in 0..REQUESTS_KEPT + 3 {
            arrive(&journal, "/x", &[]);
        }
        let requests = journal.requests();
        assert_eq!((requests.len(), requests[0].number), (REQUESTS_KEPT, 4));
        assert_eq!(journal.report().total, REQUESTS_KEPT as u64 + 3);
    }

    #[test]
    fn a_long_path_is_cut() {
        let journal = Journal::default();
        arrive(&journal, &format!("/{}", "é".repeat(4)), &[]);
        arrive(&journal, &format!("/{}", "a".repeat(4096)), &[]);
        assert_eq!(journal.requests()[1].path.len(), TEXT_KEPT);
    }

    #[test]
    fn the_answer_is_noted_beside_its_request() {
        let journal = Journal::default();
        let first = arrive(&journal, "/x", &[]);
        arrive(&journal, "/y", &[]);
        journal.answered(first, StatusCode::NOT_FOUND);
        let statuses: Vec<_> = journal.requests().into_iter().map(|seen| seen.status).collect();
        assert_eq!(statuses, [Some(404), None]);
    }
}
