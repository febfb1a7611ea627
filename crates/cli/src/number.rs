//! Numbers as the command prints them.

use serde_json::Value;

/// A float in JSON: NaN and the infinities as strings.
pub(crate) fn float(value: f64) -> Value {
    if value.is_nan() {
        return Value::from("NaN");
    }
    if value.is_infinite() {
        return Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    Value::from(value)
}

/// An integer in JSON, exactly: as a number where 64 bits hold it, else as a string of digits.
pub(crate) fn integer(value: i128) -> Value {
    if let Ok(value) = i64::try_from(value) {
        return Value::from(value);
    }
    u64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from)
}

/// A number of bytes for a person: `512 B`, `1.5 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).copied().unwrap_or("PiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_cannot_say_becomes_a_string() {
        assert_eq!(float(f64::NAN), "NaN");
        assert_eq!(float(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(float(1.5), 1.5);
        assert_eq!(integer(i128::from(u64::MAX)), u64::MAX);
        assert_eq!(integer(i128::from(u64::MAX) + 1), "18446744073709551616");
    }

    #[test]
    fn bytes_are_rounded_to_one_decimal() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
    }
}
