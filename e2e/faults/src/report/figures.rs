//! Small sums.

use crate::case::Kind;
use crate::line::Line;

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Share {
    pub(super) of: usize,
    pub(super) hits: usize,
}

impl Share {
    pub(super) fn count<T>(of: impl IntoIterator<Item = T>, hit: impl Fn(&T) -> bool) -> Self {
        let mut share = Self::default();
        for one in of {
            share.of += 1;
            share.hits += usize::from(hit(&one));
        }
        share
    }

    pub(super) fn rate(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Wilson's interval for 95 %: what the true rate may well be, given so few cases.
    pub(super) fn interval(self) -> Option<(f64, f64)> {
        const Z: f64 = 1.959_963_985;
        let p = self.rate()?;
        let n = self.of as f64;
        let z2 = Z * Z;
        let middle = p + z2 / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z2 / n;
        Some((
            ((middle - spread) / whole).max(0.0),
            ((middle + spread) / whole).min(1.0),
        ))
    }

    /// `57/60 = 95.0 % [86.3, 98.3]`
    pub(super) fn told(self) -> String {
        let (Some(rate), Some((low, high))) = (self.rate(), self.interval()) else {
            return "none".to_owned();
        };
        format!(
            "{}/{} = {:.1} % [{:.1}, {:.1}]",
            self.hits,
            self.of,
            rate * 100.0,
            low * 100.0,
            high * 100.0
        )
    }
}

/// A quantile of what was measured, by the nearest rank.
pub(super) fn quantile(values: &[f64], of: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (of * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// Those that were played and are counted.
pub(super) fn counted(lines: &[Line], kind: Kind) -> impl Iterator<Item = &Line> {
    lines
        .iter()
        .filter(move |line| line.kind == kind && line.trouble.is_none() && line.undecidable.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_ten_out_of_ten_is_the_published_one() {
        // Wilson 1927; the figure of R's binom.confint(10, 10, methods = "wilson").
        let (low, high) = Share { of: 10, hits: 10 }.interval().unwrap();
        assert!((low - 0.7225).abs() < 1e-4, "{low}");
        assert!((high - 1.0).abs() < 1e-9, "{high}");
        let (low, high) = Share { of: 20, hits: 15 }.interval().unwrap();
        assert!(
            (low - 0.5313).abs() < 1e-4 && (high - 0.8881).abs() < 1e-4,
            "{low} {high}"
        );
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = [5.0, 1.0, 3.0, 2.0, 4.0];
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 0.95), Some(5.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
