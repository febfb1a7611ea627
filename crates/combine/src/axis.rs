//! The joined axis: the union of all inputs' labels, and where each input's positions lie in it.

use std::collections::HashMap;

use crate::labels::{Key, Labels};
use crate::{CombineError, Sort};

/// A joined axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) dimension: String,
    /// Labels in the order of the axis.
    pub(crate) labels: Labels,
    /// For each input, the place of each of its positions.
    pub(crate) places: Vec<Vec<u64>>,
}

impl Axis {
    pub(crate) fn len(&self) -> u64 {
        self.labels.len() as u64
    }

    /// Joins the labels of all inputs, each given with its name.
    pub(crate) fn join(
        dimension: &str,
        inputs: &[(&str, &Labels)],
        sort: Sort,
    ) -> Result<Self, CombineError> {
        let Some(&(first_name, first)) = inputs.first() else { return Err(CombineError::NoInputs) };
        // Keys, and for each the input and position where the label stands first.
        let mut known: HashMap<Key, u64> = HashMap::new();
        let mut found: Vec<(Key, usize, usize)> = Vec::new();
        let mut keys_of: Vec<Vec<Key>> = Vec::with_capacity(inputs.len());
        for (i, &(name, labels)) in inputs.iter().enumerate() {
            if !labels.same_kind(first) {
                return Err(CombineError::LabelKinds {
                    dimension: dimension.to_owned(),
                    first: first_name.to_owned(),
                    first_kind: first.kind(),
                    second: name.to_owned(),
                    second_kind: labels.kind(),
                });
            }
            let keys = labels.keys().ok_or_else(|| CombineError::NanLabel {
                dimension: dimension.to_owned(),
                input: name.to_owned(),
            })?;
            let mut own: HashMap<&Key, ()> = HashMap::with_capacity(keys.len());
            for (position, key) in keys.iter().enumerate() {
                if own.insert(key, ()).is_some() {
                    return Err(CombineError::RepeatedLabel {
                        dimension: dimension.to_owned(),
                        input: name.to_owned(),
                        label: labels.printed(position),
                    });
                }
                if !known.contains_key(key) {
                    known.insert(key.clone(), 0);
                    found.push((key.clone(), i, position));
                }
            }
            keys_of.push(keys);
        }
        match sort {
            Sort::Ascending => found.sort_by(|a, b| a.0.cmp(&b.0)),
            Sort::Descending => found.sort_by(|a, b| b.0.cmp(&a.0)),
            Sort::Given => {}
        }
        // Times keep the units of the earliest label, so that the order of inputs makes no difference.
        let earliest = found.iter().min_by(|a, b| a.0.cmp(&b.0)).and_then(|&(_, i, _)| inputs.get(i));
        let mut labels = earliest.map_or(first, |&(_, labels)| labels).empty_like();
        for (place, (key, i, position)) in found.into_iter().enumerate() {
            if let Some(&(_, from)) = inputs.get(i) {
                labels.push_from(from, position);
            }
            known.insert(key, place as u64);
        }
        let places = keys_of
            .iter()
            .map(|keys| keys.iter().filter_map(|key| known.get(key).copied()).collect())
            .collect();
        Ok(Self { dimension: dimension.to_owned(), labels, places })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(values: &[i128]) -> Labels {
        Labels::Integers(values.to_vec())
    }

    #[test]
    fn labels_are_joined_sorted_and_placed() {
        let (a, b) = (integers(&[4, 2]), integers(&[1, 2]));
        let axis = Axis::join("t", &[("a", &a), ("b", &b)], Sort::Ascending).unwrap();
        assert_eq!(axis.labels, integers(&[1, 2, 4]));
        assert_eq!(axis.places, [vec![2, 1], vec![0, 1]]);
        let axis = Axis::join("t", &[("a", &a), ("b", &b)], Sort::Descending).unwrap();
        assert_eq!(axis.labels, integers(&[4, 2, 1]));
        let axis = Axis::join("t", &[("a", &a), ("b", &b)], Sort::Given).unwrap();
        assert_eq!(axis.labels, integers(&[4, 2, 1]));
    }

    #[test]
    fn labels_that_have_no_place_are_refused() {
        let join = |a: &Labels, b: &Labels| {
            Axis::join("t", &[("a.nc", a), ("b.nc", b)], Sort::Ascending).unwrap_err().to_string()
        };
        assert_eq!(
            join(&integers(&[1]), &Labels::Texts(vec!["x".into()])),
            "dimension \"t\" has integers as labels in a.nc but texts in b.nc"
        );
        assert_eq!(
            join(&integers(&[1]), &integers(&[2, 2])),
            "dimension \"t\" has the label 2 twice in b.nc"
        );
        let nan = Labels::Floats(vec![f64::NAN]);
        assert_eq!(
            join(&nan, &nan),
            "dimension \"t\" has NaN as a label in a.nc, which has no place on an axis"
        );
    }
}
