//! Reading the cases, replaying them and comparing the answers.
#![allow(clippy::unwrap_used, reason = "the replay of a test may panic")]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http::{Request, Response};
use hyper::body::Bytes;
use serde_json::{Map, Value};
use wazo_simulated_core::{Daemon, SimulatedCore};

/// One recorded exchange.
pub(crate) struct Case {
    /// Recording and line: `1:41`.
    pub(crate) number: String,
    /// Whether it only prepares others.
    pub(crate) setup: bool,
    pub(crate) label: String,
    daemon: Daemon,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) basic: Option<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// When it was answered.
    at: Option<jiff::Timestamp>,
    answer: Value,
}

/// All cases, and what they have in common.
pub(crate) struct Contract {
    pub(crate) cases: Vec<Case>,
    pub(crate) left_out: BTreeMap<String, u64>,
    default_acl: Vec<Value>,
}

/// In what an answer differs; empty if it agrees.
#[derive(Default)]
pub(crate) struct Verdict {
    /// Status, headers, keys, types.
    pub(crate) shape: Vec<String>,
    /// Values of the same type.
    pub(crate) values: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn moment(case: &Value) -> Option<jiff::Timestamp> {
    if let Some(issued) = case["issued"].as_str() {
        return issued.parse().ok();
    }
    let seconds = case["at"].as_f64()?;
    jiff::Timestamp::from_microsecond((seconds * 1e6) as i64).ok()
}

impl Contract {
    pub(crate) fn read(lines: &str) -> Self {
        let mut lines = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let head = lines.next().unwrap();
        let left_out = head["left_out"].as_object().unwrap().iter();
        Self {
            default_acl: head["default_acl"].as_array().unwrap().clone(),
            left_out: left_out
                .map(|(route, count)| (route.clone(), count.as_u64().unwrap()))
                .collect(),
            cases: lines.map(|line| Case::read(&line)).collect(),
        }
    }
}

impl Case {
    fn read(line: &Value) -> Self {
        let headers = line["headers"].as_object().into_iter().flatten();
        let raw = line["raw"].as_str().map(ToOwned::to_owned);
        Self {
            number: text(&line["n"]),
            setup: line["setup"] == true,
            label: text(&line["label"]),
            daemon: serde_json::from_value(line["daemon"].clone()).unwrap(),
            method: text(&line["method"]),
            path: text(&line["path"]),
            basic: line["basic"]
                .as_array()
                .map(|pair| (text(&pair[0]), text(&pair[1]))),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
            body: raw.or_else(|| line.get("body").map(ToString::to_string)),
            at: moment(line),
            answer: line["answer"].clone(),
        }
    }
}

/// The state of a replay: which uuid of ours stands for which of the recording.
pub(crate) struct Replay<'c> {
    bound: HashMap<String, String>,
    contract: &'c Contract,
}

impl<'c> Replay<'c> {
    pub(crate) fn new(contract: &'c Contract) -> Self {
        Self {
            bound: HashMap::new(),
            contract,
        }
    }

    pub(crate) fn play(&mut self, core: &SimulatedCore, case: &Case) -> Verdict {
        if let Some(at) = case
            .at
            .filter(|at| *at > core.clock().now() || core.journal().sequence() == 0)
        {
            core.clock().set(at);
        }
        let answer = core.ask(case.daemon, self.request(case));
        let mut verdict = Verdict::default();
        let status = u64::from(answer.status().as_u16());
        if case.answer["status"] != status {
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            verdict.shape.push(format!(
                "status {} is {status}: {}",
                case.answer["status"],
                body.trim()
            ));
            return verdict;
        }
        if case.setup {
            if let Ok(body) = serde_json::from_slice(answer.body()) {
                self.bind(&case.answer["ids"], &body);
            }
            return verdict;
        }
        self.headers(case, &answer, &mut verdict);
        let is_json = answer.headers()["content-type"] == "application/json";
        let body = match serde_json::from_slice(answer.body()) {
            Ok(body) if is_json => body,
            _ => Value::String(String::from_utf8_lossy(answer.body()).into_owned()),
        };
        self.compare("", &case.answer["body"], &body, &mut verdict);
        verdict
    }

    fn request(&mut self, case: &Case) -> Request<Vec<u8>> {
        use base64::Engine as _;
        let path = self.here(&case.path, true);
        let port = if case.daemon == Daemon::Auth { 9497 } else { 9486 };
        let mut request = Request::builder().method(case.method.as_str()).uri(path);
        request = request.header("host", format!("127.0.0.1:{port}"));
        for (name, value) in &case.headers {
            request = request.header(name, self.here(value, true));
        }
        if let Some((user, password)) = &case.basic {
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            request = request.header("authorization", format!("Basic {basic}"));
        }
        let body = case
            .body
            .as_deref()
            .map(|body| self.here(body, true))
            .unwrap_or_default();
        request.body(body.into_bytes()).unwrap()
    }

    /// A recorded text with our uuids in the places of theirs.
    fn here(&mut self, text: &str, choose: bool) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("<uuid:") {
            let (number, after) = after.split_once('>').unwrap();
            let name = format!("<uuid:{number}>");
            if choose && !self.bound.contains_key(&name) {
                self.bound
                    .insert(name.clone(), format!("00000000-0000-4000-8000-{number:0>12}"));
            }
            out.push_str(before);
            out.push_str(self.bound.get(&name).unwrap_or(&name));
            rest = after;
        }
        out + rest
    }

    /// Binds what is not bound yet to the values in the same places.
    fn bind(&mut self, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::String(name), Value::String(uuid)) if !self.bound.contains_key(name) => {
                self.bound.insert(name.clone(), uuid.clone());
            }
            (Value::Object(theirs), Value::Object(ours)) => {
                theirs
                    .iter()
                    .for_each(|(key, value)| self.bind(value, ours.get(key).unwrap_or(&Value::Null)));
            }
            (Value::Array(theirs), Value::Array(ours)) => {
                theirs
                    .iter()
                    .zip(ours)
                    .for_each(|(theirs, ours)| self.bind(theirs, ours));
            }
            _ => {}
        }
    }

    fn headers(&mut self, case: &Case, answer: &Response<Bytes>, verdict: &mut Verdict) {
        let set = |text: &str| text.split(", ").map(ToOwned::to_owned).collect::<BTreeSet<_>>();
        for (name, value) in case.answer["headers"].as_object().into_iter().flatten() {
            let theirs = self.here(value.as_str().unwrap(), false);
            let ours = answer
                .headers()
                .get(name.as_str())
                .and_then(|value| value.to_str().ok());
            let same =
                ours.is_some_and(|ours| ours == theirs || name == "Allow" && set(ours) == set(&theirs));
            if !same {
                verdict
                    .shape
                    .push(format!("header {name} {theirs:?} is {ours:?}"));
            }
        }
    }

    fn compare(&mut self, place: &str, theirs: &Value, ours: &Value, verdict: &mut Verdict) {
        match (theirs, ours) {
            (Value::Object(short), Value::Array(_)) if short.contains_key("default and") => {
                let mut whole = self.contract.default_acl.clone();
                whole.extend(short["default and"].as_array().unwrap().iter().cloned());
                self.compare(place, &Value::Array(whole), ours, verdict);
            }
            (Value::Object(theirs), Value::Object(ours)) => self.objects(place, theirs, ours, verdict),
            (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
                let order = |list: &[Value]| {
                    let mut list = list.to_vec();
                    // The rights of a policy have no order.
                    if place.ends_with("acl") {
                        list.sort_by_key(ToString::to_string);
                    }
                    list
                };
                for (index, (theirs, ours)) in order(theirs).iter().zip(&order(ours)).enumerate() {
                    self.compare(&format!("{place}[{index}]"), theirs, ours, verdict);
                }
            }
            (Value::String(theirs), Value::String(ours)) => self.strings(place, theirs, ours, verdict),
            (Value::Number(a), Value::Number(b)) if a.is_f64() == b.is_f64() => {
                if a != b && !place.contains("timestamp") {
                    verdict.values.push(format!("{place} {a} is {b}"));
                }
            }
            (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => {
                if theirs != ours {
                    verdict.values.push(format!("{place} {theirs} is {ours}"));
                }
            }
            _ => verdict.shape.push(format!("{place} {theirs} is {ours}")),
        }
    }

    fn objects(
        &mut self,
        place: &str,
        theirs: &Map<String, Value>,
        ours: &Map<String, Value>,
        verdict: &mut Verdict,
    ) {
        let theirs: BTreeMap<String, &Value> = theirs
            .iter()
            .map(|(key, value)| (self.here(key, false), value))
            .collect();
        let missing = theirs
            .keys()
            .filter(|key| !ours.contains_key(*key))
            .map(|key| format!("{place}.{key} is missing"));
        let more = ours
            .keys()
            .filter(|key| !theirs.contains_key(*key))
            .map(|key| format!("{place}.{key} is too much"));
        verdict.shape.extend(missing.chain(more));
        for (key, theirs) in theirs {
            if let Some(ours) = ours.get(&key) {
                self.compare(&format!("{place}.{key}"), theirs, ours, verdict);
            }
        }
    }

    fn strings(&mut self, place: &str, theirs: &str, ours: &str, verdict: &mut Verdict) {
        let is_uuid = theirs.starts_with("<uuid:") && theirs.ends_with('>');
        if is_uuid
            && !ours
                .parse::<uuid::Uuid>()
                .is_ok_and(|uuid| uuid.to_string() == ours)
        {
            verdict.shape.push(format!("{place} {ours:?} is no uuid"));
        } else if is_uuid && !self.bound.contains_key(theirs) {
            self.bound.insert(theirs.to_owned(), ours.to_owned());
        }
        let theirs = self.here(theirs, false);
        let same_kind = theirs.starts_with("<!doctype") == ours.starts_with("<!doctype");
        if !same_kind {
            verdict.shape.push(format!("{place} {theirs:?} is {ours:?}"));
        } else if theirs != ours && !place.ends_with("_at") {
            verdict.values.push(format!("{place} {theirs:?} is {ours:?}"));
        }
    }
}
