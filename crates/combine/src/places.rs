//! Where the positions, or the chunks, of one input lie on a joined axis.

/// Places in order of position. Nearly always these follow one another, and then two numbers tell them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// One after the other.
    Run {
        /// Place of the first position.
        first: u64,
        /// Number of positions.
        count: u64,
    },
    /// In any order.
    Listed(Vec<u64>),
}

impl Places {
    /// Number of positions.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Run { count, .. } => *count,
            Self::Listed(places) => places.len() as u64,
        }
    }

    /// The place of `position`.
    pub(crate) fn get(&self, position: u64) -> Option<u64> {
        match self {
            Self::Run { first, count } => (position < *count).then(|| first + position),
            Self::Listed(places) => places.get(usize::try_from(position).ok()?).copied(),
        }
    }

    /// Places in order of position.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.len()).filter_map(|position| self.get(position))
    }

    /// The smallest and the largest place; `None` if there are no positions.
    pub(crate) fn bounds(&self) -> Option<(u64, u64)> {
        match self {
            Self::Run { count: 0, .. } => None,
            Self::Run { first, count } => Some((*first, first + count - 1)),
            Self::Listed(places) => Some((*places.iter().min()?, *places.iter().max()?)),
        }
    }

    /// Whether later positions always have larger places.
    pub(crate) fn is_ascending(&self) -> bool {
        match self {
            Self::Run { .. } => true,
            Self::Listed(places) => places.is_sorted(),
        }
    }

    /// Whether the positions `start..start + count` have places one after the other.
    pub(crate) fn is_run(&self, start: u64, count: u64) -> bool {
        match self {
            Self::Run { .. } => true,
            Self::Listed(places) => {
                let skip = usize::try_from(start).unwrap_or(usize::MAX);
                let take = usize::try_from(count).unwrap_or(usize::MAX);
                let here = places.iter().skip(skip).take(take);
                here.clone().zip(here.skip(1)).all(|(a, b)| a + 1 == *b)
            }
        }
    }
}

impl FromIterator<u64> for Places {
    fn from_iter<I: IntoIterator<Item = u64>>(places: I) -> Self {
        let mut rest = places.into_iter();
        let Some(first) = rest.next() else { return Self::Run { first: 0, count: 0 } };
        let mut count = 1;
        while let Some(place) = rest.next() {
            if place == first + count {
                count += 1;
                continue;
            }
            return Self::Listed((first..first + count).chain([place]).chain(rest).collect());
        }
        Self::Run { first, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_one_after_the_other_are_two_numbers() {
        assert_eq!(Places::from_iter([3, 4, 5]), Places::Run { first: 3, count: 3 });
        assert_eq!(Places::from_iter([]), Places::Run { first: 0, count: 0 });
        assert_eq!(Places::from_iter([3, 4, 6, 7]), Places::Listed(vec![3, 4, 6, 7]));
        assert_eq!(Places::from_iter([2, 1]), Places::Listed(vec![2, 1]));
    }

    #[test]
    fn both_forms_answer_alike() {
        let (run, listed) = (Places::Run { first: 5, count: 3 }, Places::Listed(vec![5, 6, 7]));
        for places in [run, listed] {
            assert_eq!(places.iter().collect::<Vec<_>>(), [5, 6, 7]);
            assert_eq!((places.get(2), places.get(3)), (Some(7), None));
            assert_eq!(places.bounds(), Some((5, 7)));
            assert!(places.is_ascending() && places.is_run(1, 2));
        }
        assert!(!Places::Listed(vec![1, 0]).is_ascending());
        assert!(!Places::Listed(vec![0, 2, 3]).is_run(0, 2));
        assert!(Places::Listed(vec![0, 2, 3]).is_run(1, 2));
    }
}
