//! Positions along axes, and places: numbers of the combinations of positions.

use rangefold_array::AxisRange;

/// Positions along one axis: runs one after the other, more than one where a range crosses a seam or a label stands in
/// several places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions(pub Vec<AxisRange>);

/// The dimensions along which `argmin` and `argmax` count, in the order of the variable, and what is selected of each.
///
/// These are the reduced ones, the gathered ones and the one that windows move along; the last counts fastest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Vec<(String, Positions)>);

impl Places {
    pub(crate) fn new(dimensions: Vec<(String, Positions)>) -> Self {
        Self(dimensions)
    }

    /// The dimensions, in order.
    pub(crate) fn dimensions(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The position along each dimension, in the whole variable; `None` past the last place.
    pub(crate) fn positions(&self, place: u64) -> Option<Vec<u64>> {
        let mut rest = place;
        let mut found = Vec::with_capacity(self.0.len());
        for (_, selected) in self.0.iter().rev() {
            let count: u64 = selected.0.iter().map(|range| range.count()).sum();
            found.push(nth(selected, rest.checked_rem(count)?)?);
            rest /= count;
        }
        found.reverse();
        (rest == 0).then_some(found)
    }
}

/// Selected position number `n`.
fn nth(selected: &Positions, mut n: u64) -> Option<u64> {
    for range in &selected.0 {
        match n.checked_sub(range.count()) {
            Some(beyond) => n = beyond,
            None => return Some(range.start() + n * range.stride()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rangefold_array::AxisRange;

    use super::*;

    #[test]
    fn a_place_is_a_position_along_each_dimension_in_the_order_of_the_selection() {
        let range = |start, stride, count| AxisRange::new(start, stride, count, 100).unwrap();
        let places = Places::new(vec![
            ("time".to_owned(), Positions(vec![range(4, 2, 3)])),
            ("lon".to_owned(), Positions(vec![range(98, 1, 2), range(0, 1, 3)])),
        ]);
        assert!(places.dimensions().eq(["time", "lon"]));
        assert_eq!(places.positions(0), Some(vec![4, 98]));
        assert_eq!(places.positions(5 + 2), Some(vec![6, 0]));
        assert_eq!(places.positions(14), Some(vec![8, 2]));
        assert_eq!(places.positions(15), None);
    }

    #[test]
    fn nothing_stands_in_an_empty_selection() {
        let nothing = Positions(vec![AxisRange::all(0)]);
        assert_eq!(Places::new(vec![("time".to_owned(), nothing)]).positions(0), None);
        assert_eq!(Places::default().positions(0), Some(Vec::new()));
    }
}
