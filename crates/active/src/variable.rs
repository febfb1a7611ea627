//! A variable's attributes as the reducer needs them: what is missing, and how numbers are packed.

use rangefold_array::ElementType;
use rangefold_reduce::{MissingAttributes, MissingSpec, Number, Packing, PackingError};
use rangefold_refs::{AttributeValue, Attributes, ManifestArray};

/// How the stored elements of a variable become values.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpretation {
    /// Which elements are missing.
    pub missing: MissingSpec,
    /// How elements are unpacked; `None` if they are the values.
    pub packing: Option<Packing>,
    /// Whether signed integers stand for unsigned ones.
    pub unsigned: bool,
}

impl Interpretation {
    /// Elements as they are stored: nothing is unpacked, nothing but NaN is missing.
    #[must_use]
    pub fn raw() -> Self {
        Self { missing: MissingSpec::default(), packing: None, unsigned: false }
    }

    /// Elements as they are stored, those that netCDF4-python masks missing.
    #[must_use]
    pub fn masked(array: &ManifestArray) -> Self {
        Self { missing: missing(array, false), packing: None, unsigned: false }
    }

    /// What netCDF4-python makes of a variable with these attributes.
    ///
    /// JSON does not say how wide a float attribute was. One that a float32 holds exactly is taken for a float32, as
    /// it was if its decimal digits look like a widened one (`0.10000000149011612`); where that is not certain, as for
    /// 0.5, both widths unpack integers of 16 bits to the same values.
    ///
    /// # Errors
    ///
    /// [`PackingError`] if `scale_factor` or `add_offset` cannot be used on this type.
    pub fn of(array: &ManifestArray) -> Result<Self, PackingError> {
        let element = &array.meta.data_type.element;
        let attributes = &array.attributes;
        let unsigned = is_unsigned(attributes) && element.is_integer();
        let packed = element.is_integer() || element.is_float();
        let scale_factor = number(attributes, "scale_factor").filter(|_| packed);
        let add_offset = number(attributes, "add_offset").filter(|_| packed);
        let typed = |number: Option<Number>| number.map(|n| (n, width(n)));
        let (scale, offset) = (typed(scale_factor), typed(add_offset));
        let packing = Packing::from_attributes(
            element,
            scale.as_ref().map(|(n, t)| (*n, t)),
            offset.as_ref().map(|(n, t)| (*n, t)),
        )?;
        Ok(Self { missing: missing(array, unsigned), packing, unsigned })
    }
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
        no_fill: attributes.get("_NoFill").and_then(AttributeValue::as_text) == Some("true"),
        unsigned,
    };
    MissingSpec::from_attributes(&array.meta.data_type.element, &marks)
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
        // zarr-python writes NaN and the infinities of attributes as texts.
        AttributeValue::Text(text) => match text.as_str() {
            "NaN" => Some(Number::Float(f64::NAN)),
            "Infinity" => Some(Number::Float(f64::INFINITY)),
            "-Infinity" => Some(Number::Float(f64::NEG_INFINITY)),
            _ => None,
        },
        _ => None,
    }
}

/// The float type an attribute was most likely written in.
fn width(number: Number) -> ElementType {
    let value = number.to_f64();
    #[expect(clippy::cast_possible_truncation, reason = "checked by widening it again")]
    let narrow = value as f32;
    let single = matches!(number, Number::Float(_)) && f64::from(narrow).to_bits() == value.to_bits();
    if single { ElementType::Float32 } else { ElementType::Float64 }
}
