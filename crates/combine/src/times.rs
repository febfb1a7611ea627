//! How the times of a variable are spelled, and how joined times are written.
//!
//! ```text
//! inputs   10 "days since 1850-1-1"    9 "days since 1850-01-02"     the same instant, spelled twice
//! joined   10 "days since 1850-1-1"                                  one spelling gives the numbers and the attributes
//! ```

use std::fmt;

use rangefold_array::ElementType;
use rangefold_cf::{Calendar, Instant, TimeUnits, time_units};
use rangefold_refs::{AttributeValue, Attributes, ManifestArray};

use crate::CombineError;
use crate::attributes::printed;
use crate::labels::Labels;

/// Units and calendar of times, and how an input spells them. What is written takes both from one input, so that its
/// numbers and its attributes always mean the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spelling {
    /// What the numbers mean.
    pub(crate) units: TimeUnits,
    /// The `units` attribute.
    units_text: AttributeValue,
    /// The `calendar` attribute, where there is one.
    calendar_text: Option<AttributeValue>,
    /// Whether the variable says its units itself, and does not have those of the variable whose bounds it is.
    pub(crate) is_own: bool,
    /// Whether the element type says it, so that there are no attributes.
    is_typed: bool,
}

impl Spelling {
    /// How the times of `array` are spelled; what it does not say is said by `parent`, the variable whose bounds it is.
    /// `None` if its numbers are no times.
    pub(crate) fn of(array: &ManifestArray, parent: Option<&ManifestArray>) -> Option<Result<Self, String>> {
        let element = &array.meta.data_type.element;
        if matches!(element, ElementType::DateTime64(_)) {
            let units = time_units(array)?.map_err(|error| error.to_string());
            return Some(units.map(|units| Self { is_typed: true, ..Self::plain(units) }));
        }
        if !element.is_integer() && !element.is_float() {
            return None;
        }
        let said = |name: &str| {
            let own = array.attributes.get(name);
            own.or_else(|| parent?.attributes.get(name))
        };
        let units_text = said("units")?;
        let text = units_text.as_text().filter(|text| TimeUnits::is_time(text))?;
        let calendar_text = said("calendar");
        let units = TimeUnits::parse(text, calendar_text.and_then(AttributeValue::as_text));
        Some(units.map_err(|error| error.to_string()).map(|units| Self {
            units,
            units_text: units_text.clone(),
            calendar_text: calendar_text.cloned(),
            is_own: array.attributes.get("units").is_some(),
            is_typed: false,
        }))
    }

    /// Units that no input spells.
    pub(crate) fn plain(units: TimeUnits) -> Self {
        Self {
            units,
            units_text: AttributeValue::Text(units.to_string()),
            calendar_text: Some(AttributeValue::Text(units.calendar().to_string())),
            is_own: true,
            is_typed: false,
        }
    }

    /// This spelling if it says `units` in attributes, else the plain one of those.
    pub(crate) fn in_units(&self, units: TimeUnits) -> Self {
        if self.units == units && !self.is_typed { self.clone() } else { Self::plain(units) }
    }

    /// Sets the attributes.
    pub(crate) fn stamp(&self, attributes: &mut Attributes) {
        if self.is_typed {
            return;
        }
        attributes.insert("units", self.units_text.clone());
        match &self.calendar_text {
            Some(calendar) => attributes.insert("calendar", calendar.clone()),
            None => {
                attributes.remove("calendar");
            }
        }
    }
}

/// As it is spelled: what the choice among several goes by.
impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calendar = self.calendar_text.as_ref().map(printed).unwrap_or_default();
        write!(f, "{} {calendar}", printed(&self.units_text))
    }
}

/// Checks that all labels that are times can be told in one calendar: that of the earliest.
pub(crate) fn check_calendars(
    dimension: &str,
    inputs: &[(&str, Option<&Labels>)],
) -> Result<(), CombineError> {
    let times = || {
        inputs.iter().filter_map(|(name, labels)| match labels {
            Some(Labels::Times { instants, units }) => Some((*name, instants, units.calendar())),
            _ => None,
        })
    };
    let refused = |(first, _, calendar): (&str, _, Calendar), (second, _, other): (&str, _, Calendar)| {
        Err(CombineError::LabelKinds {
            dimension: dimension.to_owned(),
            first: first.to_owned(),
            first_kind: format!("times in the {calendar} calendar"),
            second: second.to_owned(),
            second_kind: format!("times in the {other} calendar"),
        })
    };
    let Some(first) = times().next() else { return Ok(()) };
    // Days of calendars that are no relatives are counted from different dates.
    if let Some(other) = times().find(|(_, _, other)| !other.agrees_with(first.2, Instant(i128::MAX))) {
        return refused(first, other);
    }
    let some = times().filter(|(_, instants, _)| !instants.is_empty());
    let earliest = some.min_by_key(|(_, instants, _)| instants.iter().min().copied());
    let Some(earliest) = earliest else { return Ok(()) };
    let disagrees = |instant: &Instant, other: Calendar| !other.agrees_with(earliest.2, *instant);
    match times().find(|(_, instants, other)| instants.iter().any(|instant| disagrees(instant, *other))) {
        Some(other) => refused(earliest, other),
        None => Ok(()),
    }
}
