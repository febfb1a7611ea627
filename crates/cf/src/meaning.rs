//! What the stored elements of a variable mean: which are missing, and how the others become values.
//!
//! The one place where `_FillValue`, `missing_value`, `valid_*`, `_Unsigned`, `scale_factor` and `add_offset` are read;
//! everything that shows, compares, selects, groups, joins or reduces elements asks here.
//!
//! The rules are netCDF4-python's, with automatic masking and scaling on. Where it raises an error, so does this; where it
//! warns and leaves an attribute out, the attribute is left out and [`Meaning::notes`] says so.

use std::cmp::Ordering;

use rangefold_array::{
    DataType, ElementType, MissingSpec, NotValues, Number, Packing, PackingError, Value, Values,
    compare_integer,
};
use rangefold_refs::fill_mark::{NO_FILL, UNKNOWN};
use rangefold_refs::{AttributeValue, Attributes, ManifestArray, packing_types};

use crate::missing::MissingAttributes;

/// How the stored elements of a variable become values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meaning {
    /// Which elements are missing.
    pub missing: MissingSpec,
    /// How elements are unpacked; `None` if they are the values.
    pub packing: Option<Packing>,
    /// Whether signed integers stand for unsigned ones of the same width.
    pub unsigned: bool,
    /// Attributes that are left out because they make no sense, each with why, as a whole sentence without a full stop.
    pub notes: Vec<String>,
}

/// The attributes of a variable cannot be applied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeaningError {
    /// A packing attribute is a number written as a text: netCDF4-python fails on it, other readers use it.
    #[error("{attribute} is the text {text:?}, not a number, so that readers differ in what they unpack")]
    Text {
        /// `scale_factor` or `add_offset`.
        attribute: &'static str,
        /// Its text.
        text: String,
    },
    /// `scale_factor` or `add_offset` cannot be used on this type.
    #[error(transparent)]
    Packing(#[from] PackingError),
}

/// Typed values of a variable, and which of them are there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// The values, unpacked; anything where missing.
    pub values: Values,
    /// Whether each is there.
    pub valid: Vec<bool>,
    /// Type of the values after unpacking: what a comparison rounds to.
    pub element: Option<ElementType>,
}

impl Meaning {
    /// Elements as they are stored: nothing is unpacked, nothing but NaN is missing.
    #[must_use]
    pub fn raw() -> Self {
        Self::default()
    }

    /// Elements as they are stored, those that netCDF4-python masks missing.
    #[must_use]
    pub fn masked(array: &ManifestArray) -> Self {
        Self { missing: missing(array, false), ..Self::default() }
    }

    /// What netCDF4-python makes of a variable with these attributes.
    ///
    /// # Errors
    ///
    /// [`MeaningError`] if `scale_factor` or `add_offset` is a number written as text, is not finite, or cannot be used
    /// on this type.
    pub fn of(array: &ManifestArray) -> Result<Self, MeaningError> {
        let element = &array.meta.data_type.element;
        let attributes = &array.attributes;
        let unsigned = is_unsigned(attributes) && element.is_integer();
        let mut notes = Vec::new();
        let packing = if element.is_integer() || element.is_float() {
            packing(element, attributes, &mut notes)?
        } else {
            None
        };
        Ok(Self { missing: missing(array, unsigned), packing, unsigned, notes })
    }

    /// The type of the values of a variable of type `stored`.
    #[must_use]
    pub fn value_element(&self, stored: &ElementType) -> ElementType {
        match (&self.packing, self.unsigned, stored) {
            (Some(packing), ..) => packing.element(),
            (None, true, ElementType::Int8) => ElementType::UInt8,
            (None, true, ElementType::Int16) => ElementType::UInt16,
            (None, true, ElementType::Int32) => ElementType::UInt32,
            (None, true, ElementType::Int64) => ElementType::UInt64,
            _ => stored.clone(),
        }
    }

    /// The values of the elements in `bytes`, which are of type `data_type.element` in the machine's byte order.
    ///
    /// # Errors
    ///
    /// [`NotValues`] for types that are neither numbers nor texts of fixed length.
    pub fn column(&self, data_type: &DataType, bytes: &[u8]) -> Result<Column, NotValues> {
        let stored = Values::of_elements(data_type, bytes)?;
        let element = &data_type.element;
        let valid = stored.iter().map(|value| !self.is_missing(value, element)).collect();
        let values = match (self.unsigned, stored) {
            (true, Values::Signed(signed)) => {
                let mask = element.size().map_or(u64::MAX, |size| u64::MAX >> (64 - 8 * size.clamp(1, 8)));
                Values::Unsigned(signed.into_iter().map(|x| x.cast_unsigned() & mask).collect())
            }
            (_, stored) => stored,
        };
        let values = match &self.packing {
            Some(packing) => Values::Float(
                values.iter().map(|x| x.to_f64().map_or(f64::NAN, |x| packing.unpack(x))).collect(),
            ),
            None => values,
        };
        Ok(Column { values, valid, element: Some(self.value_element(element)) })
    }

    /// The values of texts of any length.
    #[must_use]
    pub fn texts(&self, texts: Vec<String>) -> Column {
        let valid = texts.iter().map(|text| !self.missing.texts.contains(text)).collect();
        Column { values: Values::Text(texts), valid, element: Some(ElementType::VlenString) }
    }

    /// Whether an element, as it is stored, is missing.
    fn is_missing(&self, stored: Value<'_>, element: &ElementType) -> bool {
        let spec = &self.missing;
        // Reinterpreted integers are compared as what they stand for, and so are the bounds.
        let seen = |number: Number| match (self.unsigned, element.size()) {
            (true, Some(size)) if number.fits(element) => match number.to_integer() {
                Some(n) => Number::Integer(n & ((1 << (8 * size.min(8))) - 1)),
                None => number,
            },
            _ => number,
        };
        let own = match (stored, self.unsigned) {
            (Value::Signed(x), true) => seen(Number::Integer(x.into())),
            (Value::Signed(x), false) => Number::Integer(x.into()),
            (Value::Unsigned(x), _) => Number::Integer(x.into()),
            (Value::Float(x), _) => Number::Float(x),
            (Value::Text(text), _) => {
                let is_fixed = !matches!(element, ElementType::VlenString);
                let unpadded = |mark: &String| mark.trim_end_matches('\0') == text;
                return is_fixed && text.is_empty() || spec.texts.iter().any(unpadded);
            }
            (Value::Complex([re, im]), _) => return re.is_nan() || im.is_nan(),
            (Value::Bool(_), _) => return false,
        };
        let not_a_time = matches!(element, ElementType::DateTime64(_) | ElementType::TimeDelta64(_))
            && own == Number::Integer(i64::MIN.into());
        let against = |number: Number| match (own, seen(number)) {
            (Number::Float(own), number) => Value::Float(own).compare(number),
            (Number::Integer(own), Number::Integer(number)) => Some(own.cmp(&number)),
            (Number::Integer(own), Number::Float(number)) => compare_integer(own, number),
        };
        matches!(own, Number::Float(x) if x.is_nan())
            || not_a_time
            || spec.fill_values.iter().any(|&fill| against(fill) == Some(Ordering::Equal))
            || spec.valid_min.is_some_and(|low| against(low) == Some(Ordering::Less))
            || spec.valid_max.is_some_and(|high| against(high) == Some(Ordering::Greater))
    }
}

/// `scale_factor` and `add_offset`: both are applied, or neither.
fn packing(
    element: &ElementType,
    attributes: &Attributes,
    notes: &mut Vec<String>,
) -> Result<Option<Packing>, MeaningError> {
    let mut numbers = [None, None];
    let mut invalid = None;
    for (slot, name) in numbers.iter_mut().zip(packing_types::NAMES) {
        let Some(value) = attributes.get(name) else { continue };
        match value.elements() {
            [one] => match to_number(one) {
                Some(number) => *slot = Some((number, width(one))),
                None => match one {
                    AttributeValue::Text(text) if text.trim().parse::<f64>().is_ok() => {
                        return Err(MeaningError::Text { attribute: name, text: text.clone() });
                    }
                    _ => invalid = invalid.or(Some((name, "not a number".to_owned()))),
                },
            },
            several => invalid = invalid.or(Some((name, format!("a list of {}", several.len())))),
        }
    }
    if let Some((name, what)) = invalid {
        notes.push(format!(
            "{name} is {what}, so that neither scale_factor nor add_offset is applied and values are as they are stored"
        ));
        return Ok(None);
    }
    let [scale, offset] = numbers.each_ref().map(|number| number.as_ref().map(|(n, width)| (*n, width)));
    Ok(Packing::from_attributes(element, scale, offset)?)
}

/// Which elements of `array` its attributes mark as missing; `unsigned` if signed integers will be reinterpreted.
fn missing(array: &ManifestArray, unsigned: bool) -> MissingSpec {
    let attributes = &array.attributes;
    let numbers = |name: &str| -> Vec<Number> {
        attributes
            .get(name)
            .map(|value| value.elements().iter().filter_map(to_number).collect())
            .unwrap_or_default()
    };
    let marks = MissingAttributes {
        fill_value: number(attributes, "_FillValue"),
        missing_value: numbers("missing_value"),
        valid_min: number(attributes, "valid_min"),
        valid_max: number(attributes, "valid_max"),
        valid_range: numbers("valid_range"),
        texts: ["_FillValue", "missing_value"]
            .iter()
            .filter_map(|name| attributes.get(name))
            .flat_map(|value| value.elements().iter().filter_map(AttributeValue::as_text).map(str::to_owned))
            .collect(),
        no_fill: attributes
            .get(NO_FILL)
            .and_then(AttributeValue::as_text)
            .is_some_and(|text| text == "true" || text == UNKNOWN),
        unsigned,
    };
    marks.spec(&array.meta.data_type.element)
}

/// Whether `_Unsigned` says that signed integers stand for unsigned ones.
fn is_unsigned(attributes: &Attributes) -> bool {
    attributes
        .get("_Unsigned")
        .and_then(AttributeValue::as_text)
        .is_some_and(|text| text == "true" || text == "True")
}

/// The values that `flag_values` and `flag_meanings` name, which is how an enumeration is known too; empty without them, and
/// for flags that are bits.
#[must_use]
pub fn flags(array: &ManifestArray) -> Vec<(i128, &str)> {
    let attribute = |name: &str| array.attributes.get(name);
    let meanings = attribute("flag_meanings").and_then(AttributeValue::as_text).unwrap_or_default();
    let values = attribute("flag_values").map(AttributeValue::elements).unwrap_or_default();
    if attribute("flag_masks").is_some() || meanings.split_whitespace().count() != values.len() {
        return Vec::new();
    }
    let named = values.iter().zip(meanings.split_whitespace());
    named.filter_map(|(value, meaning)| Some((value.as_integer()?, meaning))).collect()
}

/// An attribute that is one number.
fn number(attributes: &Attributes, name: &str) -> Option<Number> {
    match attributes.get(name)?.elements() {
        [value] => to_number(value),
        _ => None,
    }
}

fn to_number(value: &AttributeValue) -> Option<Number> {
    match value {
        AttributeValue::Integer(value) => Some(Number::Integer(*value)),
        AttributeValue::Float(value) => Some(Number::Float(*value)),
        AttributeValue::Float32(value) => Some(Number::Float((*value).into())),
        // zarr-python writes NaN and the infinities of attributes as texts.
        AttributeValue::Text(text) => match text.as_str() {
            "NaN" => Some(Number::Float(f64::NAN)),
            "Infinity" => Some(Number::Float(f64::INFINITY)),
            "-Infinity" => Some(Number::Float(f64::NEG_INFINITY)),
            _ => None,
        },
        AttributeValue::Null | AttributeValue::Bool(_) | AttributeValue::List(_) | AttributeValue::Map(_) => {
            None
        }
    }
}

/// The float type that packed integers meet: float64 unless the attribute is known to be narrower.
fn width(value: &AttributeValue) -> ElementType {
    match value {
        AttributeValue::Float32(_) => ElementType::Float32,
        _ => ElementType::Float64,
    }
}
