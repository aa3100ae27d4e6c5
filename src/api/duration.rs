//! Spans of time as users write them in a spec: `30s`, `2m`, `1h30m`.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::parse::Invalid;

/// How long the process of a plugin may take to start.
pub const STARTUP: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3600);
/// How long a rollout may take.
pub const DEADLINE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(24 * 3600);

/// Parses hours, minutes and seconds, each at most once and in this order: `([0-9]+h)?([0-9]+m)?([0-9]+s)?`.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: Option<u64> = None;
    for (unit, seconds) in [('h', 3600), ('m', 60), ('s', 1)] {
        let Some((number, after)) = rest.split_once(unit) else {
            continue;
        };
        if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let counted = number.parse::<u64>().ok()?.checked_mul(seconds)?;
        total = Some(total.unwrap_or(0).checked_add(counted)?);
        rest = after;
    }
    total.filter(|_| rest.is_empty()).map(Duration::from_secs)
}

/// A field with a duration.
///
/// # Errors
/// Where the text is no duration or outside of the bounds: the field, and what may stand there.
pub fn field(path: &str, text: &str, bounds: &RangeInclusive<Duration>) -> Result<Duration, Invalid> {
    let invalid = |problem: String| Invalid::new(path, problem);
    let duration = parse(text).ok_or_else(|| {
        invalid("is not a duration: write hours, minutes and seconds, as in 90s, 2m or 1h30m".to_owned())
    })?;
    if bounds.contains(&duration) {
        return Ok(duration);
    }
    let (least, most) = (Span(*bounds.start()), Span(*bounds.end()));
    Err(invalid(format!("must be from {least} to {most}")))
}

/// A duration in the form in which it is written.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds if seconds > 0 && seconds.is_multiple_of(3600) => write!(f, "{}h", seconds / 3600),
            seconds if seconds > 0 && seconds.is_multiple_of(60) => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_are_read_in_this_order() {
        for (text, seconds) in [
            ("90s", 90),
            ("2m", 120),
            ("1h30m", 5400),
            ("1h1m1s", 3661),
            ("720h", 2_592_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for bad in [
            "",
            "5",
            "m",
            "1m1h",
            "1s1s",
            "-1m",
            "1.5m",
            " 1m",
            "1m ",
            "1d",
            "99999999999999999999h",
            "9999999999999999h",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_duration_outside_of_its_bounds_names_them() {
        let error = field("spec.rollout.deadline", "1s", &DEADLINE).unwrap_err();
        assert_eq!(
            error.to_string(),
            "spec.rollout.deadline: must be from 10s to 24h"
        );
        assert!(field("x", "25h", &DEADLINE).is_err());
        assert!(field("x", "10s", &STARTUP).is_ok() && field("x", "1h", &STARTUP).is_ok());
        let error = field("x", "soon", &STARTUP).unwrap_err();
        assert!(error.problem.contains("90s, 2m or 1h30m"), "{error}");
    }
}
