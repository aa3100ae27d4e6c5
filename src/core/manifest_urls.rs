//! The edit of an application's `manifest_urls`: pure, and careful with what others put there.
//!
//! The form that is found is the form that is written: a list of text, such a list as JSON in a text, or a text of URLs
//! separated by commas or spaces. Other keys, other URLs, their order and the numbers in them stay as they are.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::facts::AppEdit;
use super::settings::ListForm;
use super::shape::kind;

const KEY: &str = "manifest_urls";

/// How it is about one edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// What it wants is so.
    Yes,
    /// A write is needed.
    No,
    /// It cannot be made so without harm; why.
    Refused(String),
}

/// The forms in which the URLs are found.
#[derive(Debug)]
enum Form {
    /// The key, or the whole configuration, is not there or null.
    Missing,
    /// A list of text.
    List(Vec<String>),
    /// A text that is a JSON list of text.
    Encoded(Vec<String>),
    /// A text of URLs separated by commas or spaces.
    Text(Pieces),
    /// Something else; what.
    Other(String),
}

/// A text cut into URLs and what stands between them: `between` has one item more than `urls`.
#[derive(Clone, Debug)]
struct Pieces {
    urls: Vec<String>,
    between: Vec<String>,
}

/// An application's `configuration`, read once.
pub(super) struct Reading<'a> {
    configuration: &'a Value,
    form: Form,
    there: HashSet<String>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(configuration: &'a Value) -> Self {
        let form = form(configuration);
        let there = form.urls().iter().cloned().collect();
        Self {
            configuration,
            form,
            there,
        }
    }

    /// The URLs, in order; none where they cannot be read.
    pub(super) fn urls(&self) -> &[String] {
        self.form.urls()
    }

    /// How it is about `edit` while `others` are wished for too: what one wants to be present stays, whoever wants it
    /// absent, and that one's wish is thereby fulfilled as far as it goes.
    pub(super) fn held(&self, edit: &AppEdit, others: &BTreeSet<AppEdit>, new_list: ListForm) -> Held {
        match edit {
            AppEdit::Absent(url) if others.contains(&AppEdit::Present(url.clone())) => Held::Yes,
            AppEdit::Absent(url) => match &self.form {
                Form::Other(what) => {
                    let value = self.configuration.get(KEY).unwrap_or(self.configuration);
                    if mentions(value, url) {
                        Held::Refused(refusal(what))
                    } else {
                        Held::Yes
                    }
                }
                _ => yes_if(!self.there.contains(url)),
            },
            AppEdit::Present(url) => match &self.form {
                Form::Other(what) => Held::Refused(refusal(what)),
                Form::Text(_) if !fits_text(url) => Held::Refused(unfit(url)),
                Form::Missing if new_list == ListForm::Text && !fits_text(url) => Held::Refused(unfit(url)),
                _ => yes_if(self.there.contains(url)),
            },
        }
    }

    /// The configuration with all `edits` made that can be made; `None`: nothing changes.
    pub(super) fn edited(&self, edits: &BTreeSet<AppEdit>, new_list: ListForm) -> Option<Map<String, Value>> {
        let mut needed = Needed::default();
        for edit in edits
            .iter()
            .filter(|edit| self.held(edit, edits, new_list) == Held::No)
        {
            match edit {
                AppEdit::Absent(url) => {
                    needed.absent.insert(url);
                }
                AppEdit::Present(url) => needed.present.push(url),
            }
        }
        if needed.absent.is_empty() && needed.present.is_empty() {
            return None;
        }
        let value = match (&self.form, new_list) {
            (Form::Missing, ListForm::List) => list(needed.make_in_list(&[])),
            (Form::Missing, ListForm::Text) => Value::String(needed.make_in_text(Pieces::cut(""))),
            (Form::List(urls), _) => list(needed.make_in_list(urls)),
            (Form::Encoded(urls), _) => Value::String(list(needed.make_in_list(urls)).to_string()),
            (Form::Text(pieces), _) => Value::String(needed.make_in_text(pieces.clone())),
            (Form::Other(_), _) => return None,
        };
        let mut whole = self.configuration.as_object().cloned().unwrap_or_default();
        // Replaces the value where the key stands, so the order of the keys stays.
        whole.insert(KEY.to_owned(), value);
        Some(whole)
    }
}

impl Form {
    fn urls(&self) -> &[String] {
        match self {
            Self::Missing | Self::Other(_) => &[],
            Self::List(urls) | Self::Encoded(urls) => urls,
            Self::Text(pieces) => &pieces.urls,
        }
    }
}

/// The edits for which a write is needed.
#[derive(Default)]
struct Needed<'a> {
    absent: HashSet<&'a str>,
    present: Vec<&'a str>,
}

impl Needed<'_> {
    fn make_in_list(&self, urls: &[String]) -> Vec<String> {
        let kept = urls
            .iter()
            .map(String::as_str)
            .filter(|url| !self.absent.contains(url));
        kept.chain(self.present.iter().copied())
            .map(str::to_owned)
            .collect()
    }

    fn make_in_text(&self, mut pieces: Pieces) -> String {
        for url in &self.absent {
            pieces.remove(url);
        }
        for url in &self.present {
            pieces.push(url);
        }
        pieces.join()
    }
}

const fn yes_if(held: bool) -> Held {
    if held { Held::Yes } else { Held::No }
}

fn refusal(what: &str) -> String {
    format!("{KEY} is {what}: expected a list of text, or text")
}

fn unfit(url: &str) -> String {
    format!("{KEY} is text with separators, and the URL {url} has a comma or a space in it")
}

fn list(urls: Vec<String>) -> Value {
    Value::Array(urls.into_iter().map(Value::String).collect())
}

fn is_separator(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

fn fits_text(url: &str) -> bool {
    !url.is_empty() && !url.contains(is_separator)
}

impl Pieces {
    fn cut(text: &str) -> Self {
        let mut pieces = Self {
            urls: Vec::new(),
            between: vec![String::new()],
        };
        let mut in_url = false;
        for c in text.chars() {
            let separator = is_separator(c);
            if separator && in_url {
                pieces.between.push(String::new());
            } else if !separator && !in_url {
                pieces.urls.push(String::new());
            }
            in_url = !separator;
            let part = if separator {
                pieces.between.last_mut()
            } else {
                pieces.urls.last_mut()
            };
            if let Some(part) = part {
                part.push(c);
            }
        }
        if in_url {
            pieces.between.push(String::new());
        }
        pieces
    }

    /// Appends with the separator that is used already, or a comma.
    fn push(&mut self, url: &str) {
        let inner = self.between.len().saturating_sub(1);
        let used = if inner > 1 {
            self.between.get(inner - 1).cloned()
        } else {
            None
        };
        let separator = used.unwrap_or_else(|| ",".to_owned());
        if !self.urls.is_empty()
            && let Some(last) = self.between.last_mut()
            && last.is_empty()
        {
            *last = separator;
        }
        self.urls.push(url.to_owned());
        self.between.push(String::new());
    }

    /// Removes a URL with what stands before it, or after it if it is the first.
    fn remove(&mut self, gone: &str) {
        while let Some(index) = self.urls.iter().position(|url| url == gone) {
            self.urls.remove(index);
            if self.urls.is_empty() {
                self.between = vec![String::new()];
            } else if index == 0 {
                self.between.remove(1);
            } else {
                self.between.remove(index);
            }
        }
    }

    fn join(&self) -> String {
        let mut text = self.between.first().cloned().unwrap_or_default();
        for (url, between) in self.urls.iter().zip(self.between.iter().skip(1)) {
            text.push_str(url);
            text.push_str(between);
        }
        text
    }
}

fn form(configuration: &Value) -> Form {
    let value = match configuration {
        Value::Null => return Form::Missing,
        Value::Object(keys) => keys.get(KEY).unwrap_or(&Value::Null),
        other => return Form::Other(format!("not to be had: the configuration is {}", kind(other))),
    };
    match value {
        Value::Null => Form::Missing,
        Value::Array(items) => texts(items).map_or_else(
            |what| Form::Other(format!("a list that holds {what}")),
            Form::List,
        ),
        Value::String(text) if text.trim_start().starts_with('[') => {
            match serde_json::from_str::<Vec<Value>>(text) {
                Ok(items) => texts(&items).map_or_else(
                    |what| Form::Other(format!("a JSON list in a text that holds {what}")),
                    Form::Encoded,
                ),
                Err(_) => Form::Other("a text that begins like a JSON list and is none".to_owned()),
            }
        }
        Value::String(text) => Form::Text(Pieces::cut(text)),
        other => Form::Other(kind(other).to_owned()),
    }
}

/// The items as text, or what else there is among them.
fn texts(items: &[Value]) -> Result<Vec<String>, &'static str> {
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| kind(item)))
        .collect()
}

/// Whether any text in the value has `url` in it.
fn mentions(value: &Value, url: &str) -> bool {
    match value {
        Value::String(text) => text.contains(url),
        Value::Array(items) => items.iter().any(|item| mentions(item, url)),
        Value::Object(keys) => keys.values().any(|item| mentions(item, url)),
        _ => false,
    }
}

#[cfg(test)]
#[path = "manifest_urls_tests.rs"]
mod tests;
