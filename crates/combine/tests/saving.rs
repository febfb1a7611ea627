//! A joined set is saved while its references still stand in the inputs, on any runtime.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod support;

use std::sync::Arc;

use rangefold_combine::{Input, combine, join};
use rangefold_refs::ReferenceSet;
use rangefold_storage::{Environment, Existing, Storage, StorageOptions};
use rangefold_store::{FetchOptions, Opened, Resolve, SaveError, SaveOptions, save};
use support::{along, input, var};

/// Two files of two chunks each.
fn files() -> Arc<[Input]> {
    let file = |name: &str, times: [f64; 2]| {
        let wide: Vec<f64> = times.iter().flat_map(|t| [*t; 20]).collect();
        let tas = var("tas(time=2,x=20)").chunks(&[1, 20]).values(&wide);
        input(name, [var("time(time=2)").values(&times), tas])
    };
    Arc::new([file("b", [2.0, 3.0]), file("a", [0.0, 1.0])])
}

fn nowhere() -> impl Resolve + 'static {
    |url: &str| Err(format!("{url} must not be read").into())
}

async fn saved(output: &str) -> ReferenceSet {
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let spec = along(&["time"]);
    let joined = join(files(), &spec, nowhere(), FetchOptions::default()).await.unwrap();
    let options = SaveOptions { existing: Existing::Keep, record_size: 3 };
    save(&storage, output, joined, options).await.unwrap();
    let again = join(files(), &spec, nowhere(), FetchOptions::default()).await.unwrap();
    let refused = save(&storage, output, again, options).await.unwrap_err();
    assert!(matches!(refused, SaveError::Write(_)), "{refused}");
    Opened::open(&storage, output).await.unwrap().into_set().await.unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn every_form_holds_what_combining_in_memory_gives_on_a_runtime_of_one_thread() {
    let combined = combine(files(), &along(&["time"]), nowhere(), FetchOptions::default()).await.unwrap();
    for output in ["memory://stack.json", "memory://stack.json.gz", "memory://stack.parq"] {
        let set = saved(output).await;
        assert_eq!(set.arrays["tas"].manifest.len(), 4, "{output}");
        for (path, array) in &combined.references.arrays {
            assert!(set.arrays[path].manifest.iter().eq(array.manifest.iter()), "{path} of {output}");
        }
    }
}

#[test]
fn without_a_runtime_it_works_too() {
    let set = futures::executor::block_on(saved("memory://stack.parq"));
    assert_eq!(set.arrays["tas"].manifest.len(), 4);
}

#[test]
fn what_is_joined_outlives_the_caller_s_inputs_and_moves_between_threads() {
    fn is_free<T: Send + Sync + 'static>(_: &T) {}
    let spec = along(&["time"]);
    let joined = futures::executor::block_on(join(files(), &spec, nowhere(), FetchOptions::default()));
    is_free(&joined.unwrap());
}
