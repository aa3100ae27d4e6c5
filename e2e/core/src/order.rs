//! Orders of the admin interface in JSON: faults and what is done at once.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::faults::{Faults, Tokens};
use crate::journal::Daemon;
use crate::seed::{Application, UserApplication};
use crate::stranger::Stranger;

/// A fault as JSON: its name, its limits, and what it needs beside.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultOrder {
    fault: String,
    daemon: Option<Daemon>,
    method: Option<String>,
    path: Option<String>,
    tenant: Option<String>,
    times: Option<u32>,
    delay_ms: Option<u64>,
    status: Option<u16>,
    content_type: Option<String>,
    body: Option<String>,
    stranger: Option<StrangerOrder>,
    acl: Option<Vec<String>>,
    tokens: Option<String>,
    password: Option<String>,
    uuid: Option<String>,
}

/// A stranger's act as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StrangerOrder {
    act: String,
    tenant: Option<String>,
    user: Option<String>,
    name: String,
    label: Option<String>,
    configuration: Option<Value>,
    url: Option<String>,
}

impl StrangerOrder {
    /// The act; the tenant is the operator's if none is named.
    pub(crate) fn stranger(self, tenant: &str) -> Result<Stranger> {
        let tenant = self.tenant.unwrap_or_else(|| tenant.to_owned());
        let name = self.name;
        match (self.user, self.act.as_str()) {
            (Some(user), "put") => {
                return Ok(Stranger::PutOfUser(UserApplication {
                    user,
                    name,
                    label: self.label,
                    configuration: self.configuration.unwrap_or_default(),
                }));
            }
            (Some(user), "delete") => return Ok(Stranger::DeleteOfUser { user, name }),
            (Some(_), _) => {
                return Err(Error::Order(
                    "act: of a user's app only put and delete".to_owned(),
                ));
            }
            (None, _) => {}
        }
        match self.act.as_str() {
            "put" => {
                let configuration = self.configuration.unwrap_or_default();
                Ok(Stranger::Put(Application {
                    tenant,
                    name,
                    label: self.label,
                    configuration,
                }))
            }
            "merge" => match self.configuration {
                Some(Value::Object(configuration)) => Ok(Stranger::Merge {
                    tenant,
                    name,
                    configuration,
                }),
                _ => Err(missing("merge", "configuration (an object)")),
            },
            "add_url" => {
                let url = self.url.ok_or_else(|| missing("add_url", "url"))?;
                Ok(Stranger::AddUrl { tenant, name, url })
            }
            "delete" => Ok(Stranger::Delete { tenant, name }),
            other => Err(Error::Order(format!(
                "act: {other} is none of put, merge, add_url, delete"
            ))),
        }
    }
}

fn missing(what: &str, field: &str) -> Error {
    Error::Order(format!("{what} needs the field {field}"))
}

impl FaultOrder {
    /// Understands the order: a fault that is to stand, or none if it is done already.
    pub(crate) fn obey(self, faults: &Faults, tenant: &str) -> Result<Option<Fault>> {
        let delay = Duration::from_millis(self.delay_ms.unwrap_or(3000));
        let name = self.fault.as_str();
        let stranger = match self.stranger {
            Some(order) => Some(order.stranger(tenant)?),
            None => None,
        };
        let stranger = || stranger.clone().ok_or_else(|| missing(name, "stranger"));
        let fault = match name {
            "daemon_down" => Fault::daemon_down(self.daemon.ok_or_else(|| missing(name, "daemon"))?),
            "postgresql_down" => Fault::postgresql_down(),
            "rabbitmq_down" => Fault::rabbitmq_down(delay),
            "latency" => Fault::latency(delay),
            "late_answer" => Fault::late_answer(delay),
            "hang" => Fault::hang(),
            "hang_after_effect" => Fault::hang_after_effect(),
            "reset_before_effect" => Fault::reset_before_effect(),
            "reset_after_effect" => Fault::reset_after_effect(),
            "unauthorized" => Fault::unauthorized(),
            "refuse_connections" => Fault::refuse_connections(),
            "stranger_before" => Fault::stranger_before(stranger()?),
            "stranger_after" => Fault::stranger_after(stranger()?),
            "answer" => {
                let content_type = self.content_type.as_deref().unwrap_or("text/html");
                let status = self.status.ok_or_else(|| missing(name, "status"))?;
                Fault::answer(status, content_type, self.body.as_deref().unwrap_or_default())
            }
            "rights_revoked" => {
                let acl = self.acl.unwrap_or_default();
                let acl: Vec<&str> = acl.iter().map(String::as_str).collect();
                let tokens = match self.tokens.as_deref() {
                    Some("keep") => Tokens::Keep,
                    None | Some("drop") => Tokens::Drop,
                    Some(other) => {
                        return Err(Error::Order(format!("tokens: {other} is none of keep, drop")));
                    }
                };
                faults.set_rights(&acl, tokens);
                return Ok(None);
            }
            "tokens_expired" => {
                faults.expire_tokens();
                return Ok(None);
            }
            "password_changed" => {
                faults.change_password(&self.password.ok_or_else(|| missing(name, "password"))?);
                return Ok(None);
            }
            "stack_uuid_changed" => {
                faults.change_stack_uuid(&self.uuid.ok_or_else(|| missing(name, "uuid"))?);
                return Ok(None);
            }
            other => {
                return Err(Error::Order(format!(
                    "fault: {other} is not known; the README lists them"
                )));
            }
        };
        let mut fault = fault.on(
            self.method.as_deref().unwrap_or_default(),
            self.path.as_deref().unwrap_or_default(),
        );
        if let Some(daemon) = self.daemon {
            fault = fault.of_daemon(daemon);
        }
        if let Some(tenant) = &self.tenant {
            fault = fault.of_tenant(tenant);
        }
        if let Some(times) = self.times {
            fault = fault.times(times);
        }
        Ok(Some(fault))
    }
}

/// What `PUT /state` may set; what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateOrder {
    pub(crate) stack_uuid: Option<String>,
    pub(crate) clock: Option<ClockOrder>,
    pub(crate) applications: Option<Vec<Map<String, Value>>>,
}

/// How to set the clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockOrder {
    pub(crate) advance_seconds: Option<u64>,
    pub(crate) set: Option<jiff::Timestamp>,
}
