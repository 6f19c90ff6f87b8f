//! The flags that limit what a program may use up.

use clap::Args;
use hotvm::engine::Limits;
use hotvm::syntax::literal::UNITS;
use std::time::Duration;

/// How much a program may use.
#[derive(Args, Clone, Copy)]
pub(super) struct LimitFlags {
    /// Trap when the program has executed this many instructions
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,
    /// Trap when the program has run for this long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time_limit: Option<Duration>,
    /// Let the program have no more memory than this, such as `64MiB`
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_limit: Option<u64>,
}

impl LimitFlags {
    /// Those that an engine keeps.
    pub(super) fn limits(self) -> Limits {
        Limits { fuel: self.fuel, memory: self.memory_limit }
    }

    /// The other one.
    pub(super) fn time(self) -> Option<Duration> {
        self.time_limit
    }
}

/// A duration above 0.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|it| !it.is_zero()).ok_or_else(|| "not a number of seconds above 0".to_owned())
}

/// A number of bytes, with or without a unit.
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)))
        .unwrap_or((text, 1));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.ok_or_else(|| "not a number of bytes, such as 65536, 64KiB, 16MiB or 1GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("64KiB"), Ok(65536));
        assert_eq!(size("2 MiB"), Ok(2 << 20));
        for bad in ["", "MiB", "-1", "1.5GiB", "1kb", "99999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_seconds_above_zero() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["0", "-1", "", "inf", "nan", "1e99", "1e-99"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
