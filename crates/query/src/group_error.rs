//! Why positions cannot be grouped.

/// Positions cannot be grouped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GroupError {
    /// Neither of the form `dimension.part` nor a variable.
    #[error(
        "{text:?} is neither a variable nor a grouping like time.month or time.6h; parts are year, month, season, day, dayofyear, hour, yearmonth and date, and periods numbers of s, min, h, d, weeks, months or years, or MS, QS-DEC, YS"
    )]
    Syntax {
        /// The text.
        text: String,
    },
    /// Something behind the groups that is neither a group nor a least count.
    #[error("the groups {text:?} cannot be read: {reason}")]
    Option {
        /// The text.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A group that there is not, or not just once.
    #[error("there is no group {label:?} of {name:?}; {groups}")]
    NoGroup {
        /// What the groups are groups of.
        name: String,
        /// The label asked for.
        label: String,
        /// The groups that there are, as the end of the sentence.
        groups: String,
    },
    /// The dimension has no coordinate of times.
    #[error("dimension {dimension:?} has no coordinate of times to group by: {reason}")]
    NotTime {
        /// The dimension.
        dimension: String,
        /// Why not.
        reason: String,
    },
    /// Periods that cannot be made.
    #[error("periods of {text} cannot be made: {reason}")]
    Period {
        /// The periods.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A dimension whose positions are gathered in periods twice: both would be its name.
    #[error("dimension {dimension:?} is gathered in periods twice")]
    Twice {
        /// The dimension.
        dimension: String,
    },
    /// A variable whose values cannot label groups.
    #[error("{label:?} cannot label groups: {reason}")]
    Label {
        /// The variable.
        label: String,
        /// Why not.
        reason: String,
    },
    /// A coordinate value that is no time.
    #[error("position {position} of dimension {dimension:?} has no date: its coordinate is {value}")]
    NoDate {
        /// The dimension.
        dimension: String,
        /// The position.
        position: u64,
        /// Its coordinate value.
        value: String,
    },
}
