//! Whether what stands in objects from before they changed is replaced by what newer inputs hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::CombineError;
use crate::input_array::InputArray;
use crate::joined_axis::JoinedAxis;
use crate::objects::url_of;

/// Checks that all that a variable has in objects from before they changed is replaced: at the same labels the input
/// that knows the object as it is has the variable too.
pub(crate) fn check_replaced(
    variable: &str,
    arrays: &[InputArray<'_>],
    axes: &[&JoinedAxis],
) -> Result<(), CombineError> {
    for array in arrays {
        let Some(stale) = array.stale else { continue };
        // The labels that each replacing input has, by axis.
        let mut replaced: BTreeMap<usize, Vec<BTreeSet<u64>>> = BTreeMap::new();
        let grid = &array.stored.meta.grid;
        for (number, reference) in array.stored.manifest.iter() {
            let Some((url, &by)) = url_of(&reference).and_then(|url| stale.get_key_value(url)) else {
                continue;
            };
            let holds = arrays.iter().any(|array| array.input == by);
            let places = replaced.entry(by).or_insert_with(|| {
                let of_input = axes.iter().map(|axis| axis.places.get(by).and_then(Option::as_ref));
                of_input.map(|places| places.map(|p| p.iter().collect()).unwrap_or_default()).collect()
            });
            let index = grid.index(number).unwrap_or_default();
            let (origin, shape) = (grid.chunk_origin(&index), grid.chunk_shape(&index));
            for ((axis, source), replaced) in axes.iter().zip(&array.own_axes).zip(places.iter()) {
                let extent = match source {
                    Some(own) => origin.get(*own).zip(shape.get(*own)).map(|(&o, &n)| o..o.saturating_add(n)),
                    None => Some(0..1),
                };
                let own = axis.places.get(array.input).and_then(Option::as_ref);
                let mut here = extent.into_iter().flatten().map_while(|position| own?.get(position));
                if let Some(left) = here.find(|place| !holds || !replaced.contains(place)) {
                    return Err(CombineError::NotReplaced {
                        variable: variable.to_owned(),
                        label: u32::try_from(left).map(|place| axis.printed(place)).unwrap_or_default(),
                        input: array.name.to_owned(),
                        url: url.to_string(),
                    });
                }
            }
        }
    }
    Ok(())
}
