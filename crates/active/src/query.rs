//! From what a person asks of a variable to a plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use rangefold_array::{AxisRange, ElementType, Hyperslab};
use rangefold_cf::{
    Coordinate, Meaning, auxiliaries_along, auxiliary_variable, axis_variable, bounded_variable, bounds_path,
};
use rangefold_reduce::{Answered, AxisMap, Condition, Layout, ReduceSpec, Reduction, ReductionPlan};
use rangefold_refs::{ManifestArray, ReferenceSet};
use rangefold_store::ReferenceStore;

use crate::axis::{Axis, Outline};
use crate::budget::Budget;
use crate::coordinate::{CoordinateError, axis_of_name, named, times};
use crate::group::{GroupBy, GroupError, Labelling, instants, labelling, shifted};
use crate::kept::KeptDimension;
use crate::place::Places;
use crate::plans::{Plans, Refusal};
use crate::quantile::{Passes, passes, quantiles};
use crate::query_error::QueryError;
use crate::rolling::Rolling;
use crate::run::{Answer, Limits, Progress, RunError, Statistics, run_plans};
use crate::select::AxisSelector;
use crate::selected::positions;
use crate::weigh::{WeightSource, own_axes, spread_whole, weights};
use crate::weights::{Weights, WeightsError};
use crate::whole::check_count;

/// What is asked of a variable.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The questions; they share one pass.
    pub reductions: Vec<Reduction>,
    /// Dimensions to reduce; `None` for all.
    pub over: Option<Vec<String>>,
    /// What to take along each dimension; all of those that are not named.
    pub select: Vec<(String, AxisSelector)>,
    /// Whether a single coordinate value takes the nearest cell however far away.
    pub nearest: bool,
    /// What positions are gathered by; each leaves an axis of groups in the place of its first dimension.
    pub by: Vec<GroupBy>,
    /// Windows that move along one dimension, which stays; what is reduced is then all that lies in a window.
    pub rolling: Option<Rolling>,
    /// What values weigh and which of them take part, by position; several are multiplied.
    pub weights: Vec<WeightSource>,
    /// What the stored elements are taken for.
    pub values: Values,
    /// Values that do not meet this are left out.
    pub condition: Option<Condition>,
    /// Bytes that the answer, and weights and masks, may take; 256 MiB are always allowed.
    pub memory: Option<u64>,
}

/// What stored elements are taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// As netCDF4-python reads them: missing ones masked, packed ones unpacked.
    #[default]
    Unpacked,
    /// Missing ones masked, packed ones left packed.
    Masked,
    /// As they are stored; nothing but NaN is missing.
    Raw,
}

/// A plan, and what its output axes are.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Path of the variable.
    pub variable: String,
    /// The plan. With weights it keeps the axes that these belong to; masks and groups it folds itself.
    pub plan: Arc<ReductionPlan>,
    /// The plan of each part, where numbers mean something else in each.
    pub(crate) plans: Plans,
    /// The dimensions of the answer, in order.
    pub dims: Vec<KeptDimension>,
    /// The dimensions that were reduced, in order.
    pub over: Vec<String>,
    /// Windows that move along one of the dimensions.
    pub rolling: Option<Rolling>,
    /// What the query may not have meant.
    pub warnings: Vec<String>,
    /// Weights that fold what the plan gives.
    pub(crate) fold: Option<Weights>,
    /// What was asked.
    pub(crate) asked: Vec<Reduction>,
    /// What the answers to `argmin` and `argmax` are numbers of.
    places: Places,
    /// What the plans were made from.
    pub(crate) selection: Hyperslab,
    pub(crate) spec: ReduceSpec,
    pub(crate) values: Values,
}

impl Prepared {
    /// Runs the plan and folds what it gives by the weights; quantiles take passes of their own.
    ///
    /// # Errors
    ///
    /// As [`run`](crate::run()).
    pub async fn run(
        &self,
        store: &ReferenceStore,
        limits: Limits,
        progress: Progress<'_>,
    ) -> Result<Answer, RunError> {
        let mut answer = self.run_in_parts(store, limits, progress).await?;
        if let Some((chunks, stored)) = self.stored_chunks(store) {
            (answer.statistics.chunks, answer.statistics.missing) = (chunks, chunks.saturating_sub(stored));
        }
        Ok(answer)
    }

    /// How many chunks of the array are touched, and how many of them are there, if it is read in parts of chunks.
    fn stored_chunks(&self, store: &ReferenceStore) -> Option<(u64, u64)> {
        let chunks = store.references().stored_chunks.get(&self.variable)?;
        Some(chunks.counts(&self.selection))
    }

    /// How many chunks of the array are touched, and how many of them are there.
    #[must_use]
    pub fn chunk_counts(&self, store: &ReferenceStore) -> (u64, u64) {
        let of_plan = || (self.plan.chunk_count(), self.stored(store).count() as u64);
        self.stored_chunks(store).unwrap_or_else(of_plan)
    }

    /// As [`Prepared::run`], its statistics counting the parts in which chunks are read.
    async fn run_in_parts(
        &self,
        store: &ReferenceStore,
        limits: Limits,
        progress: Progress<'_>,
    ) -> Result<Answer, RunError> {
        let (gathered, merged) = split(&self.asked);
        if let Some((weights, blocks)) = self.fold.as_ref().zip(self.blocks(store, limits)) {
            let mut answer = self.run_blocks(store, weights, &blocks, limits, progress).await?;
            self.reshape(&mut answer.outcomes);
            return Ok(answer);
        }
        let mut answer = if gathered.is_empty() || !merged.is_empty() {
            run_plans(store, &self.variable, &self.plans, limits, progress).await?
        } else {
            Answer { outcomes: Vec::new(), statistics: Statistics::default() }
        };
        if let Some(weights) = &self.fold {
            let statistics = answer.statistics;
            let reduce_error = |source| RunError::Reduce { variable: self.variable.clone(), source };
            let folded = weights.fold(&merged, &answer.complete().map_err(reduce_error)?);
            answer = Answer { outcomes: folded.into_iter().map(Ok).collect(), statistics };
        }
        if gathered.is_empty() {
            self.reshape(&mut answer.outcomes);
            return Ok(answer);
        }
        let (outcomes, took) = quantiles(store, self, &gathered, limits, progress).await?;
        let (mut gathered, mut merged) = (outcomes.into_iter().map(Ok), answer.outcomes.into_iter());
        let next = |reduction: &Reduction| {
            if reduction.is_gathered() { gathered.next() } else { merged.next() }
        };
        let mut outcomes: Vec<Answered> = self.asked.iter().filter_map(next).collect();
        self.reshape(&mut outcomes);
        let statistics = Statistics {
            chunks: self.plan.chunk_count(),
            missing: self.missing(store),
            referenced: answer.statistics.referenced + took.referenced,
            fetched: answer.statistics.fetched + took.fetched,
            decoded: answer.statistics.decoded + took.decoded,
        };
        Ok(Answer { outcomes, statistics })
    }

    /// What was asked, in order.
    #[must_use]
    pub fn asked(&self) -> &[Reduction] {
        &self.asked
    }

    /// The dimensions along which the answers to `argmin` and `argmax` are counted, in order: the reduced ones, the
    /// gathered ones and the one that windows move along.
    pub fn place_dimensions(&self) -> impl Iterator<Item = &str> {
        self.places.dimensions()
    }

    /// Where `place`, an answer to `argmin` or `argmax`, is: its position along each of
    /// [`Prepared::place_dimensions`], in the whole variable. `None` if it is no such answer.
    #[must_use]
    pub fn place(&self, place: i64) -> Option<Vec<u64>> {
        self.places.positions(u64::try_from(place).ok()?)
    }

    /// Takes away the axes of one cell that positions in several runs have made.
    fn reshape(&self, outcomes: &mut [Answered]) {
        let shape = self.fold.as_ref().map_or_else(|| self.plan.output_shape(), Weights::shape);
        for outcome in outcomes.iter_mut().flatten() {
            let beyond = outcome.shape.split_off(shape.len());
            outcome.shape = self.dims.iter().map(|dim| dim.len() as u64).chain(beyond).collect();
        }
    }

    /// Bytes that [`Prepared::run`] holds at one time, at the most: fetched, decoded, partials and the answer, not the set
    /// of references and the weights. Known before anything is fetched.
    #[must_use]
    pub fn memory(&self, store: &ReferenceStore, limits: Limits) -> u64 {
        let (gathered, merged) = split(&self.asked);
        let running = if gathered.is_empty() || !merged.is_empty() {
            Budget::new(&self.plans, self.moves_bytes(store), limits, store.options()).memory
        } else {
            0
        };
        let folded = self.fold.as_ref().map_or(0, |weights| weights.folded_len());
        let gathering = self.passes(store, limits).map_or(0, |passes| passes.memory);
        running.max(self.plan.answers_len().saturating_add(folded)).max(gathering)
    }

    /// Whether chunks have to be decoded.
    pub(crate) fn moves_bytes(&self, store: &ReferenceStore) -> bool {
        let array = store.references().arrays.get(&self.variable);
        array.is_none_or(|array| !self.plans.codecs(array).is_empty())
    }

    /// What quantiles will take; `None` if none are asked for.
    #[must_use]
    pub fn passes(&self, store: &ReferenceStore, limits: Limits) -> Option<Passes> {
        let array = store.references().arrays.get(&self.variable)?;
        self.asked.iter().any(Reduction::is_gathered).then(|| passes(self, store, array, limits))
    }

    /// Chunks that are not stored.
    fn missing(&self, store: &ReferenceStore) -> u64 {
        self.plan.chunk_count().saturating_sub(self.stored(store).count() as u64)
    }

    /// How the cells of the plan make those of the answer.
    pub(crate) fn layout(&self) -> Layout {
        self.spec.layout.clone().unwrap_or_else(|| Layout::same(self.plan.output_shape()))
    }

    /// The plans of a part of the selection, whose cells are not folded, or of all of it.
    pub(crate) fn planned(
        &self,
        array: &ManifestArray,
        selection: &Hyperslab,
        axes: Vec<AxisMap>,
    ) -> Option<Plans> {
        let layout = self.spec.layout.clone().filter(|_| *selection == self.selection);
        let spec = ReduceSpec { axes, layout, reductions: Vec::new(), ..self.spec.clone() };
        Plans::new(array, selection, &spec, self.values).ok()
    }
}

/// The questions that are answered from gathered values, and those that partials answer.
fn split(asked: &[Reduction]) -> (Vec<Reduction>, Vec<Reduction>) {
    asked.iter().cloned().partition(Reduction::is_gathered)
}

/// Plans `query` on the variable at path `variable`. Reads coordinates only if a value or date is to be looked up, and
/// the variables that weigh or mask.
///
/// # Errors
///
/// [`QueryError`].
pub async fn prepare(store: &ReferenceStore, variable: &str, query: &Query) -> Result<Prepared, QueryError> {
    let array = store
        .references()
        .arrays
        .get(variable)
        .ok_or_else(|| QueryError::NoVariable { variable: variable.to_owned() })?;
    let names = &array.meta.dimension_names;
    check_dimensions(store, variable, array, query)?;
    check_once(store, variable, array, query)?;
    let mut warnings = match query.values {
        // What cannot be applied is refused when the plan is made.
        Values::Unpacked => Meaning::of(array).map(|meaning| meaning.notes).unwrap_or_default(),
        Values::Masked | Values::Raw => Vec::new(),
    };
    let mut axes = Vec::with_capacity(names.len());
    for (axis, (name, &length)) in names.iter().zip(array.meta.shape()).enumerate() {
        let (positions, warning) = positions(store, variable, axis, name, length, query).await?;
        warnings.extend(warning);
        let reduced = query.over.as_ref().is_none_or(|over| over.contains(name));
        axes.push(Axis { name, length, positions, reduced, rolled: false, groups: Vec::new() });
    }
    check_answer(variable, query, &axes)?;
    let labellings = group(store, variable, query, &mut axes, &mut warnings).await?;
    if let Some(rolling) = &query.rolling {
        let gathered = query.reductions.iter().find(|reduction| reduction.is_gathered());
        let rolled = match gathered {
            Some(reduction) => Err(format!("{} is not made of windows that overlap", reduction.name())),
            None => roll(rolling, &mut axes),
        };
        let (variable, text) = (variable.to_owned(), rolling.to_string());
        rolled.map_err(|reason| QueryError::Rolling { variable, rolling: text, reason })?;
    }
    let counted = axes.iter().filter(|axis| axis.reduced || axis.rolled || axis.is_grouped());
    let places = Places::new(counted.map(|axis| (axis.name.to_owned(), axis.positions.clone())).collect());
    let memory = query.memory.unwrap_or(0).max(ANSWER_MAX);
    let weights = weights(store, variable, &query.weights, &axes, memory).await?;
    let weighted = weights.iter().flat_map(|w| &w.dimensions);
    let folded: BTreeSet<&str> =
        weighted.chain(labellings.iter().flat_map(|labels| &labels.dimensions)).map(String::as_str).collect();
    let folded_axes: Vec<&Axis<'_>> = axes.iter().filter(|axis| folded.contains(axis.name)).collect();
    check_count(folded_axes.iter().map(|axis| axis.count()))
        .map_err(|reason| QueryError::Folded { variable: variable.to_owned(), reason })?;
    let Outline { dims, folded_places, groups, rolled } = Outline::of(&axes, &labellings, &folded_axes);
    let windows = query.rolling.as_ref().zip(rolled).map(|(rolling, axis)| rolling.along(axis));
    let (ranges, maps): (Vec<AxisRange>, Vec<AxisMap>) =
        axes.iter().map(|axis| axis.map(folded.contains(axis.name))).unzip();
    let weighted_error = |source| QueryError::Weighted { variable: variable.to_owned(), source };
    let (gathered, merged) = split(&query.reductions);
    let (mut layout, mut fold) = (None, None);
    // A weight without dimensions folds no axis, but still weighs.
    if !folded.is_empty() || weights.is_some() {
        let places = folded_axes.iter().map(|axis| axis.positions().len()).product();
        let is_mask = weights.as_ref().is_none_or(|weights| weights.is_mask);
        let values = weights.map(|weights| spread_whole(weights, &folded_axes));
        let cells: Vec<u64> =
            ranges.iter().zip(&maps).filter_map(|(range, map)| map.cells(range.count())).collect();
        let taken: Vec<bool> = match &values {
            Some(values) => values.iter().map(|&weight| weight > 0.0).collect(),
            None => vec![true; places],
        };
        let folding = Layout::new(&cells, &folded_places, &taken, &groups);
        let folding = folding.map_err(|source| weighted_error(source.into()))?;
        match values.filter(|_| !is_mask) {
            None => layout = Some(folding),
            Some(values) => {
                fold = Some(Weights::new(folding, values).map_err(weighted_error)?.rolled(windows));
            }
        }
    }
    let reductions = match &fold {
        None => merged,
        Some(_) => Weights::needed(&query.reductions).map_err(weighted_error)?,
    };
    let windows = windows.filter(|_| fold.is_none());
    let condition = query.condition;
    let spec = ReduceSpec { condition, windows, layout, ..ReduceSpec::new(reductions, maps) };
    let selection = Hyperslab::from_axes(ranges);
    let plans = Plans::new(array, &selection, &spec, query.values).map_err(|refusal| {
        let variable = variable.to_owned();
        match refusal {
            Refusal::Meaning(source) => QueryError::Meaning { variable, source },
            Refusal::Plan(source) => QueryError::Plan { variable, source },
        }
    })?;
    plans
        .main
        .check_gathered(&gathered)
        .map_err(|source| QueryError::Plan { variable: variable.to_owned(), source })?;
    // What is folded is folded as real numbers.
    let element = plans.main.value_element();
    let is_real = element.is_integer() || element.is_float() || element == ElementType::Bool;
    let unfit = query
        .reductions
        .iter()
        .find(|reduction| fold.is_some() && !is_real && **reduction != Reduction::Count);
    if let Some(reduction) = unfit {
        let (reduction, element) = (reduction.name(), element.name());
        return Err(weighted_error(WeightsError::Element { reduction, element }));
    }
    let over = axes.iter().filter(|axis| axis.reduced).map(|axis| axis.name.to_owned()).collect();
    let rolling = query.rolling.clone();
    Ok(Prepared {
        variable: variable.to_owned(),
        plan: Arc::clone(&plans.main),
        plans,
        dims,
        over,
        rolling,
        warnings,
        fold,
        asked: query.reductions.clone(),
        places,
        selection,
        spec,
        values: query.values,
    })
}

/// The arrays that [`prepare`] reads beside the variable itself: coordinates with their bounds, weights, masks, labels of
/// groups. Some of them may not be there.
#[must_use]
pub fn read_beside(set: &ReferenceSet, variable: &str, query: &Query) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let Some(array) = set.arrays.get(variable) else { return paths };
    for (axis, (dimension, &length)) in array.meta.dimension_names.iter().zip(array.meta.shape()).enumerate()
    {
        paths.extend(axis_variable(set, variable, dimension, length).path().map(str::to_owned));
        paths.extend(auxiliaries_along(set, variable, axis));
    }
    let selected = query.select.iter().map(|(name, _)| name);
    let grouped = query.by.iter().filter_map(|by| match by {
        GroupBy::Date { dimension, .. } | GroupBy::Period { dimension, .. } => Some(dimension),
        GroupBy::Variable(_) => None,
    });
    for name in selected.chain(grouped) {
        paths.extend(auxiliary_variable(set, variable, name).map(|(path, _)| path));
        paths.extend(bounded_variable(set, variable, name).map(|(path, _)| path));
    }
    let bounds = |path: &String| bounds_path(path, set.arrays.get(path)?);
    let bounds: Vec<String> = paths.iter().filter_map(bounds).collect();
    paths.extend(bounds);
    paths.extend(query.weights.iter().filter_map(|source| match source {
        WeightSource::CosLatitude => None,
        WeightSource::Variable(path)
        | WeightSource::Mask { variable: path, .. }
        | WeightSource::Label { variable: path, .. } => Some(path.trim_matches('/').to_owned()),
    }));
    paths.extend(query.by.iter().filter_map(|by| match by {
        GroupBy::Date { .. } | GroupBy::Period { .. } => None,
        GroupBy::Variable(path) => Some(path.clone()),
    }));
    paths
}

/// What a query selects of a variable, before anything of it is read.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Of each dimension, the runs of positions that are selected.
    pub runs: Vec<Vec<AxisRange>>,
    /// What the query may not have meant.
    pub warnings: Vec<String>,
}

/// The positions that `query` selects along each dimension of the variable at path `variable`.
///
/// # Errors
///
/// [`QueryError`] if the selection does not fit.
pub async fn selected(store: &ReferenceStore, variable: &str, query: &Query) -> Result<Selected, QueryError> {
    let array = store
        .references()
        .arrays
        .get(variable)
        .ok_or_else(|| QueryError::NoVariable { variable: variable.to_owned() })?;
    check_dimensions(store, variable, array, query)?;
    let mut selected = Selected { runs: Vec::new(), warnings: Vec::new() };
    for (axis, (name, &length)) in array.meta.dimension_names.iter().zip(array.meta.shape()).enumerate() {
        let (positions, warning) = positions(store, variable, axis, name, length, query).await?;
        selected.runs.push(positions.0);
        selected.warnings.extend(warning);
    }
    Ok(selected)
}

/// Bytes that an answer may take where nothing else is said, and always.
const ANSWER_MAX: u64 = 256 << 20;
/// Bytes of a cell of an answer: a value and a count.
const ANSWER_CELL: u64 = 16;

/// Refuses an answer that takes more memory than it may, before anything of its size is made.
fn check_answer(variable: &str, query: &Query, axes: &[Axis<'_>]) -> Result<(), QueryError> {
    let kept = axes.iter().filter(|axis| !axis.reduced);
    let grouped = |axis: &&Axis<'_>| {
        query.by.iter().any(|by| match by {
            GroupBy::Date { dimension, .. } | GroupBy::Period { dimension, .. } => dimension == axis.name,
            GroupBy::Variable(_) => true,
        })
    };
    let shape: Vec<u64> = kept.filter(|axis| !grouped(axis)).map(Axis::count).collect();
    let cells = shape.iter().fold(1_u128, |n, &length| n.saturating_mul(length.into()));
    let cell = query.reductions.iter().fold(0_u64, |n, reduction| {
        n.saturating_add(match reduction {
            Reduction::Histogram(edges) => (edges.len() as u64).saturating_mul(8),
            _ => ANSWER_CELL,
        })
    });
    let (needed, memory) = (cells.saturating_mul(cell.into()), query.memory.unwrap_or(0).max(ANSWER_MAX));
    if needed <= memory.into() {
        return Ok(());
    }
    Err(QueryError::Answer { variable: variable.to_owned(), shape, needed, memory })
}

/// Makes the axis of `rolling` one with windows.
fn roll(rolling: &Rolling, axes: &mut [Axis<'_>]) -> Result<(), String> {
    let Rolling { dimension, length, min_periods, .. } = rolling;
    let least = min_periods.unwrap_or(*length);
    if !(1..=*length).contains(&least) {
        return Err(format!("{least} of {length} positions cannot have a value"));
    }
    let axis = axes.iter_mut().find(|axis| axis.name == dimension);
    let axis = axis.ok_or_else(|| format!("there is no dimension {dimension:?}"))?;
    if axis.is_grouped() {
        return Err(format!("dimension {dimension:?} is grouped"));
    }
    (axis.reduced, axis.rolled) = (false, true);
    Ok(())
}

/// Gathers the positions of axes by what the query says; gives the labels that lie over several dimensions.
async fn group(
    store: &ReferenceStore,
    variable: &str,
    query: &Query,
    axes: &mut [Axis<'_>],
    warnings: &mut Vec<String>,
) -> Result<Vec<Labelling>, QueryError> {
    let group_error = |source| QueryError::Group { variable: variable.to_owned(), source };
    let mut over_several = Vec::new();
    for by in &query.by {
        match by {
            GroupBy::Date { dimension, .. } | GroupBy::Period { dimension, .. } => {
                let own = axes.iter().position(|axis| axis.name == dimension);
                let (place, coordinate) = match own {
                    Some(place) => {
                        let length = axes.get(place).map_or(0, |axis| axis.length);
                        (place, found(variable, times(store, variable, place, dimension, length)).await?)
                    }
                    None => match found(variable, named(store, variable, dimension)).await? {
                        Some(named) => named,
                        None => continue,
                    },
                };
                let Some(axis) = axes.get_mut(place) else { continue };
                by_date(axis, by, coordinate.as_ref().map_err(String::as_str)).map_err(group_error)?;
                let shifted = coordinate.as_ref().map_or(0, |found| shifted(by, found, &axis.positions()));
                if let (Ok(found), 1..) = (&coordinate, shifted) {
                    let bounds = found.attributes.bounds.as_deref().unwrap_or_default();
                    warnings.push(format!(
                        "{shifted} of {} times of {dimension:?} are the ends of their bounds and lie in another group than the middles of these; to group by the middles, write {bounds:?} in the place of {dimension:?}",
                        axis.count()
                    ));
                }
            }
            GroupBy::Variable(path) => {
                let labels = labelling(store, path, axes).await.map_err(group_error)?;
                let refused = |reason| group_error(GroupError::Label { label: path.clone(), reason });
                let own = own_axes(axes, &labels.dimensions, &labels.shape).map_err(refused)?;
                let labels = labels.selected(&own);
                match labels.dimensions.as_slice() {
                    [] => return Err(refused("it has no dimensions".to_owned())),
                    [dimension] => {
                        if let Some(axis) = axes.iter_mut().find(|axis| axis.name == dimension) {
                            axis.gather(labels.name, labels.labels, labels.groups);
                        }
                    }
                    _ => over_several.push(labels),
                }
            }
        }
    }
    for labels in &over_several {
        let rolled = query.rolling.as_ref().map(|rolling| rolling.dimension.as_str());
        let kept = |axis: &&Axis<'_>| {
            let goes = axis.reduced || axis.is_grouped() || rolled == Some(axis.name);
            labels.dimensions.iter().any(|d| d == axis.name) && !goes
        };
        if let Some(axis) = axes.iter().find(kept) {
            let reason = format!("its dimension {:?} is not reduced", axis.name);
            return Err(group_error(GroupError::Label { label: labels.name.clone(), reason }));
        }
    }
    Ok(over_several)
}

/// Gathers the positions of an axis by parts of their dates, or in periods.
fn by_date(
    axis: &mut Axis<'_>,
    by: &GroupBy,
    coordinate: Result<&Coordinate, &str>,
) -> Result<(), GroupError> {
    let (dimension, positions) = (axis.name, axis.positions());
    match by {
        GroupBy::Date { part, .. } => {
            let (labels, groups) = part.groups(dimension, coordinate, &positions)?;
            axis.gather(part.name().to_owned(), labels, groups);
        }
        GroupBy::Period { period, .. } => {
            if axis.groups.iter().any(|by| by.name == dimension) {
                return Err(GroupError::Twice { dimension: dimension.to_owned() });
            }
            let (units, instants) = instants(dimension, coordinate, &positions)?;
            let (labels, groups) = period.groups(&units, &instants)?;
            axis.gather(dimension.to_owned(), labels, groups);
        }
        GroupBy::Variable(_) => {}
    }
    Ok(())
}

/// Refuses names that are neither a dimension nor, where that is enough, an auxiliary coordinate along one.
fn check_dimensions(
    store: &ReferenceStore,
    variable: &str,
    array: &ManifestArray,
    query: &Query,
) -> Result<(), QueryError> {
    let names = &array.meta.dimension_names;
    let selected = query.select.iter().map(|(dimension, _)| dimension);
    let grouped = query.by.iter().filter_map(|by| match by {
        GroupBy::Date { dimension, .. } | GroupBy::Period { dimension, .. } => Some(dimension),
        GroupBy::Variable(_) => None,
    });
    let rolled = query.rolling.iter().map(|rolling| &rolling.dimension);
    let is_dimension = |name: &&String| names.contains(name);
    let is_auxiliary = |name: &&String| axis_of_name(store.references(), variable, name).is_some();
    let unknown = query.over.iter().flatten().chain(rolled).find(|name| !is_dimension(name));
    let unlabelled = || selected.chain(grouped).find(|name| !is_dimension(name) && !is_auxiliary(name));
    match unknown.or_else(unlabelled) {
        Some(dimension) => Err(QueryError::NoDimension {
            variable: variable.to_owned(),
            dimension: dimension.clone(),
            dimensions: names.clone(),
        }),
        None => Ok(()),
    }
}

/// A coordinate as a query needs it, with errors that name the variable.
pub(crate) async fn found<T>(
    variable: &str,
    coordinate: impl Future<Output = Result<T, CoordinateError>>,
) -> Result<T, QueryError> {
    coordinate.await.map_err(|source| QueryError::Coordinate { variable: variable.to_owned(), source })
}

/// Refuses weights, masks, groups and windows along a dimension that the variable has twice, as a covariance has.
fn check_once(
    store: &ReferenceStore,
    variable: &str,
    array: &ManifestArray,
    query: &Query,
) -> Result<(), QueryError> {
    let names = &array.meta.dimension_names;
    let mut seen = BTreeSet::new();
    let Some(repeated) = names.iter().find(|name| !seen.insert(name.as_str())) else { return Ok(()) };
    let has_it = |path: &str| {
        let other = store.references().arrays.get(path.trim_matches('/'));
        other.is_some_and(|other| other.meta.dimension_names.contains(repeated))
    };
    let weighted = query.weights.iter().any(|source| match source {
        WeightSource::CosLatitude => true,
        WeightSource::Variable(path)
        | WeightSource::Mask { variable: path, .. }
        | WeightSource::Label { variable: path, .. } => has_it(path),
    });
    let grouped = query.by.iter().any(|by| match by {
        GroupBy::Date { dimension, .. } | GroupBy::Period { dimension, .. } => dimension == repeated,
        GroupBy::Variable(path) => has_it(path),
    });
    let rolled = query.rolling.as_ref().is_some_and(|rolling| rolling.dimension == *repeated);
    let refused = [(weighted, "weights and masks"), (grouped, "groups"), (rolled, "windows")];
    match refused.into_iter().find(|(asked, _)| *asked) {
        Some((_, what)) => {
            Err(QueryError::Repeated { variable: variable.to_owned(), dimension: repeated.clone(), what })
        }
        None => Ok(()),
    }
}
