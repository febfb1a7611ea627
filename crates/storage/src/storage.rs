//! The one thing a program holds on to.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::connection::{Connection, Sources};
use crate::environment::Environment;
use crate::error::StorageError;
use crate::location::{Location, Scheme};
use crate::open::open;
use crate::options::StorageOptions;

/// Resolves URLs, and keeps one store per bucket and rule, so that connections are reused. Clones share the stores.
#[derive(Clone)]
pub struct Storage {
    shared: Arc<Shared>,
}

struct Shared {
    options: StorageOptions,
    environment: Environment,
    stores: Mutex<HashMap<StoreKey, Arc<dyn ObjectStore>>>,
    /// What `memory://` holds, whichever rule it is reached by.
    memory: Arc<InMemory>,
}

/// What a store is kept under. A query with a signature is part of it: it belongs to every request of that store.
#[derive(Eq, Hash, PartialEq)]
struct StoreKey {
    scheme: Scheme,
    authority: String,
    query: Option<String>,
    rule: Option<usize>,
}

impl Storage {
    /// Makes a resolver from what was said and from the environment. Nothing is read or asked yet.
    ///
    /// # Errors
    ///
    /// [`StorageError::Url`] if the endpoint is not an `http` or `https` URL; [`StorageError::Credentials`] if both a profile and no
    /// credentials are asked for.
    pub fn new(options: StorageOptions, environment: Environment) -> Result<Self, StorageError> {
        if let Some(url) = &options.endpoint_url {
            Location::endpoint(url)?;
        }
        if let (true, Some(profile)) = (options.anonymous, &options.profile) {
            let reason = format!("anonymous and profile {profile:?} exclude each other");
            return Err(StorageError::Credentials { url: "any URL".to_owned(), reason });
        }
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                environment,
                stores: Mutex::default(),
                memory: Arc::default(),
            }),
        })
    }

    /// A resolver with the credentials of this process: its environment variables and the AWS profiles they name. For
    /// programs; a library is handed one.
    ///
    /// # Errors
    ///
    /// As [`Storage::new`].
    pub fn of_process() -> Result<Self, StorageError> {
        Self::new(StorageOptions::default(), Environment::of_process())
    }

    /// The store that holds `url`, and where it is in there. No request is made; whether there is such an object is not known yet.
    ///
    /// ```
    /// # use rangefold_storage::{Environment, Storage, StorageOptions};
    /// let storage = Storage::new(StorageOptions::default(), Environment::default())?;
    /// let (store, path) = storage.resolve("memory://folder/tas.nc")?;
    /// assert_eq!(path.as_ref(), "folder/tas.nc");
    /// # Ok::<(), rangefold_storage::StorageError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Location::parse`] and [`Location::path`]; [`StorageError::Credentials`] if there are none or they cannot be used;
    /// [`StorageError::Client`] if the client cannot be built from the settings.
    pub fn resolve(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path), StorageError> {
        let connection = self.connection(url)?;
        let path = connection.location.path()?;
        let key = StoreKey {
            scheme: connection.location.scheme(),
            authority: connection.location.authority().to_owned(),
            query: connection.location.query().map(str::to_owned),
            rule: connection.rule_index,
        };
        // Opening makes no request, so the lock is held for a moment only.
        let mut stores = self.shared.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(&key) {
            return Ok((Arc::clone(store), path));
        }
        let Shared { options, environment, memory, .. } = &*self.shared;
        let store = open(&connection, &options.rules.defaults, options.timeout, environment, memory)?;
        tracing::debug!(url = %connection.location, credentials = connection.credentials(), "opened a store");
        stores.insert(key, Arc::clone(&store));
        Ok((store, path))
    }

    /// What [`resolve`](Self::resolve) decides about `url`, to be looked at: which rule, endpoint, region and kind of credentials.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve), except that no client is built.
    pub fn connection(&self, url: &str) -> Result<Connection, StorageError> {
        let location = Location::parse(url)?;
        let Shared { options, environment, .. } = &*self.shared;
        Sources { rules: &options.rules, options, environment }.connection(&location)
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("options", &self.shared.options).finish_non_exhaustive()
    }
}
