//! Lists of wazo-auth: filters by column, `search`, `order`, `direction`, `limit`, `offset`.

use serde_json::{Value, json};

use crate::answer::{Answer, problem};
use crate::call::Call;

/// How a list may be asked.
pub(super) struct Listing {
    pub(super) orders: &'static [&'static str],
    pub(super) filters: &'static [&'static str],
    pub(super) search: &'static [&'static str],
}

/// What of a list was asked: how many match, and the page.
pub(super) struct Page {
    pub(super) filtered: usize,
    pub(super) items: Vec<Value>,
}

fn bad(now: f64, name: &str, what: Value) -> Box<Answer> {
    // The resource is "users" for every list: so the daemon says.
    let mut message = json!({});
    message[name] = what;
    problem(now, 400, message, "invalid-list-param", json!({}), Some("users"))
}

fn number(now: f64, call: &Call, name: &str) -> Result<Option<usize>, Box<Answer>> {
    let Some(given) = call.param(name) else {
        return Ok(None);
    };
    match given.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(usize::try_from(number).ok()),
        Ok(_) => {
            let message = "Must be greater than or equal to 0.";
            Err(bad(
                now,
                name,
                json!([{"constraint_id": "range", "constraint": {"min": 0}, "message": message}]),
            ))
        }
        Err(_) => Err(bad(
            now,
            name,
            super::fields::wrong_type("Not a valid integer.", "integer"),
        )),
    }
}

fn one_of(now: f64, call: &Call, name: &str, choices: &[&str], absent: &str) -> Result<String, Box<Answer>> {
    let Some(given) = call.param(name) else {
        return Ok(absent.to_owned());
    };
    if choices.contains(&given) {
        return Ok(given.to_owned());
    }
    let message = format!("Must be one of: {}.", choices.join(", "));
    Err(bad(
        now,
        name,
        json!([{"constraint_id": "enum", "constraint": {"choices": choices}, "message": message}]),
    ))
}

/// A column as the filters compare it: text as it is, other values in Python's words.
fn column(item: &Value, name: &str) -> Option<String> {
    match &item[name] {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

impl Listing {
    pub(super) fn page(&self, now: f64, call: &Call, mut items: Vec<Value>) -> Result<Page, Box<Answer>> {
        let limit = number(now, call, "limit")?.unwrap_or(usize::MAX);
        let offset = number(now, call, "offset")?.unwrap_or(0);
        let order = one_of(now, call, "order", self.orders, self.orders[0])?;
        let direction = one_of(now, call, "direction", &["asc", "desc"], "asc")?;
        for filter in self.filters {
            if let Some(wanted) = call.param(filter) {
                items.retain(|item| column(item, filter).as_deref() == Some(wanted));
            }
        }
        if let Some(search) = call.param("search").map(str::to_lowercase) {
            let hit = |item: &Value, name: &str| {
                column(item, name).is_some_and(|text| text.to_lowercase().contains(&search))
            };
            items.retain(|item| self.search.iter().any(|name| hit(item, name)));
        }
        // Nulls come last, as PostgreSQL sorts them.
        items.sort_by_key(|item| column(item, &order).map_or((1, String::new()), |text| (0, text)));
        if direction == "desc" {
            items.reverse();
        }
        let filtered = items.len();
        Ok(Page {
            filtered,
            items: items.into_iter().skip(offset).take(limit).collect(),
        })
    }
}
