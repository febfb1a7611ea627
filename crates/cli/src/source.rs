//! A reference store that reductions are asked of. Of a Parquet store only the records that are needed are read.

use std::sync::Arc;

use anyhow::Result;
use rangefold::active::{Prepared, Query, prepare};
use rangefold::refs::{ManifestArray, ReferenceSet};
use rangefold::store::{Opened, ReferenceStore};

use crate::context::Context;

/// Arrays of at most this many bytes may be coordinates or their bounds, and their references are always read.
const COORDINATE_MAX: u64 = 4 << 20;

/// A reference store, opened.
pub(crate) enum Source {
    /// All references are known.
    Complete(ReferenceStore),
    /// Those of coordinates are.
    Indexed(Opened),
}

impl Source {
    pub(crate) async fn open(context: &Context, url: &str) -> Result<Self> {
        let mut opened = context.open(url).await?;
        if opened.is_complete() {
            return Ok(Self::Complete(context.reference_store(opened.into_set().await?)));
        }
        let small = |array: &ManifestArray| array.meta.nbytes().is_some_and(|n| n <= COORDINATE_MAX);
        let coordinates: Vec<String> = opened
            .set()
            .arrays
            .iter()
            .filter(|(_, array)| small(array))
            .map(|(path, _)| path.clone())
            .collect();
        opened.load_arrays(|path| coordinates.iter().any(|c| c == path)).await?;
        Ok(Self::Indexed(opened))
    }

    pub(crate) fn set(&self) -> &ReferenceSet {
        match self {
            Self::Complete(store) => store.references(),
            Self::Indexed(opened) => opened.set(),
        }
    }

    /// Plans a query, and gives the store that has the references it needs.
    pub(crate) async fn prepare(
        &mut self,
        context: &Context,
        variable: &str,
        query: &Query,
    ) -> Result<(ReferenceStore, Arc<Prepared>)> {
        match self {
            Self::Complete(store) => Ok((store.clone(), Arc::new(prepare(store, variable, query).await?))),
            Self::Indexed(opened) => {
                let store = context.reference_store(opened.set().clone());
                let prepared = prepare(&store, variable, query).await?;
                opened.load(variable, prepared.plan.tasks().map(|task| task.selection.number)).await?;
                Ok((context.reference_store(opened.set().clone()), Arc::new(prepared)))
            }
        }
    }
}
