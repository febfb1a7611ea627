//! Numbers in JSON: exact, and with names for what JSON has no numbers for.

use serde_json::Value;

/// A float in JSON: NaN and the infinities as strings.
#[must_use]
pub fn float(value: f64) -> Value {
    if value.is_nan() {
        return Value::from("NaN");
    }
    if value.is_infinite() {
        return Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    Value::from(value)
}

/// An integer in JSON, exactly: as a number where 64 bits hold it, else as a string of digits.
#[must_use]
pub fn integer(value: i128) -> Value {
    if let Ok(value) = i64::try_from(value) {
        return Value::from(value);
    }
    u64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from)
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
}
