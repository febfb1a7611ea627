//! A reference store that reductions are asked of. Of a Parquet store only the records that are needed are read.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use rangefold::query::{Prepared, Query, Selected, prepare, read_beside, selected};
use rangefold::refs::{ManifestArray, ReferenceSet, RefsError};
use rangefold::store::{Opened, ReferenceStore};

use crate::context::Context;
use crate::output::complain;

/// Arrays of at most this many bytes may be scalar coordinates or bounds, and their references are always read.
const COORDINATE_MAX: u64 = 4 << 20;

/// The records of more chunks than this are not picked one by one: all that there are are read.
const TASKS_MAX: u64 = 1 << 20;

/// A reference store, opened.
pub(crate) enum Source {
    /// All references are known.
    Complete(ReferenceStore),
    /// Those of small arrays are, and those that were loaded since.
    Indexed(Box<Opened>),
}

impl Source {
    pub(crate) async fn open(context: &Context, url: &str) -> Result<Self> {
        let mut opened = context.open(url).await?;
        if opened.is_complete() {
            return Ok(Self::Complete(context.reference_store(opened.into_set().await?.in_parts())));
        }
        let small = |array: &ManifestArray| array.meta.nbytes().is_some_and(|n| n <= COORDINATE_MAX);
        let paths = |(path, array): (&String, &ManifestArray)| small(array).then(|| path.clone());
        let loaded: BTreeSet<String> = opened.metadata().arrays.iter().filter_map(paths).collect();
        opened.load_arrays(|path| loaded.contains(path)).await?;
        Ok(Self::Indexed(Box::new(opened)))
    }

    pub(crate) fn set(&self) -> &ReferenceSet {
        match self {
            Self::Complete(store) => store.references(),
            Self::Indexed(opened) => opened.metadata(),
        }
    }

    /// Plans a query, gives the store that has the references it needs, and tells its warnings.
    pub(crate) async fn prepare(
        &mut self,
        context: &Context,
        variable: &str,
        query: &Query,
    ) -> Result<(ReferenceStore, Arc<Prepared>)> {
        let (store, prepared) = self.plan(context, variable, query).await?;
        for (path, error) in unreadable_coordinates(self.set(), variable) {
            complain(&format!("warning: {variable}: coordinate {path:?} cannot be read: {error}"));
        }
        for warning in &prepared.warnings {
            complain(&format!("warning: {variable}: {warning}"));
        }
        Ok((store, Arc::new(prepared)))
    }

    /// Plans a query, and gives the store that has the references it needs.
    pub(crate) async fn plan(
        &mut self,
        context: &Context,
        variable: &str,
        query: &Query,
    ) -> Result<(ReferenceStore, Prepared)> {
        Ok(match self {
            Self::Complete(store) => (store.clone(), prepare(store, variable, query).await?),
            Self::Indexed(opened) => {
                let beside = read_beside(opened.metadata(), variable, query);
                opened.load_arrays(|path| beside.contains(path)).await?;
                // Nothing of the variable itself is read to make a plan.
                opened.load(variable, std::iter::empty()).await?;
                let prepared = prepare(&context.reference_store(opened.known()), variable, query).await?;
                if prepared.execution.plan().chunk_count() <= TASKS_MAX {
                    let touched = prepared.execution.plan().tasks().map(|task| task.selection.number);
                    opened.load(variable, touched).await?;
                } else {
                    opened.load_arrays(|path| path == variable).await?;
                }
                let store = context.reference_store(opened.known().in_parts());
                let prepared = prepare(&store, variable, query).await?;
                (store, prepared)
            }
        })
    }

    /// What a query selects, and a store that has the coordinates it is looked up in.
    pub(crate) async fn select(
        &mut self,
        context: &Context,
        variable: &str,
        query: &Query,
    ) -> Result<(ReferenceStore, Selected)> {
        let store = match self {
            Self::Complete(store) => store.clone(),
            Self::Indexed(opened) => {
                let beside = read_beside(opened.metadata(), variable, query);
                opened.load_arrays(|path| beside.contains(path)).await?;
                opened.load(variable, std::iter::empty()).await?;
                context.reference_store(opened.known())
            }
        };
        let selected = selected(&store, variable, query).await?;
        Ok((store, selected))
    }
}

/// The coordinates of a variable's dimensions that cannot be read, so that positions stand in the place of labels.
fn unreadable_coordinates<'a>(set: &'a ReferenceSet, variable: &str) -> Vec<(&'a String, &'a RefsError)> {
    let dimensions = set.arrays.get(variable).map(|array| array.meta.dimension_names.as_slice());
    let in_scope = |path: &str, dimension: &str| {
        let group = path.strip_suffix(dimension).filter(|group| group.is_empty() || group.ends_with('/'));
        group.is_some_and(|group| variable.starts_with(group))
    };
    let concerns = |path: &str| dimensions.unwrap_or_default().iter().any(|name| in_scope(path, name));
    set.unreadable.iter().filter(|(path, _)| concerns(path)).collect()
}
