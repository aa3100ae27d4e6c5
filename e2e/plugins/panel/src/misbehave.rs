//! The switches: what a plugin can be told to do wrong.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the panel does wrong, as JSON in `PANEL_MISBEHAVE`, `--misbehave` and `PUT /misbehave`. A PUT replaces
/// the whole; `{}` is good behaviour. Unknown fields are refused.
///
/// ```
/// let wrong: panel::Misbehave = serde_json::from_str(
///     r#"{"crash": {"exitCode": 3, "afterSeconds": 20}, "status": {"code": 503, "on": "Manifest"},
///         "slow": {"ms": 1500, "on": "Everything"}, "eatMiB": 64, "manifest": {"Without": "name.short"},
///         "noCors": true, "frameOptionsDeny": true}"#,
/// ).unwrap();
/// assert!(wrong.check().is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Misbehave {
    /// Ends the program. Given at start with no delay, nothing is ever served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
    /// Answers with an error status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Waits before each answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// Memory to hold, MiB, up to [`Self::MOST_MIB`]. It is touched, so a container's limit notices.
    #[serde(rename = "eatMiB", skip_serializing_if = "is_zero")]
    pub eat_mib: u32,
    /// Breaks the manifest and only the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestFault>,
    /// Leaves out the CORS headers; an `OPTIONS` request is answered 405.
    #[serde(skip_serializing_if = "is_false")]
    pub no_cors: bool,
    /// Adds `X-Frame-Options: DENY`, so the page stays empty in the Wazo application.
    #[serde(skip_serializing_if = "is_false")]
    pub frame_options_deny: bool,
    /// Allows this origin alone to read what is served, whoever asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_origin: Option<String>,
    /// Adds `Content-Security-Policy: frame-ancestors` with this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_ancestors: Option<String>,
    /// At start: nothing listens for so many seconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub listen_after_seconds: u32,
    /// At start: leaves a child behind that serves, and ends without an error, as a daemon of old.
    #[serde(skip_serializing_if = "is_false")]
    pub fork: bool,
    /// Takes no new connections any more, as a process without free descriptors: they are opened by the system and
    /// never answered. Only a new start ends it.
    #[serde(skip_serializing_if = "is_false")]
    pub stop_accepting: bool,
}

/// The end of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Crash {
    /// The exit code, 0 to 255; 0 is an end without an error, which for a server is as wrong.
    pub exit_code: u8,
    /// Seconds from now (from the start, or from the PUT); 0 is at once.
    pub after_seconds: u32,
    /// Ends by a signal of the process's own making instead, at start alone.
    #[serde(skip_serializing_if = "is_false")]
    pub abort: bool,
}

impl Default for Crash {
    fn default() -> Self {
        Self {
            exit_code: 1,
            after_seconds: 0,
            abort: false,
        }
    }
}

/// An error status in place of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Status {
    /// 400 to 599.
    pub code: u16,
    /// Where.
    pub on: Scope,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            code: 500,
            on: Scope::Everything,
        }
    }
}

/// A wait before the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Milliseconds, up to ten minutes.
    pub ms: u32,
    /// Where.
    #[serde(default)]
    pub on: Scope,
}

/// Which requests a switch is about. The switches themselves and `/requests` are never meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// All.
    #[default]
    Everything,
    /// The manifests.
    Manifest,
    /// `/healthz`.
    Health,
}

/// One way for a manifest to be wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ManifestFault {
    /// 200 with an HTML page, as a single-page application answers any path.
    NotJson,
    /// 404.
    NotFound,
    /// Valid, but 1.5 MiB long.
    Huge,
    /// 302 to itself with another query each time, for ever.
    RedirectLoop,
    /// 302 to this address, also where no fetcher should go.
    RedirectTo(String),
    /// The answer breaks off in the middle of its body.
    CutOff,
    /// The body comes a few bytes a second.
    Trickle,
    /// Lacks the field with this JSON path, such as `name.short` or `staticTabs[0].contentUrl`.
    Without(String),
    /// Holds another value in the field with this JSON path.
    With {
        /// As in `Without`; the last step may be new.
        path: String,
        /// Any JSON.
        value: Value,
    },
}

/// A switch that cannot be set so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A number out of its bounds.
    #[error("{field} is {value}: give {least} to {most}")]
    OutOfBounds {
        /// The JSON path of the switch.
        field: &'static str,
        /// What was given.
        value: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
    },
    /// A path that leads nowhere.
    #[error(
        "manifest: the manifest has no field {path:?}: give a JSON path such as name.short or staticTabs[0].name"
    )]
    NoSuchField {
        /// What was given.
        path: String,
    },
    /// A text that cannot stand in a header.
    #[error("{0:?} cannot stand in a header: give printable text")]
    Header(String),
    /// A text that cannot be a place to go to.
    #[error("manifest.RedirectTo: not usable as a Location header: give a URL")]
    Location,
}

impl Misbehave {
    /// The most memory that can be asked for, MiB.
    pub const MOST_MIB: u32 = 4096;
    const MOST_DELAY_SECONDS: u32 = 24 * 60 * 60;
    const MOST_SLOW_MS: u32 = 10 * 60 * 1000;

    /// Checks the bounds. Whether a JSON path leads somewhere is known only beside the manifest.
    ///
    /// # Errors
    /// The first switch that is out of bounds.
    pub fn check(&self) -> Result<(), Invalid> {
        let bounds = |field, value: u32, least: u32, most: u32| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(Invalid::OutOfBounds {
                    field,
                    value: value.into(),
                    least: least.into(),
                    most: most.into(),
                })
            }
        };
        if let Some(crash) = &self.crash {
            bounds(
                "crash.afterSeconds",
                crash.after_seconds,
                0,
                Self::MOST_DELAY_SECONDS,
            )?;
        }
        if let Some(status) = &self.status {
            bounds("status.code", status.code.into(), 400, 599)?;
        }
        if let Some(slow) = &self.slow {
            bounds("slow.ms", slow.ms, 0, Self::MOST_SLOW_MS)?;
        }
        if let Some(ManifestFault::RedirectTo(url)) = &self.manifest
            && http::HeaderValue::from_str(url).is_err()
        {
            return Err(Invalid::Location);
        }
        for text in [&self.cors_origin, &self.frame_ancestors].into_iter().flatten() {
            if http::HeaderValue::from_str(text).is_err() {
                return Err(Invalid::Header(text.clone()));
            }
        }
        bounds(
            "listenAfterSeconds",
            self.listen_after_seconds,
            0,
            Self::MOST_DELAY_SECONDS,
        )?;
        bounds("eatMiB", self.eat_mib, 0, Self::MOST_MIB)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_behaviour_is_the_empty_object() {
        assert_eq!(serde_json::to_string(&Misbehave::default()).unwrap(), "{}");
        assert_eq!(
            serde_json::from_str::<Misbehave>("{}").unwrap(),
            Misbehave::default()
        );
    }

    #[test]
    fn each_manifest_fault_keeps_its_written_form() {
        for text in [
            r#""NotJson""#,
            r#"{"Without":"name.short"}"#,
            r#"{"With":{"path":"version","value":1.5}}"#,
            r#"{"RedirectTo":"http://169.254.169.254/"}"#,
        ] {
            let fault: ManifestFault = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&fault).unwrap(), text);
        }
    }

    #[test]
    fn a_misspelt_switch_is_refused() {
        let refused = serde_json::from_str::<Misbehave>(r#"{"nocors": true}"#).unwrap_err();
        assert!(
            refused.to_string().contains("unknown field `nocors`"),
            "{refused}"
        );
    }

    #[test]
    fn a_number_out_of_bounds_names_the_field_and_the_bounds() {
        let status = Some(Status {
            code: 200,
            ..Status::default()
        });
        let refused = Misbehave {
            status,
            ..Misbehave::default()
        }
        .check()
        .unwrap_err();
        assert_eq!(refused.to_string(), "status.code is 200: give 400 to 599");
        let refused = Misbehave {
            eat_mib: 9999,
            ..Misbehave::default()
        }
        .check()
        .unwrap_err();
        assert_eq!(refused.to_string(), "eatMiB is 9999: give 0 to 4096");
    }
}
