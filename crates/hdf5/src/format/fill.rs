//! Fill values.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.e, "The Data Storage - Fill Value (Old) Message", and IV.A.2.f, "Fill Value".

use bytes::Bytes;

use super::cursor::Cursor;
use crate::error::Problem;
use crate::model::{AllocationTime, Fill, FillTime, FillValue};

/// What a dataset without any fill value message has: the library calls that undefined, not default.
pub const ABSENT: FillValue = FillValue {
    value: Fill::Undefined,
    write_time: FillTime::IfSet,
    allocation_time: AllocationTime::Unspecified,
};

/// Cuts a fill value message, version 1 to 3.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] for a time that means nothing, [`Problem::Unsupported`] for another version.
pub fn parse(message: &[u8]) -> Result<FillValue, Problem> {
    let mut cursor = Cursor::new(message);
    match cursor.u8()? {
        1 | 2 => {
            let allocation_time = allocation_time(cursor.u8()?)?;
            let write_time = write_time(cursor.u8()?)?;
            let value = if cursor.u8()? == 0 { Fill::Undefined } else { sized(&mut cursor)? };
            Ok(FillValue { value, write_time, allocation_time })
        }
        3 => {
            let flags = cursor.u8()?;
            let value = match (flags & 0x10 != 0, flags & 0x20 != 0) {
                (true, true) => {
                    return Err(Problem::malformed("fill value is both undefined and defined"));
                }
                (true, false) => Fill::Undefined,
                (false, true) => sized(&mut cursor)?,
                (false, false) => Fill::Default,
            };
            Ok(FillValue {
                value,
                write_time: write_time((flags >> 2) & 0b11)?,
                allocation_time: allocation_time(flags & 0b11)?,
            })
        }
        version => Err(Problem::unsupported(format!("fill value version {version}"))),
    }
}

/// Cuts a fill value message as written before 1.6.
///
/// # Errors
///
/// [`Problem::Truncated`]
pub fn parse_old(message: &[u8]) -> Result<FillValue, Problem> {
    let value = match sized(&mut Cursor::new(message))? {
        // In this message, no bytes mean that there is no value.
        Fill::Default => Fill::Undefined,
        value => value,
    };
    Ok(FillValue { value, ..ABSENT })
}

fn sized(cursor: &mut Cursor<'_>) -> Result<Fill, Problem> {
    let size = cursor.u32()?;
    // A negative size was written for "undefined" by some libraries.
    let Ok(len) = i32::try_from(size) else { return Ok(Fill::Undefined) };
    match usize::try_from(len) {
        Ok(0) => Ok(Fill::Default),
        Ok(len) => Ok(Fill::User(Bytes::copy_from_slice(cursor.take(len)?))),
        Err(_) => Ok(Fill::Undefined),
    }
}

fn write_time(bits: u8) -> Result<FillTime, Problem> {
    match bits {
        0 => Ok(FillTime::OnAllocation),
        1 => Ok(FillTime::Never),
        2 => Ok(FillTime::IfSet),
        _ => Err(Problem::malformed(format!("fill value write time is {bits} but must be 0, 1 or 2"))),
    }
}

fn allocation_time(bits: u8) -> Result<AllocationTime, Problem> {
    match bits {
        0 => Ok(AllocationTime::Unspecified),
        1 => Ok(AllocationTime::Early),
        2 => Ok(AllocationTime::Late),
        3 => Ok(AllocationTime::Incremental),
        _ => Err(Problem::malformed(format!("space allocation time is {bits} but must be 0 to 3"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_default_and_user_values_are_told_apart_in_every_version() {
        let value = |message: &[u8]| parse(message).unwrap().value;
        assert_eq!(value(&[2, 2, 2, 0]), Fill::Undefined);
        assert_eq!(value(&[2, 2, 2, 1, 0, 0, 0, 0]), Fill::Default);
        assert_eq!(value(&[1, 2, 2, 1, 2, 0, 0, 0, 7, 8]), Fill::User(Bytes::from_static(&[7, 8])));
        assert_eq!(value(&[3, 0x1a]), Fill::Undefined);
        assert_eq!(value(&[3, 0x0a]), Fill::Default);
        assert_eq!(value(&[3, 0x2a, 1, 0, 0, 0, 9]), Fill::User(Bytes::from_static(&[9])));
        assert!(parse(&[3, 0x2a, 200, 0, 0, 0, 9]).is_err());
        assert_eq!(parse_old(&[0, 0, 0, 0]).unwrap().value, Fill::Undefined);
        assert_eq!(parse_old(&[1, 0, 0, 0, 5]).unwrap().value, Fill::User(Bytes::from_static(&[5])));
    }
}
