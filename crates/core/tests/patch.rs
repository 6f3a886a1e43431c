//! Differences between catalogues are exact, forwards and backwards, whoever wrote the texts.

use datafolio_core::patch::{Splice, apply, diff_texts, revert};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{entry, parse};

/// A catalogue as some program may have laid it out.
fn catalogue() -> impl Strategy<Value = String> {
    let item = ("[a-fé]{1,2}", 0..4u64, any::<bool>(), prop::collection::vec("[a-f]", 0..3)).prop_map(
        |(name, revision, current, inputs)| {
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            entry(&name, revision, current, &inputs)
        },
    );
    let metadata = prop::collection::btree_map("[a-cß]{1,2}", "[ -~é\n\"]{0,8}", 0..4);
    (prop::collection::vec(item, 0..6), metadata, 0..5u64, any::<bool>()).prop_map(
        |(items, metadata, revision, pretty)| {
            let value: Value =
                json!({"schema_version": 2, "revision": revision, "metadata": metadata, "items": items, "snapshots": {}});
            if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() }
        },
    )
}

proptest! {
    #[test]
    fn any_two_catalogues_have_an_exact_difference(before in catalogue(), after in catalogue()) {
        let (before, after) = (parse(&before).unwrap(), parse(&after).unwrap());
        let splices = diff_texts(&before, &after);
        prop_assert_eq!(&apply(&before.text, &splices).unwrap(), &*after.text);
        prop_assert_eq!(&revert(&after.text, &splices).unwrap(), &*before.text);
        prop_assert!(diff_texts(&before, &before).is_empty());
    }

    /// A difference that is applied to another text than it was made for is refused or gives some text; it never panics.
    #[test]
    fn a_difference_that_does_not_fit_is_no_panic(
        text in "[ab{}é]{0,30}",
        splices in prop::collection::vec((0..40usize, "[ab{}é]{0,4}", "[abé]{0,4}"), 0..4),
    ) {
        let splices: Vec<Splice> =
            splices.into_iter().map(|(at, remove, insert)| Splice { at, remove, insert }).collect();
        let _ = (apply(&text, &splices), revert(&text, &splices));
    }
}

#[test]
fn offsets_beyond_all_bounds_are_refused() {
    for at in [usize::MAX, usize::MAX / 2, 4] {
        let splices = vec![Splice { at, remove: String::new(), insert: "x".to_owned() }];
        assert!(apply("abc", &splices).is_err() && revert("abc", &splices).is_err(), "{at}");
    }
    // The second before the first.
    let splice = |at| Splice { at, remove: "a".to_owned(), insert: String::new() };
    assert!(apply("aaaa", &[splice(2), splice(0)]).is_err());
}
