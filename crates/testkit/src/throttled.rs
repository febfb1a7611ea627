//! A store with latency.

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::throttle::{ThrottleConfig, ThrottledStore};

/// Wraps `store` so that every request takes `latency`, and every byte of a body `per_byte` more.
///
/// Under `#[tokio::test(start_paused = true)]` the clock jumps instead of sleeping, so `tokio::time::Instant` counts round trips exactly
/// and the test takes no time. The inner store must then be one that needs no real time, such as `InMemory`.
#[must_use]
pub fn throttled(store: Arc<dyn ObjectStore>, latency: Duration, per_byte: Duration) -> Arc<dyn ObjectStore> {
    let config = ThrottleConfig {
        wait_delete_per_call: latency,
        wait_get_per_byte: per_byte,
        wait_get_per_call: latency,
        wait_list_per_call: latency,
        wait_list_with_delimiter_per_call: latency,
        wait_put_per_call: latency,
        ..ThrottleConfig::default()
    };
    Arc::new(ThrottledStore::new(store, config))
}
