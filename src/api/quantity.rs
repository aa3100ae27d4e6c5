//! Quantities as Kubernetes writes them: `50m`, `64Mi`, `1e3`.
//!
//! Source of the grammar: `k8s.io/apimachinery/pkg/api/resource/quantity.go`.

/// Whether a text is a quantity that is not negative.
#[must_use]
pub fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let digits = number.chars().any(|c| c.is_ascii_digit());
    digits && number.matches('.').count() <= 1 && is_suffix(suffix)
}

/// The value of a quantity that is not negative; `None`: it is none. Large ones are rounded as floating numbers are.
#[must_use]
pub fn value(text: &str) -> Option<f64> {
    if !is_quantity(text) {
        return None;
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        exponent => 10.0_f64.powi(exponent.get(1..)?.parse().ok()?),
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

/// A quantity in whole units, or in parts of one (`per_unit` 1000: thousandths), rounded up.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest whole number, at most the largest one; it is not negative"
)]
pub fn whole(text: &str, per_unit: u16) -> Option<u64> {
    value(text).map(|value| (value * f64::from(per_unit)).ceil() as u64)
}

fn is_suffix(suffix: &str) -> bool {
    const SUFFIXES: [&str; 16] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    if SUFFIXES.contains(&suffix) {
        return true;
    }
    let Some(exponent) = suffix.strip_prefix(['e', 'E']) else {
        return false;
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !exponent.is_empty() && exponent.len() <= 3 && exponent.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{is_quantity, value, whole};

    #[test]
    fn quantities_have_the_value_that_kubernetes_gives_them() {
        for (text, expected) in [
            ("250m", 0.25),
            ("64Mi", 67_108_864.0),
            ("1e3", 1000.0),
            ("1E", 1e18),
            ("+1.5k", 1500.0),
        ] {
            assert!(
                (value(text).unwrap() - expected).abs() < f64::EPSILON * expected,
                "{text}"
            );
        }
        assert_eq!(whole("250m", 1000), Some(250));
        assert_eq!(whole("1Gi", 1), Some(1 << 30));
        assert_eq!(whole("-1", 1), None);
    }

    #[test]
    fn quantities_are_told_from_other_texts() {
        for good in [
            "1", "0", "50m", "0.5", ".5", "5.", "64Mi", "1e3", "1E3", "1E", "+1", "12e-3", "100k", "2Ei",
        ] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in [
            "", "m", "64mb", "64MB", "1 Gi", "-1", "1.2.3", "1e", "0x1", "1K", "one", "1e+", "64Mi\n", "1,5",
        ] {
            assert!(!is_quantity(bad), "{bad}");
        }
    }
}
