//! Values over some dimensions of a variable, picked at its selected positions and spread over more of its axes.

use crate::axis::Axis;

/// The axes that something with these dimensions belongs to, in the order of the variable's.
///
/// # Errors
///
/// Why it does not fit: a dimension that is not the variable's, has another length, or is there twice.
pub(crate) fn own_axes<'a, 'b>(
    axes: &'a [Axis<'b>],
    dimensions: &[String],
    shape: &[u64],
) -> Result<Vec<&'a Axis<'b>>, String> {
    for (dimension, &length) in dimensions.iter().zip(shape) {
        let mut own = axes.iter().filter(|axis| axis.name == dimension);
        let axis =
            own.next().ok_or_else(|| format!("its dimension {dimension:?} is none of the variable's"))?;
        if own.next().is_some() {
            return Err(format!("the variable has the dimension {dimension:?} twice"));
        }
        if dimensions.iter().filter(|other| *other == dimension).count() > 1 {
            return Err(format!("it has the dimension {dimension:?} twice"));
        }
        if axis.length != length {
            let wanted = axis.length;
            return Err(format!(
                "its dimension {dimension:?} has {length} positions and the variable's {wanted}"
            ));
        }
    }
    Ok(axes.iter().filter(|axis| dimensions.iter().any(|dimension| dimension == axis.name)).collect())
}

/// The values at the selected positions of `own` axes, in their order, of an array that has these dimensions in any order
/// and is row-major.
pub(crate) fn picked<T: Clone>(
    values: &[T],
    dimensions: &[String],
    shape: &[u64],
    own: &[&Axis<'_>],
) -> Vec<T> {
    let mut places = vec![0_u64];
    for axis in own {
        let inner = dimensions.iter().zip(shape).skip_while(|(dimension, _)| *dimension != axis.name).skip(1);
        let stride: u64 = inner.map(|(_, length)| length).product();
        let positions = axis.positions();
        places = places.iter().flat_map(|&base| positions.iter().map(move |&p| base + p * stride)).collect();
    }
    places.into_iter().filter_map(|place| values.get(usize::try_from(place).ok()?)).cloned().collect()
}

/// What is said of the selected positions of some dimensions, said of those of `axes`, which have these dimensions in the
/// same order.
pub(crate) fn spread<T: Clone>(values: &[T], dimensions: &[String], axes: &[&Axis<'_>]) -> Vec<T> {
    let mut places = vec![0_usize];
    for axis in axes {
        let length = axis.positions().len();
        let own = dimensions.iter().any(|d| d == axis.name);
        let step = |place: usize, k: usize| if own { place * length + k } else { place };
        places = places.iter().flat_map(|&place| (0..length).map(move |k| step(place, k))).collect();
    }
    places.into_iter().filter_map(|place| values.get(place)).cloned().collect()
}
