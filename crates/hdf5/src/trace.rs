//! The requests made for a file, for people and for tests.

use std::fmt;

use crate::range::ByteRange;

/// Every ranged read of a file, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The requests, round by round.
    pub requests: Vec<Request>,
}

/// One ranged read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Rounds count from 1; the requests of a round are made at once.
    pub round: usize,
    /// What was asked for.
    pub range: ByteRange,
}

impl Trace {
    /// Number of rounds: requests that had to wait for one another.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.requests.last().map_or(0, |request| request.round)
    }

    /// Bytes asked for in all.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.requests.iter().fold(0, |sum, request| sum.saturating_add(request.range.length))
    }
}

/// One line per request, one summary line.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for request in &self.requests {
            writeln!(
                f,
                "round {:>2}  offset {:>14}  length {:>10}",
                request.round, request.range.offset, request.range.length
            )?;
        }
        writeln!(f, "{} rounds, {} requests, {} bytes", self.rounds(), self.requests.len(), self.bytes())
    }
}
