//! Plan a reduction, reduce chunks, merge what they give.
//!
//! Pure and synchronous: bytes come in decoded, nothing is fetched here. A program that fetches does this:
//!
//! ```
//! # use rangefold_array::{ArrayMeta, ChunkGrid, DataType, ElementType, Hyperslab, MemoryOrder};
//! # use rangefold_reduce::{AxisMap, ReduceError, ReduceSpec, Reduction, ReductionPlan, Value};
//! # let meta = ArrayMeta {
//! #     data_type: DataType::little(ElementType::Int16),
//! #     grid: ChunkGrid::regular(&[4], &[2])?,
//! #     order: MemoryOrder::RowMajor,
//! #     codecs: Vec::new(),
//! #     fill_value: None,
//! #     dimension_names: vec!["time".into()],
//! # };
//! # let fetch = |number| if number == 0 { Some([1, 0, 2, 0]) } else { None };
//! let spec = ReduceSpec::new(vec![Reduction::Max, Reduction::Mean], AxisMap::reduce_all(1));
//! let plan = ReductionPlan::new(&meta, &Hyperslab::all(meta.shape()), &spec)?;
//! let mut accumulator = plan.accumulator();
//! for task in plan.tasks() {
//!     let partial = match fetch(task.selection.number) {
//!         Some(decoded) => plan.reduce_chunk(&task, &decoded)?, // anywhere, in any order, all at once
//!         None => plan.absent_chunk(&task)?,
//!     };
//!     accumulator.merge(&partial)?; // here, in task order
//! }
//! let answers = accumulator.finish()?.into_iter().collect::<Result<Vec<_>, _>>()?; // or one by one
//! assert_eq!(answers[1].value(0), Some(Value::Float(1.5)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the answers mean
//!
//! **Elements and values.** An element is what is stored; a value is what it stands for, after `_Unsigned` and
//! `scale_factor`/`add_offset` ([`Packing`]). Every reduction is one of values, each rounded as NumPy rounds it.
//!
//! **Missing** is an element that equals a fill or missing value, lies outside the valid range, is NaN, is "not a time",
//! is an empty text of fixed length, or whose value does not meet [`ReduceSpec::condition`]. All comparisons with
//! attributes are made in the stored type ([`MissingSpec`]). With [`NanPolicy::Value`] NaN is counted, and makes sums,
//! means, extremes and variances NaN. A chunk that is not stored is full of the array's fill value; if there is none, it is
//! missing, but texts of any length are empty there.
//!
//! **No values.** Where a cell has no values its `count` is 0 and it has no answer ([`Outcome::value`] is `None`), for every
//! reduction but `count`, `count_where` and `histogram`, which are 0. An empty selection is the same. A variance needs more
//! values than its degrees of freedom.
//!
//! | reduction | type of the answer | exactness |
//! |---|---|---|
//! | `min`, `max`, `first`, `last` | that of the values | exact; zeros have no sign |
//! | `range` | uint64 for integers, float64 | exact for integers |
//! | `sum` | int64 for signed integers and bool, uint64, float64, complex128 | exact or [`ReduceError::Overflow`] for integers; for floats within 1e-15 of the sum of absolute values |
//! | `mean` | float64, complex128 | the sum's, divided once |
//! | `var`, `std` | float64 | two passes over each chunk, joined by Chan's rule on compensated means |
//! | `argmin`, `argmax` | int64: place in the row-major order of the reduced axes of the selection, first among equals | exact |
//! | `trend`, `trend_error` | float64 | three passes over each chunk, joined as variances are; `x` is the coordinate of the one reduced axis ([`ReduceSpec::along`]) |
//! | `any`, `all` | bool | exact |
//! | `count`, `count_where`, `histogram` | int64 | exact |
//! | `median`, `quantile` | float64; dates for dates | exact: the values are found, and between two NumPy's `linear` |
//!
//! # What outlives a run
//!
//! What several chunks have merged to is a [`Node`]: a value with bytes, which another run, process or machine takes in the
//! place of the chunks. An accumulator hands nodes on ([`Accumulator::handing_on`]) and takes them
//! ([`Accumulator::merge_node`]); [`ReductionPlan::fingerprint`] and [`ReductionPlan::row_fingerprint`] tell which plans they
//! fit.
//!
//! # At the edges
//!
//! What each reduction answers where values are no ordinary numbers; the command prints the same, "no answer" as `null` in
//! JSON and as `no data` in text. NaN is left out as missing unless [`NanPolicy::Value`] says otherwise; the command never
//! does.
//!
//! | reduction | nothing: an empty selection, all missing | NaN as a value | infinities | zeros with a sign | too large |
//! |---|---|---|---|---|---|
//! | `count` | 0 | counted | counted | counted | – |
//! | `count_where`, `histogram` | 0 | meets no condition, lies in no bin | compared as numbers | are zero | – |
//! | `any`, `all` | no answer | meets no condition | compared as numbers | are zero | – |
//! | `min`, `max` | no answer | NaN | smallest and largest | 0 without a sign | – |
//! | `first`, `last` | no answer | refused | as they are | 0 without a sign | – |
//! | `argmin`, `argmax` | no answer | refused | found | the first of equal zeros | – |
//! | `range` | no answer | NaN | infinite; NaN if all are one infinity | 0 | infinite; exact for integers |
//! | `sum` | no answer | NaN | infinite; NaN if of both signs | 0 without a sign | infinite; an error for integers |
//! | `mean` | no answer | NaN | as the sum | 0 without a sign | infinite where the sum is; never for integers |
//! | `var`, `std` | no answer, also with no more values than `ddof` | NaN | NaN | 0 | infinite where the sum or the sum of the squares is, as NumPy's |
//! | `trend`, `trend_error` | no answer, also of one value, and of two for the error | NaN | NaN | 0 | NaN |
//! | `median`, `quantile` | no answer | refused | infinite between a finite and an infinite value; NaN between the two infinities | 0 without a sign | – |
//!
//! Integers are added in 128 bits: what does not fit int64, or uint64 for unsigned ones, is [`ReduceError::Overflow`], and
//! never another number.
//!
//! Complex numbers have `sum`, `mean`, `count`, `first` and `last`, and are missing where either part is NaN; dates and
//! durations have everything that needs no arithmetic. Texts have `count`, `min`, `max`, `first` and `last`; they are
//! compared byte by byte, which for UTF-8 is the order of code points.
//!
//! **Windows** ([`Windows`]) move along an axis of the answer that is kept or grouped. A running mean is the mean of all
//! values in a window, over the other reduced axes too. Where too few positions of a window have a value there is no answer
//! ([`Outcome::lacking`]), not even a count. `argmin` and `argmax` count the axis as a reduced one.
//!
//! # Folded axes
//!
//! Positions of several axes can be taken together, by a mask or in groups over several dimensions ([`Fold`]). The cells of
//! a chunk are folded before they are merged. `argmin` and `argmax` count the folded axes as reduced ones.
//!
//! # Adding a reduction
//!
//! Give [`Reduction`] a variant and follow the compiler: `question/reduction.rs` has a table of all that depends on which
//! reduction it is, and `answer` has the arithmetic.
//!
//! # The same bits
//!
//! The same bits come out whatever the concurrency, the byte order and the machine's vector instructions: the order of
//! operations inside a chunk is fixed, and partials are merged in one order that is fixed by where chunks stand along the
//! first axis of the array. It is a tree of blocks of rows of chunks ([`ReductionPlan::blocks`]), so the bits depend neither
//! on how the tasks were split over processes and machines nor on how long the array was when a [`Node`] of the tree was
//! made. Another chunking, hence another order, changes nothing but the last bits of sums, means and variances of floats.

mod answer;
mod chunk;
mod meaning;
mod merge;
mod plan;
mod question;
mod statistic;

pub use answer::outcome::{Answered, Outcome};
pub use answer::quantile::{interpolate, interpolate_integer, quantile_place};
pub use chunk::anomaly::Baseline;
pub use chunk::elsewhere::ChunkStatistics;
pub use chunk::partial::Partial;
pub use chunk::reduce_error::ReduceError;
pub use chunk::sift::{Sieve, Sifted};
pub use merge::accumulator::Accumulator;
pub use merge::bytes::{Fingerprint, NodeError};
pub use merge::gathering::Gathering;
pub use merge::node::Node;
pub use merge::roll::Joined;
pub use merge::slab::Slab;
pub use merge::tally::{Bin, Tally};
pub use merge::tree::Handing;
pub use plan::chunk_task::ChunkTask;
pub use plan::plan_error::PlanError;
pub use plan::reduction_plan::ReductionPlan;
pub use question::axis_map::{AxisMap, Grouping};
pub use question::condition::{Comparison, Condition, ConditionError};
pub use question::fold::{Fold, FoldError, FoldedGroups, Step, strides};
pub use question::reduction::{
    AnswerElement, AnswerUnits, Argument, ArgumentError, Reduction, ReductionName, Weighted,
};
pub use question::spec::ReduceSpec;
pub use question::windows::Windows;
pub use rangefold_array::{MissingSpec, NanPolicy, Number, Packing, PackingError, Value, Values};
