//! From values, attributes and names to labels.

use rangefold_cf::{Calendar, Date, Instant, TimeUnits};
use rangefold_refs::{AttributeValue, ManifestArray};

use crate::content::Content;
use crate::labels::Labels;
use crate::meaning::{column, instants};
use crate::times::Spelling;

/// How the values of a variable become labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Times if the units are units of time.
    Auto,
    /// As they are.
    Data,
    /// Times.
    Cf,
}

/// The values of a variable as labels, or why they are none.
pub(crate) fn labels_of(
    array: &ManifestArray,
    content: &Content,
    reading: Reading,
) -> Result<Labels, String> {
    let units = Spelling::of(array, None);
    let found = column(array, content)?;
    if let Some(position) = found.valid.iter().position(|valid| !valid) {
        return Err(format!("its value at position {position} is marked as missing"));
    }
    match (reading, units) {
        (Reading::Cf, None) => Err("it has no units of time".to_owned()),
        (Reading::Auto | Reading::Cf, Some(spelling)) => {
            let units = spelling?.units;
            let instants = instants(&units, &found)?;
            Ok(Labels::Times { instants: instants.into_iter().flatten().collect(), units })
        }
        _ => Labels::of_values(found.values)
            .ok_or_else(|| format!("its values of type {} cannot be labels here", array.meta.data_type)),
    }
}

/// A label that is found on an input, before it is known what the other inputs have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Integer(i128),
    Float(f64),
    Text(String),
}

impl Found {
    /// The labels that an attribute holds.
    pub(crate) fn in_attribute(value: &AttributeValue) -> Option<Vec<Self>> {
        let one = |value: &AttributeValue| match value {
            AttributeValue::Integer(value) => Some(Self::Integer(*value)),
            AttributeValue::Float(value) => Some(Self::Float(*value)),
            AttributeValue::Text(text) => Some(Self::Text(text.clone())),
            _ => None,
        };
        value.elements().iter().map(one).collect()
    }

    fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Float(_) => None,
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "checked by going back")]
            Self::Integer(value) => {
                Some(*value as f64).filter(|float| format!("{float}") == value.to_string())
            }
            Self::Float(value) => Some(*value),
            // "nan" and "inf" are names.
            Self::Text(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
        }
    }

    fn instant(&self) -> Option<Instant> {
        let Self::Text(text) = self else { return None };
        let year = text.split('-').next().filter(|year| year.len() == 4)?;
        if !year.bytes().all(|b| b.is_ascii_digit()) || text.len() == 4 {
            return None;
        }
        let (date, zone) = Date::parse(text).ok()?;
        let instant = date.instant(Calendar::ProlepticGregorian).ok()?;
        Some(Instant(instant.0 - i128::from(zone) * 60_000_000_000))
    }

    fn text(&self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Units of dates found in texts: fixed, so that the same dates give the same numbers in any company.
const DATE_UNITS: &str = "seconds since 1970-01-01";

/// Labels of one kind for all inputs: the first of integers, floats, times and texts that all of them can be.
pub(crate) fn typed(found: &[Vec<Found>]) -> Vec<Labels> {
    fn all<T>(found: &[Vec<Found>], one: impl Fn(&Found) -> Option<T>) -> Option<Vec<Vec<T>>> {
        found.iter().map(|labels| labels.iter().map(&one).collect()).collect()
    }
    if let Some(integers) = all(found, Found::integer) {
        return integers.into_iter().map(Labels::Integers).collect();
    }
    if let Some(floats) = all(found, Found::float) {
        return floats.into_iter().map(Labels::Floats).collect();
    }
    if let (Some(times), Ok(units)) =
        (all(found, Found::instant), TimeUnits::parse(DATE_UNITS, Some("proleptic_gregorian")))
    {
        return times.into_iter().map(|instants| Labels::Times { instants, units }).collect();
    }
    found.iter().map(|labels| Labels::Texts(labels.iter().map(Found::text).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_numbers_or_dates_only_all_together() {
        let texts = |texts: &[&str]| -> Vec<Vec<Found>> {
            texts.iter().map(|text| vec![Found::Text((*text).to_owned())]).collect()
        };
        let kinds = |found: &[&str]| typed(&texts(found)).first().unwrap().kind();
        assert_eq!(kinds(&["2001", "007"]), "integers");
        assert_eq!(kinds(&["1", "2.5"]), "floats");
        assert_eq!(kinds(&["2001-01-31", "2001-02-28T12:00"]), "times in the proleptic_gregorian calendar");
        assert_eq!(kinds(&["2001-01-31", "r1"]), "texts");
        assert_eq!(kinds(&["1-2"]), "texts");
        let times = typed(&texts(&["1970-01-02"]));
        assert_eq!(times.first().unwrap().printed(0), "1970-01-02T00:00:00");
    }
}
