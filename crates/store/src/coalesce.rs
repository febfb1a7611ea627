//! Which references are read together.
//!
//! ```text
//! references   ▓▓▓ ▓▓▓▓▓                    ▓▓▓▓      of one object
//! reads        █████████  (gap is short)    ████      (gap is long: another request costs less)
//! ```

use std::sync::Arc;

use rangefold_array::ByteRange;

use crate::FetchOptions;

/// A reference whose bytes are in an object.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Its place in the order of asking.
    pub(crate) index: usize,
    /// The object.
    pub(crate) url: Arc<str>,
    /// Which bytes of it; `None` for all.
    pub(crate) range: Option<ByteRange>,
}

/// One request, and the references it serves.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// The object.
    pub(crate) url: Arc<str>,
    /// Which bytes of it; `None` for all.
    pub(crate) range: Option<ByteRange>,
    /// At least one; all of them `None` if `range` is, and all of them within `range` otherwise.
    pub(crate) served: Vec<Served>,
}

/// A reference served by a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// Its place in the order of asking.
    pub(crate) index: usize,
    /// Which bytes of the object.
    pub(crate) range: Option<ByteRange>,
}

/// Puts neighbouring ranges of one object together. The reads come in the order of the first reference they serve.
pub(crate) fn coalesce(mut wanted: Vec<Wanted>, options: &FetchOptions) -> Vec<Read> {
    wanted.sort_by(|a, b| a.url.cmp(&b.url).then(a.range.cmp(&b.range)).then(a.index.cmp(&b.index)));
    let mut reads: Vec<Read> = Vec::new();
    for Wanted { index, url, range } in wanted {
        let one = Served { index, range };
        match reads.last_mut() {
            Some(read) if read.url == url => match joined(read.range, range, options) {
                Some(range) => {
                    read.range = range;
                    read.served.push(one);
                }
                None => reads.push(Read { url, range, served: vec![one] }),
            },
            _ => reads.push(Read { url, range, served: vec![one] }),
        }
    }
    reads.sort_by_key(|read| read.served.iter().map(|one| one.index).min());
    reads
}

/// The range that covers both, if it is worth reading at once. `next` does not begin before `read`.
fn joined(
    read: Option<ByteRange>,
    next: Option<ByteRange>,
    options: &FetchOptions,
) -> Option<Option<ByteRange>> {
    let (Some(read), Some(next)) = (read, next) else {
        return (read == next).then_some(read);
    };
    if next.end() <= read.end() {
        return Some(Some(read));
    }
    let length = next.end().saturating_sub(read.offset());
    let near = next.offset() <= read.end().saturating_add(options.gap);
    (near && length <= options.read_max).then(|| ByteRange::new(read.offset(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: FetchOptions =
        FetchOptions { concurrency: 4, gap: 10, read_max: 100, ahead: 1000, bytes_in_flight: 1000 };

    /// Plans reads of ranges given as (object, offset, length), and prints them.
    fn reads(ranges: &[(&str, u64, u64)]) -> Vec<String> {
        let wanted = ranges.iter().enumerate().map(|(index, &(url, offset, length))| Wanted {
            index,
            url: url.into(),
            range: ByteRange::new(offset, length).filter(|_| length > 0),
        });
        let print = |read: &Read| {
            let served: Vec<_> = read.served.iter().map(|one| one.index.to_string()).collect();
            let range = read.range.map_or("all".to_owned(), |range| range.to_string());
            format!("{} {range} for {}", read.url, served.join(","))
        };
        coalesce(wanted.collect(), &OPTIONS).iter().map(print).collect()
    }

    #[test]
    fn ranges_are_read_together_up_to_the_gap() {
        assert_eq!(reads(&[("a", 0, 10), ("a", 20, 5), ("a", 36, 4)]), ["a 0..25 for 0,1", "a 36..40 for 2"]);
    }

    #[test]
    fn no_read_grows_past_the_limit_but_one_range_may_be_longer() {
        assert_eq!(
            reads(&[("a", 0, 60), ("a", 60, 40), ("a", 100, 1), ("a", 101, 500)]),
            ["a 0..100 for 0,1", "a 100..101 for 2", "a 101..601 for 3"]
        );
    }

    #[test]
    fn reads_come_in_the_order_of_the_first_reference_they_serve() {
        assert_eq!(
            reads(&[("b", 50, 10), ("a", 500, 10), ("b", 40, 10), ("a", 0, 10)]),
            ["b 40..60 for 2,0", "a 500..510 for 1", "a 0..10 for 3"]
        );
    }

    #[test]
    fn equal_and_overlapping_ranges_cost_one_read() {
        assert_eq!(
            reads(&[("a", 0, 50), ("a", 10, 10), ("a", 0, 50), ("a", 40, 20)]),
            ["a 0..60 for 0,2,1,3"]
        );
    }

    #[test]
    fn whole_objects_are_read_alone_and_once() {
        assert_eq!(reads(&[("a", 0, 0), ("a", 0, 5), ("a", 0, 0)]), ["a all for 0,2", "a 0..5 for 1"]);
    }
}
