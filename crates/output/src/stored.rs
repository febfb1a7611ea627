//! A field as an array format holds it: elements of fixed width, and one of them for "missing".

use crate::error::{Result, bail};
use half::f16;
use rangefold_array::{ElementType, TimeUnit};
use serde_json::{Map, Value as Json, json};

use rangefold_array::{Value, Values};
use rangefold_query::field::{Field, text_of};

/// What a netCDF or Zarr array holds for a field.
pub struct Stored {
    /// Type of the elements.
    pub element: ElementType,
    /// What stands for a missing integer; floats have NaN.
    pub(super) fill: Option<i128>,
    /// Attributes that say what the elements mean.
    pub(super) attributes: Map<String, Json>,
}

/// How an array with attributes holds `field`.
///
/// Truth values with gaps become bytes with CF flags, dates become counts since 1970.
///
/// # Errors
///
/// Texts have gaps, every integer that could stand for "missing" is a value, or the type has no counterpart.
pub(super) fn of(field: &Field) -> Result<Stored> {
    let gaps = field.missing();
    if gaps > 0 && matches!(field.values, Values::Text(_)) {
        bail!("{gaps} of {} texts are missing, and an array of texts cannot say so", field.cells());
    }
    let plain = Stored::described(field, None)?;
    if gaps == 0 || !(plain.element.is_integer() || plain.element == ElementType::Bool) {
        return Ok(plain);
    }
    let element = if plain.element == ElementType::Bool { ElementType::Int8 } else { plain.element };
    Stored::described(field, Some(fill(&element, field)?))
}

impl Stored {
    /// How values of the type of `field` are held, whose missing integers `fill` stands for; none are missing without one.
    ///
    /// # Errors
    ///
    /// The type has no counterpart.
    pub fn described(field: &Field, fill: Option<i128>) -> Result<Self> {
        let mut attributes = Map::new();
        let element = match &field.element {
            ElementType::Bool if fill.is_some() => {
                attributes.insert("flag_values".into(), json!([0, 1]));
                attributes.insert("flag_meanings".into(), json!("false true"));
                ElementType::Int8
            }
            ElementType::DateTime64(unit) => {
                attributes.insert("units".into(), json!(format!("{} since 1970-01-01", unit_name(*unit)?)));
                ElementType::Int64
            }
            ElementType::TimeDelta64(unit) => {
                attributes.insert("units".into(), json!(unit_name(*unit)?));
                ElementType::Int64
            }
            element => element.clone(),
        };
        if let Some(fill) = fill {
            attributes.insert("_FillValue".into(), rangefold_query::number::integer(fill));
        }
        Ok(Self { element, fill, attributes })
    }

    /// What may stand for missing values of a type, the best first; none for types that have something else for it.
    pub fn fills(element: &ElementType) -> Vec<i128> {
        let element = match element {
            ElementType::Bool => &ElementType::Int8,
            ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => &ElementType::Int64,
            element if element.is_integer() => element,
            _ => return Vec::new(),
        };
        fills(element).to_vec()
    }

    /// The elements of a part; `None` if some are missing and nothing stands for them, or what does is a value.
    ///
    /// # Errors
    ///
    /// A value is not of the type.
    pub fn elements(&self, part: &Field) -> Result<Option<Vec<u8>>> {
        let is_integer = self.element.is_integer() || self.element == ElementType::Bool;
        let is_taken = |fill: i128| {
            (0..part.cells()).filter_map(|i| part.value(i)).any(|value| value.to_integer() == Some(fill))
        };
        if is_integer && self.fill.map_or(part.missing() > 0, is_taken) {
            return Ok(None);
        }
        native(part, &self.element, self.fill).map(Some)
    }
}

/// The unit as UDUNITS spells it.
fn unit_name(unit: TimeUnit) -> Result<&'static str> {
    Ok(match unit.code() {
        "D" => "days",
        "h" => "hours",
        "m" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        other => bail!("dates in units of {other:?} have no CF units; .npy holds them"),
    })
}

/// The netCDF default fill value of the type, or one of its extremes if the field has that value.
fn fill(element: &ElementType, field: &Field) -> Result<i128> {
    let [default, min, max] = fills(element);
    let is_value = |candidate: &i128| {
        (0..field.cells()).filter_map(|i| field.value(i)).any(|value| value.to_integer() == Some(*candidate))
    };
    match [default, min, max].into_iter().find(|candidate| !is_value(candidate)) {
        Some(fill) => Ok(fill),
        None => bail!(
            "{} of {} cells are missing, and {default}, {min} and {max} are all values of others: nothing of type {} \
             is left to mark them",
            field.missing(),
            field.cells(),
            element.name()
        ),
    }
}

/// The netCDF default fill value of the type, and its extremes.
fn fills(element: &ElementType) -> [i128; 3] {
    let (min, max) = integer_range(element);
    let default = if min < 0 { min + fill_offset(element) } else { max - fill_offset(element) };
    [default, min, max]
}

/// Distance of netCDF's default fill value from the extreme it is next to (`netcdf.h`: `NC_FILL_BYTE` and others).
fn fill_offset(element: &ElementType) -> i128 {
    match element {
        ElementType::Int64 => 2,
        ElementType::UInt64 => 1,
        ElementType::UInt8 | ElementType::UInt16 | ElementType::UInt32 => 0,
        _ => 1,
    }
}

fn integer_range(element: &ElementType) -> (i128, i128) {
    match element {
        ElementType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        ElementType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        ElementType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        ElementType::UInt8 => (0, u8::MAX.into()),
        ElementType::UInt16 => (0, u16::MAX.into()),
        ElementType::UInt32 => (0, u32::MAX.into()),
        ElementType::UInt64 => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// The cells of `field` as elements in the byte order of this machine, in row-major order; missing floats are NaN, missing dates NaT.
///
/// # Errors
///
/// A cell of any other type is missing and there is no `fill`, or a value is not of the type `element`.
pub(super) fn native(field: &Field, element: &ElementType, fill: Option<i128>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(field.cells().saturating_mul(element.size().unwrap_or(0)));
    for i in 0..field.cells() {
        let written = match (field.value(i), fill) {
            (Some(value), _) => push(&mut out, element, value),
            (None, Some(fill)) => push_integer(&mut out, element, fill),
            (None, None) => push_missing(&mut out, element),
        };
        if written.is_none() {
            match field.value(i) {
                Some(value) => bail!("{} is no value of type {}", text_of(value), element.name()),
                None => bail!(
                    "{} of {} cells are missing, and an array of type {} cannot say so",
                    field.missing(),
                    field.cells(),
                    element.name()
                ),
            }
        }
    }
    Ok(out)
}

fn push(out: &mut Vec<u8>, element: &ElementType, value: Value<'_>) -> Option<()> {
    match (element, value) {
        (ElementType::Bool, Value::Bool(x)) => out.push(u8::from(x)),
        (ElementType::Complex64 | ElementType::Complex128, Value::Complex(parts)) => {
            for part in parts {
                push_float(out, if *element == ElementType::Complex64 { 4 } else { 8 }, part)?;
            }
        }
        (_, Value::Float(x)) if element.is_float() => push_float(out, element.size()?, x)?,
        (_, value) => push_integer(out, element, value.to_integer()?)?,
    }
    Some(())
}

fn push_missing(out: &mut Vec<u8>, element: &ElementType) -> Option<()> {
    match element {
        ElementType::Float16 | ElementType::Float32 | ElementType::Float64 => {
            push_float(out, element.size()?, f64::NAN)
        }
        ElementType::Complex64 | ElementType::Complex128 => {
            push(out, element, Value::Complex([f64::NAN, f64::NAN]))
        }
        ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => {
            push_integer(out, element, i64::MIN.into())
        }
        _ => None,
    }
}

/// Writes a float of `size` bytes; `None` if it has a value that width does not hold.
#[expect(clippy::cast_possible_truncation, reason = "widened back and compared")]
fn push_float(out: &mut Vec<u8>, size: usize, x: f64) -> Option<()> {
    let same = |back: f64| (back == x || x.is_nan()).then_some(());
    match size {
        2 => {
            let narrow = f16::from_f64(x);
            same(narrow.to_f64())?;
            out.extend(narrow.to_ne_bytes());
        }
        4 => {
            let narrow = x as f32;
            same(narrow.into())?;
            out.extend(narrow.to_ne_bytes());
        }
        _ => out.extend(x.to_ne_bytes()),
    }
    Some(())
}

/// Writes an integer; `None` if the type does not hold it.
fn push_integer(out: &mut Vec<u8>, element: &ElementType, x: i128) -> Option<()> {
    match element {
        ElementType::Int8 => out.extend(i8::try_from(x).ok()?.to_ne_bytes()),
        ElementType::Int16 => out.extend(i16::try_from(x).ok()?.to_ne_bytes()),
        ElementType::Int32 => out.extend(i32::try_from(x).ok()?.to_ne_bytes()),
        ElementType::Int64 | ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => {
            out.extend(i64::try_from(x).ok()?.to_ne_bytes());
        }
        ElementType::UInt8 => out.extend(u8::try_from(x).ok()?.to_ne_bytes()),
        ElementType::UInt16 => out.extend(u16::try_from(x).ok()?.to_ne_bytes()),
        ElementType::UInt32 => out.extend(u32::try_from(x).ok()?.to_ne_bytes()),
        ElementType::UInt64 => out.extend(u64::try_from(x).ok()?.to_ne_bytes()),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    #[test]
    fn a_missing_integer_is_marked_by_what_is_no_value() {
        let field = samples::integers(vec![1, 0], vec![true, false]);
        assert_eq!(of(&field).unwrap().fill, Some(-9_223_372_036_854_775_806));
        let field = samples::integers(vec![-9_223_372_036_854_775_806, 0], vec![true, false]);
        assert_eq!(of(&field).unwrap().fill, Some(i64::MIN.into()));
        let field = samples::integers(vec![1, 2], vec![true, true]);
        assert_eq!(of(&field).unwrap().fill, None);
    }

    #[test]
    fn integers_without_a_free_value_are_refused() {
        let values = vec![-9_223_372_036_854_775_806, i64::MIN, i64::MAX, 0];
        let error = of(&samples::integers(values, vec![true, true, true, false])).err().unwrap().to_string();
        assert!(error.ends_with("nothing of type int64 is left to mark them"), "{error}");
    }

    #[test]
    fn a_value_its_type_cannot_hold_is_refused() {
        let mut field = samples::integers(vec![300], vec![true]);
        field.element = ElementType::Int8;
        let error = native(&field, &field.element, None).unwrap_err();
        assert_eq!(error.to_string(), "300 is no value of type int8");
        let field = samples::floats("x", Vec::new(), vec![0.1]);
        assert!(native(&field, &ElementType::Float32, None).is_err());
    }

    #[test]
    fn truth_values_with_gaps_become_flags() {
        let mut field = samples::integers(Vec::new(), vec![true, false]);
        (field.element, field.values) = (ElementType::Bool, Values::Bool(vec![true, false]));
        let stored = of(&field).unwrap();
        assert_eq!(stored.element, ElementType::Int8);
        assert_eq!(native(&field, &stored.element, stored.fill).unwrap(), [1, 0x81]);
    }
}
