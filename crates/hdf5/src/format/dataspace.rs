//! Extents.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.b, "The Dataspace Message".

use super::cursor::{Cursor, Sizes, widen};
use crate::error::Problem;
use crate::limits::RANK_MAX;
use crate::model::Dataspace;

/// Cuts a dataspace message, version 1 or 2.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Limit`] for a rank above [`RANK_MAX`], [`Problem::Malformed`] for a
/// maximum below the extent, [`Problem::Unsupported`] for another version or class.
pub fn parse(message: &[u8], sizes: Sizes) -> Result<Dataspace, Problem> {
    let mut cursor = Cursor::new(message);
    let version = cursor.u8()?;
    let rank = usize::from(cursor.u8()?);
    let flags = cursor.u8()?;
    if rank > RANK_MAX {
        return Err(Problem::Limit { what: "the rank", limit: widen(RANK_MAX), found: widen(rank) });
    }
    match version {
        1 => {
            cursor.skip(5)?;
            if rank == 0 {
                return Ok(Dataspace::Scalar);
            }
        }
        2 => match cursor.u8()? {
            0 => return Ok(Dataspace::Scalar),
            1 => {}
            2 => return Ok(Dataspace::Null),
            class => return Err(Problem::unsupported(format!("dataspace class {class}"))),
        },
        _ => return Err(Problem::unsupported(format!("dataspace version {version}"))),
    }
    if rank == 0 {
        return Ok(Dataspace::Scalar);
    }
    let shape = (0..rank).map(|_| cursor.length(sizes)).collect::<Result<Vec<_>, _>>()?;
    let max_shape = if flags & 1 == 0 {
        shape.iter().copied().map(Some).collect()
    } else {
        // The unlimited extent is all ones, as is the undefined address.
        let unlimited = u64::MAX.checked_shr(64u32.saturating_sub(bits(sizes))).unwrap_or(u64::MAX);
        (0..rank)
            .map(|_| cursor.length(sizes).map(|extent| (extent != unlimited).then_some(extent)))
            .collect::<Result<Vec<_>, _>>()?
    };
    for (dimension, (extent, max)) in shape.iter().zip(&max_shape).enumerate() {
        if max.is_some_and(|max| max < *extent) {
            return Err(Problem::malformed(format!(
                "extent {extent} of dimension {dimension} is above its maximum {}",
                max.unwrap_or_default()
            )));
        }
    }
    Ok(Dataspace::Simple { shape, max_shape })
}

fn bits(sizes: Sizes) -> u32 {
    u32::try_from(sizes.length()).unwrap_or(8).saturating_mul(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ones_is_unlimited_at_every_width() {
        let sizes = Sizes::new(8, 4).unwrap();
        let mut message = vec![1, 1, 1, 0, 0, 0, 0, 0];
        message.extend(3u32.to_le_bytes());
        message.extend([0xff; 4]);
        assert_eq!(
            parse(&message, sizes).unwrap(),
            Dataspace::Simple { shape: vec![3], max_shape: vec![None] }
        );
    }

    #[test]
    fn an_extent_above_its_maximum_is_refused() {
        let mut message = vec![2, 1, 1, 1];
        message.extend(3u64.to_le_bytes());
        message.extend(2u64.to_le_bytes());
        assert!(matches!(parse(&message, Sizes::EIGHT), Err(Problem::Malformed(_))));
    }

    #[test]
    fn a_scalar_and_a_null_dataspace_differ() {
        assert_eq!(parse(&[2, 0, 0, 0], Sizes::EIGHT).unwrap(), Dataspace::Scalar);
        assert_eq!(parse(&[2, 0, 0, 2], Sizes::EIGHT).unwrap(), Dataspace::Null);
        assert!(matches!(parse(&[2, 40, 0, 1], Sizes::EIGHT), Err(Problem::Limit { .. })));
    }
}
