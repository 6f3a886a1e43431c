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

/// Two catalogues that were read separately share nothing by identity: all of the text counted as new.
#[test]
fn the_difference_of_separate_texts_is_what_was_changed() {
    let text = |names: &[u64], described: u64| {
        let items: Vec<Value> = names
            .iter()
            .map(|n| {
                let mut item = entry(&format!("item{n}"), *n, true, &[]);
                if *n == described {
                    item["description"] = json!("another");
                }
                item
            })
            .collect();
        let top = json!({"schema_version": 2, "revision": 9, "metadata": {}, "items": items, "snapshots": {}});
        serde_json::to_string_pretty(&top).unwrap()
    };
    let all: Vec<u64> = (0..2000).collect();
    let without = |gone: &[u64]| -> Vec<u64> { all.iter().copied().filter(|n| !gone.contains(n)).collect() };
    let moved: Vec<u64> = without(&[3]).into_iter().chain([3]).collect();
    for (what, after) in [
        ("edited", text(&all, 1000)),
        ("removed and added", text(&without(&[5, 1999]), 1)),
        ("first and last", text(&without(&[0]), 1999)),
        ("moved", text(&moved, 0)),
    ] {
        let before = text(&all, u64::MAX);
        let splices = diff_texts(&parse(&before).unwrap(), &parse(&after).unwrap());
        assert_eq!(apply(&before, &splices).unwrap(), after, "{what}");
        let size: usize = splices.iter().map(|splice| splice.remove.len() + splice.insert.len()).sum();
        assert!(size < 2000, "{what}: {size} bytes");
    }
}
