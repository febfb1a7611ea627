//! A dataset as a question sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rangefold_active::{Limits, Resources};
use rangefold_cf::Coordinate;
use rangefold_refs::ReferenceSet;
use rangefold_store::ReferenceStore;
use tokio::sync::OnceCell;

/// The references that a question needs, the resources it may use, and the coordinates of the dataset that were read
/// before. Cheap to clone; clones share what is read.
#[derive(Clone, Debug)]
pub struct View {
    store: ReferenceStore,
    resources: Resources,
    coordinates: Coordinates,
}

/// Coordinates that were read, by path. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coordinates(Arc<Mutex<HashMap<String, Place>>>);

/// Where one coordinate is kept once it was read.
type Place = Arc<OnceCell<Arc<Coordinate>>>;

/// Coordinates of at most so many elements are kept: a grid of two million cells in longitudes and latitudes.
const KEPT_ELEMENTS_MAX: usize = 1 << 22;

impl View {
    /// A view of all that `store` has, with resources of its own.
    #[must_use]
    pub fn new(store: ReferenceStore) -> Self {
        Self::sharing(store, Resources::default(), Coordinates::default())
    }

    /// As [`View::new`], within these limits.
    #[must_use]
    pub fn within(store: ReferenceStore, limits: Limits) -> Self {
        Self::sharing(store, Resources::new(limits), Coordinates::default())
    }

    /// A view with shared resources, and coordinates that were read before.
    pub(crate) fn sharing(store: ReferenceStore, resources: Resources, coordinates: Coordinates) -> Self {
        Self { store, resources, coordinates }
    }

    /// What follows the references.
    #[must_use]
    pub fn store(&self) -> &ReferenceStore {
        &self.store
    }

    /// The references.
    #[must_use]
    pub fn references(&self) -> &ReferenceSet {
        self.store.references()
    }

    /// Threads, memory and requests.
    #[must_use]
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Where the coordinate at `path` is kept, or will be once it was read. Large ones have a place of their own, which
    /// nobody else sees.
    pub(crate) fn known(&self, path: &str) -> Place {
        let elements = self.references().arrays.get(path).and_then(|array| {
            let mut shape = array.meta.shape().iter();
            shape.try_fold(1_usize, |n, &length| n.checked_mul(usize::try_from(length).ok()?))
        });
        if elements.is_none_or(|elements| elements > KEPT_ELEMENTS_MAX) {
            return Arc::default();
        }
        let mut known = self.coordinates.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(path.to_owned()).or_default())
    }
}

impl From<ReferenceStore> for View {
    fn from(store: ReferenceStore) -> Self {
        Self::new(store)
    }
}
