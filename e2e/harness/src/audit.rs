//! What the API server itself wrote down of an operator's requests: its audit log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde::Deserialize;

/// The namespaces whose requests are written down. A test that measures is in one of its own.
pub const AUDITED: [&str; 3] = ["requests-one", "requests-idle", "requests-tenants"];

/// The audit log of a control plane.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
}

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

/// What a request is about, as far as one counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One object is read.
    Get,
    /// Objects are listed.
    List,
    /// Objects are watched; counted when the watch begins.
    Watch,
    /// A write that is only tried.
    DryRun,
    /// An object is made, changed or deleted.
    Write,
    /// A status is written.
    Status,
    /// An event is told.
    Event,
}

/// A line of the log: one request that was answered, or a watch that began.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    uri: String,
    user: User,
    impersonated_user: Option<User>,
    object_ref: Option<ObjectRef>,
    response_status: Option<Answer>,
}

#[derive(Clone, Debug, Deserialize)]
struct User {
    username: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Answer {
    code: Option<u16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

impl Line {
    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let object = self.object_ref.clone().unwrap_or_default();
        match self.verb.as_str() {
            "get" => Kind::Get,
            "list" => Kind::List,
            "watch" => Kind::Watch,
            _ if self.uri.contains("dryRun=") => Kind::DryRun,
            _ if object.resource == "events" => Kind::Event,
            _ if object.subresource == "status" => Kind::Status,
            _ => Kind::Write,
        }
    }

    /// Whether it changes what others see.
    #[must_use]
    pub fn writes(&self) -> bool {
        matches!(self.kind(), Kind::Write | Kind::Status | Kind::Event)
    }

    /// For people: `update wazoplugins/crm/status 200`.
    #[must_use]
    pub fn told(&self) -> String {
        let object = self.object_ref.clone().unwrap_or_default();
        let code = self.response_status.as_ref().and_then(|answer| answer.code);
        format!(
            "{} {}/{}/{} {}",
            self.verb,
            object.resource,
            object.name,
            object.subresource,
            code.unwrap_or_default()
        )
    }

    /// An answer, or the begin of a watch: each request is one of these once.
    fn counts(&self) -> bool {
        let stage = if self.verb == "watch" {
            "ResponseStarted"
        } else {
            "ResponseComplete"
        };
        self.stage == stage
    }

    fn is_of(&self, user: &str, namespace: &str) -> bool {
        let acting = self.impersonated_user.as_ref().unwrap_or(&self.user);
        let there = self.object_ref.as_ref().map(|object| object.namespace.as_str());
        acting.username == user && there == Some(namespace)
    }
}

impl Audit {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The end of the log as it is now.
    ///
    /// # Panics
    /// Where the log cannot be read.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let metadata = std::fs::metadata(&self.path);
        Mark(metadata.map_or(0, |metadata| metadata.len()))
    }

    /// The requests of a user to a namespace since a mark, in their order.
    ///
    /// # Panics
    /// Where the log cannot be read.
    #[must_use]
    pub fn since(&self, mark: Mark, user: &str, namespace: &str) -> Vec<Line> {
        let mut text = String::new();
        let before = mark.0.saturating_sub(1);
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(before))?;
            file.read_to_string(&mut text)
        });
        if let Err(error) = read {
            panic!("the audit log {}: {error}", self.path.display());
        }
        // A line that was under way at the mark is of before it.
        let begin = if mark.0 == 0 {
            0
        } else {
            text.find('\n').map_or(text.len(), |end| end + 1)
        };
        lines(&text[begin..])
            .into_iter()
            .filter(|line| line.is_of(user, namespace) && line.counts())
            .collect()
    }
}

/// Whole lines only: the last one may be under way.
fn lines(text: &str) -> Vec<Line> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// How many requests there are of each kind.
#[must_use]
pub fn counted(lines: &[Line]) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line.kind()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, counted, lines};

    fn line(stage: &str, verb: &str, uri: &str, resource: &str, subresource: &str) -> String {
        json!({
            "stage": stage, "verb": verb, "requestURI": uri, "user": {"username": "admin"},
            "impersonatedUser": {"username": "operator"},
            "objectRef": {"resource": resource, "subresource": subresource, "namespace": "n", "name": "crm"},
            "responseStatus": {"code": 200},
        })
        .to_string()
    }

    #[test]
    fn requests_are_told_apart_and_counted_once() {
        let done = "ResponseComplete";
        let text = [
            line(done, "get", "/a", "secrets", ""),
            line("ResponseStarted", "watch", "/a?watch=1", "pods", ""),
            line(done, "watch", "/a?watch=1", "pods", ""),
            line(done, "patch", "/a?dryRun=All", "deployments", ""),
            line(done, "patch", "/a", "deployments", ""),
            line(done, "update", "/a/status", "wazoplugins", "status"),
            line(done, "create", "/a", "events", ""),
        ]
        .join("\n")
            + "\n{\"half\":";
        let mut found = lines(&text);
        found.retain(|line| line.is_of("operator", "n") && line.counts());
        let counts: Vec<_> = counted(&found).into_iter().collect();
        let once = [
            Kind::Get,
            Kind::Watch,
            Kind::DryRun,
            Kind::Write,
            Kind::Status,
            Kind::Event,
        ];
        assert_eq!(counts, once.map(|kind| (kind, 1)));
        assert_eq!(found[3].told(), "patch deployments/crm/ 200");
        assert!(found[3].writes() && !found[2].writes() && !found[0].writes());
    }
}
