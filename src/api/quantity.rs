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
    use super::is_quantity;

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
