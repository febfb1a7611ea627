//! From a URL to an object store.

use std::error::Error;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use rangefold_storage::Storage;

/// Finds the store that holds a URL, and the URL's place in it. Closures of the same shape do.
///
/// It is asked before every read, so it should keep the stores it makes.
pub trait Resolve: Send + Sync {
    /// The store that holds `url`, and where it is in there. No request is made.
    ///
    /// # Errors
    ///
    /// Why there is no such store.
    fn resolve(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path), Box<dyn Error + Send + Sync>>;
}

impl Resolve for Storage {
    fn resolve(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path), Box<dyn Error + Send + Sync>> {
        Ok(Self::resolve(self, url)?)
    }
}

impl<F> Resolve for F
where
    F: Fn(&str) -> Result<(Arc<dyn ObjectStore>, Path), Box<dyn Error + Send + Sync>> + Send + Sync,
{
    fn resolve(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path), Box<dyn Error + Send + Sync>> {
        self(url)
    }
}
