//! The joined axis: the union of all inputs' labels, and where each input's positions lie in it.

use std::cmp::Ordering;

use crate::labels::Labels;
use crate::places::Places;
use crate::times::check_calendars;
use crate::{CombineError, Sort};

/// A joined axis.
#[derive(Clone, Debug)]
pub(crate) struct JoinedAxis {
    /// Path of its coordinate variable, there or not.
    pub(crate) path: String,
    /// Name of the dimension.
    pub(crate) dimension: String,
    /// Labels in the order of the axis.
    pub(crate) labels: Labels,
    /// For each input, the places of its positions; `None` if the axis does not concern it.
    pub(crate) places: Vec<Option<Places>>,
    /// The inputs that hold the smallest label. What is taken from one input is taken from among these, so that the
    /// order of the inputs makes no difference.
    pub(crate) earliest: Vec<usize>,
}

impl JoinedAxis {
    pub(crate) fn len(&self) -> u64 {
        self.labels.len() as u64
    }

    /// The label at `place` with the name of the dimension, for messages.
    pub(crate) fn printed(&self, place: u32) -> String {
        format!("{} {}", self.dimension, self.labels.printed(place))
    }

    /// Joins the labels of all inputs, each given with its name.
    pub(crate) fn join(
        path: &str,
        dimension: &str,
        inputs: &[(&str, Option<&Labels>)],
        sort: Sort,
    ) -> Result<Self, CombineError> {
        let labels_of = |input: u32| {
            usize::try_from(input).ok().and_then(|i| inputs.get(i)).and_then(|(_, labels)| *labels)
        };
        check_kinds(dimension, inputs)?;
        check_calendars(dimension, inputs)?;
        // Every label by input and position, sorted by label and then by input.
        let mut order: Vec<(u32, u32)> = Vec::new();
        for (input, (_, labels)) in (0..).zip(inputs) {
            order.extend((0..labels.map_or(0, Labels::len)).map_while(|p| Some((input, p.try_into().ok()?))));
        }
        let compare = |a: &(u32, u32), b: &(u32, u32)| match (labels_of(a.0), labels_of(b.0)) {
            (Some(left), Some(right)) => left.compare(a.1, right, b.1),
            _ => Ordering::Equal,
        };
        order.sort_by(compare);
        let groups: Vec<&[(u32, u32)]> = order.chunk_by(|a, b| compare(a, b).is_eq()).collect();
        if let Some(twice) = groups.iter().flat_map(|group| group.windows(2)).find(same_input) {
            let (input, position) = twice.first().copied().unwrap_or_default();
            return Err(CombineError::RepeatedLabel {
                dimension: dimension.to_owned(),
                input: usize::try_from(input).ok().and_then(|i| inputs.get(i)).map_or("", |i| i.0).to_owned(),
                label: labels_of(input).map(|labels| labels.printed(position)).unwrap_or_default(),
            });
        }
        let earliest = groups.first().copied().unwrap_or_default();
        let earliest: Vec<usize> = earliest.iter().filter_map(|&(input, _)| input.try_into().ok()).collect();

        let mut along: Vec<&[(u32, u32)]> = groups;
        match sort {
            Sort::Ascending => {}
            Sort::Descending => along.reverse(),
            Sort::Given => along.sort_by_key(|group| group.first().copied()),
        }
        let mut slots: Vec<Option<Vec<u64>>> =
            inputs.iter().map(|(_, labels)| labels.map(|labels| vec![0; labels.len()])).collect();
        let known = || inputs.iter().filter_map(|(_, labels)| *labels);
        let like = known().find(|labels| labels.len() > 0).or_else(|| known().next());
        let mut labels = like.map_or(Labels::Integers(Vec::new()), Labels::empty_like);
        for (place, group) in (0..).zip(&along) {
            if let Some(&(input, position)) = group.first()
                && let Some(from) = labels_of(input)
            {
                labels.push_from(from, position);
            }
            for &(input, position) in *group {
                let slots = usize::try_from(input).ok().and_then(|i| slots.get_mut(i)?.as_mut());
                let position = usize::try_from(position).ok();
                if let Some(slot) = slots.zip(position).and_then(|(slots, p)| slots.get_mut(p)) {
                    *slot = place;
                }
            }
        }
        let places = slots.into_iter().map(|slots| slots.map(Places::from_iter)).collect();
        Ok(Self { path: path.to_owned(), dimension: dimension.to_owned(), labels, places, earliest })
    }
}

fn same_input(pair: &&[(u32, u32)]) -> bool {
    pair.first().map(|p| p.0) == pair.last().map(|p| p.0)
}

/// Labels of one kind, none of them NaN, and no more than can be counted.
fn check_kinds(dimension: &str, inputs: &[(&str, Option<&Labels>)]) -> Result<(), CombineError> {
    // Labels that are none are of no kind.
    let given = inputs.iter().filter_map(|&(name, labels)| Some((name, labels?)));
    let mut given = given.filter(|(_, labels)| labels.len() > 0);
    let Some((first_name, first)) = given.clone().next() else { return Ok(()) };
    given.try_for_each(|(name, labels)| {
        if !labels.same_kind(first) {
            return Err(CombineError::LabelKinds {
                dimension: dimension.to_owned(),
                first: first_name.to_owned(),
                first_kind: first.kind(),
                second: name.to_owned(),
                second_kind: labels.kind(),
            });
        }
        if labels.has_nan() {
            return Err(CombineError::NanLabel { dimension: dimension.to_owned(), input: name.to_owned() });
        }
        if u32::try_from(labels.len()).is_err() {
            return Err(CombineError::NoLabels {
                dimension: dimension.to_owned(),
                input: name.to_owned(),
                reason: format!("it has {} positions, more than 32 bits can count", labels.len()),
            });
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(values: &[i128]) -> Labels {
        Labels::Integers(values.to_vec())
    }

    fn join(inputs: &[(&str, Option<&Labels>)], sort: Sort) -> Result<JoinedAxis, CombineError> {
        JoinedAxis::join("t", "t", inputs, sort)
    }

    #[test]
    fn labels_are_joined_sorted_and_placed() {
        let (a, b) = (integers(&[4, 2]), integers(&[1, 2]));
        let inputs = [("a", Some(&a)), ("none", None), ("b", Some(&b))];
        let axis = join(&inputs, Sort::Ascending).unwrap();
        assert_eq!(axis.labels, integers(&[1, 2, 4]));
        let run = |first, count| Some(Places::Run { first, count });
        assert_eq!(axis.places, [Some(Places::Listed(vec![2, 1])), None, run(0, 2)]);
        assert_eq!(axis.earliest, [2]);
        assert_eq!(join(&inputs, Sort::Descending).unwrap().labels, integers(&[4, 2, 1]));
        let axis = join(&inputs, Sort::Given).unwrap();
        assert_eq!(axis.labels, integers(&[4, 2, 1]));
        assert_eq!(axis.places, [run(0, 2), None, Some(Places::Listed(vec![2, 1]))]);
    }

    #[test]
    fn labels_that_have_no_place_are_refused() {
        let refused = |a: &Labels, b: &Labels| {
            join(&[("a.nc", Some(a)), ("b.nc", Some(b))], Sort::Ascending).unwrap_err().to_string()
        };
        assert_eq!(
            refused(&integers(&[1]), &Labels::Texts(vec!["x".into()])),
            "dimension \"t\" has integers as labels in a.nc but texts in b.nc"
        );
        assert_eq!(
            refused(&integers(&[1]), &integers(&[2, 2])),
            "dimension \"t\" has the label 2 twice in b.nc"
        );
        let nan = Labels::Floats(vec![f64::NAN]);
        assert_eq!(
            refused(&nan, &nan),
            "dimension \"t\" has NaN as a label in a.nc, which has no place on an axis"
        );
    }
}
