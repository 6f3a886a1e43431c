//! States: written, read again, and such as nobody has written.

use serde_json::{Value as Json, json};

use super::*;

/// One of each, with options that are not the usual ones, fitted to values of every type.
fn one_of_each() -> Vec<(Transform, Frame)> {
    let (numbers, kinds) = (numbers(), kinds());
    let names = ["x", "y", "c", "i"];
    let columns = ["a `b`, c", "v", "n", "flag", "day", "zoned", "took"];
    let prefix = || "odd `prefix`\n".to_owned();
    let standard = StandardOptions { with_mean: false, prefix: prefix(), ..StandardOptions::default() };
    let min_max = MinMaxOptions { feature_range: (-0.1, 1e300), clip: true, prefix: prefix() };
    let robust = RobustOptions { quantile_range: (5.0, 99.9), with_scaling: false, ..RobustOptions::default() };
    let label = LabelOptions { keep: Keep::BOTH, unseen: Unseen::Label(-7), prefix: prefix() };
    let one_hot = OneHotOptions { keep: Keep { nan: false, missing: true }, limit: usize::MAX, prefix: prefix() };
    let frequency =
        FrequencyOptions { keep: Keep { nan: true, missing: false }, unseen: UnseenShare::Zero, prefix: prefix() };
    let missing = LabelOptions { unseen: Unseen::Missing, ..LabelOptions::default() };
    vec![
        (StandardScaler::fit(&numbers, &names, &standard).unwrap().into(), numbers.clone()),
        (StandardScaler::fit(&numbers, &names, &StandardOptions::default()).unwrap().into(), numbers.clone()),
        (MinMaxScaler::fit(&numbers, &names, &min_max).unwrap().into(), numbers.clone()),
        (MaxAbsScaler::fit(&numbers, &names, &MaxAbsOptions::default()).unwrap().into(), numbers.clone()),
        (RobustScaler::fit(&numbers, &names, &robust).unwrap().into(), numbers),
        (LabelEncoder::fit(&kinds, &columns, &label).unwrap().into(), kinds.clone()),
        (LabelEncoder::fit(&kinds, &["v"], &missing).unwrap().into(), kinds.clone()),
        (LabelEncoder::fit(&kinds, &["n"], &LabelOptions::default()).unwrap().into(), kinds.clone()),
        (OneHotEncoder::fit(&kinds, &columns, &one_hot).unwrap().into(), kinds.clone()),
        (FrequencyEncoder::fit(&kinds, &columns, &frequency).unwrap().into(), kinds.clone()),
        (FrequencyEncoder::fit(&kinds, &columns, &FrequencyOptions::default()).unwrap().into(), kinds),
    ]
}

/// The new columns as text, in which NaN is NaN.
fn shown(frame: &Frame, names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("{name}: {}", Value::List(list(frame, name)))).collect()
}

#[test]
fn states_are_read_as_they_were_written() {
    for (transform, frame) in one_of_each() {
        let text = transform.to_json().to_string();
        let again = Transform::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(again.name(), transform.name());
        assert_eq!(again.to_json().to_string(), text);
        assert_eq!(again.outputs(), transform.outputs());
        let applied = transform.transform(&frame).unwrap();
        let expected = shown(&applied, &transform.outputs());
        assert_eq!(shown(&again.transform(&frame).unwrap(), &transform.outputs()), expected);
        // The state of the frame has the columns, too.
        let state = serde_json::from_str(&applied.state().to_string()).unwrap();
        let restored = frame.with_state(&state).unwrap();
        assert_eq!(shown(&restored, &transform.outputs()), expected, "{}", transform.name());
    }
}

#[test]
fn states_have_the_form_that_is_documented() {
    let frame = frame(vec![
        ("x", floats(&[Some(1.0), Some(3.0), Some(f64::INFINITY), None])),
        ("s", texts(&[Some("a"), Some("b"), Some("a"), None])),
    ]);
    let finite = frame.filter(col("x").less(9)).unwrap();
    let scaler = StandardScaler::fit(&finite, &["x"], &StandardOptions::default()).unwrap();
    assert_eq!(
        scaler.to_json(),
        json!({
            "transform": "standard_scaler", "version": 1, "prefix": "standard_scaled_", "with_mean": true, "with_std": true,
            "columns": [{"column": "x", "mean": 2.0, "scale": 1.0}],
        })
    );
    let encoder = FrequencyEncoder::fit(&frame, &["s", "x"], &FrequencyOptions::default()).unwrap();
    assert_eq!(
        encoder.to_json(),
        json!({
            "transform": "frequency_encoder", "version": 1, "prefix": "frequency_encoded_",
            "keep_missing": true, "keep_nan": true, "unseen": "nan",
            "columns": [
                {"column": "s", "values": ["a", "b", null], "shares": [0.5, 0.25, 0.25]},
                {"column": "x", "values": [1.0, 3.0, {"float": "inf"}, null], "shares": [0.25, 0.25, 0.25, 0.25]},
            ],
        })
    );
    // A program that writes 1.0 as 1 changes nothing.
    let state = json!({
        "transform": "label_encoder", "version": 1, "prefix": "l_", "keep_missing": false, "keep_nan": false,
        "unseen": -1, "columns": [{"column": "x", "values": [1, 3]}],
    });
    let encoded = Transform::from_json(&state).unwrap().transform(&frame).unwrap();
    assert_eq!(list(&encoded, "l_x"), [0.into(), 1.into(), (-1).into(), Value::Null]);
}

#[test]
fn states_that_are_none_say_why() {
    let wrong = |state: Json| match Transform::from_json(&state) {
        Err(ColumnsError::InvalidOption { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(wrong(json!([])).contains("a JSON object is expected, and this is a list"));
    assert!(wrong(json!({})).contains("no `transform`"));
    assert!(wrong(json!({"transform": "x".repeat(1 << 20)})).len() < 200);
    assert!(
        wrong(json!({"transform": "pca"})).contains("there is no transform 'pca'; there are standard_scaler, minmax")
    );
    let good = json!({
        "transform": "standard_scaler", "version": 1, "prefix": "p", "with_mean": true, "with_std": true,
        "columns": [{"column": "x", "mean": 2.0, "scale": 1.0}],
    });
    assert!(Transform::from_json(&good).is_ok());
    let with = |pointer: &str, value: Json| {
        let mut state = good.clone();
        *state.pointer_mut(pointer).unwrap() = value;
        wrong(state)
    };
    assert!(with("/version", json!(2)).contains("its version is 2, and this release reads 1"));
    assert!(with("/version", json!("1")).contains("no whole number"));
    assert!(with("/with_mean", json!(1)).contains("`with_mean` is a number"));
    assert!(with("/columns", json!([])).contains("at least one column"));
    assert!(with("/columns/0/scale", json!(0.0)).contains("a number above 0 is expected"));
    assert!(with("/columns/0/scale", json!(-1.0)).contains("a number above 0 is expected"));
    assert!(with("/columns/0/mean", Json::Null).contains("its `mean` is null, where a finite number"));
    let entry = good["columns"][0].clone();
    assert!(with("/columns", json!([entry, entry])).contains("`x` is named twice"));
    assert!(message(MinMaxScaler::from_json(&good)).contains("it is of 'standard_scaler', not of 'minmax_scaler'"));
    let label = |values: Json, unseen: Json| {
        wrong(json!({
            "transform": "label_encoder", "version": 1, "prefix": "", "keep_missing": true, "keep_nan": true,
            "unseen": unseen, "columns": [{"column": "x", "values": values}],
        }))
    };
    assert!(label(json!(["a", "b", "a"]), json!("error")).contains("twice"));
    assert!(label(json!([]), json!("error")).contains("no `values`"));
    assert!(label(json!(["a", [1]]), json!("error")).contains("is a list"));
    assert!(label(json!([{"float": "1"}]), json!("error")).contains("none of \"nan\""));
    assert!(label(json!([{"instant": 1, "unit": "fortnight"}]), json!("error")).contains("none of NumPy's"));
    assert!(label(json!(["a", "b"]), json!("nothing")).contains("`unseen`"));
    assert!(label(json!(["a", "b"]), json!(1)).contains("the label 1"));
    assert!(label(json!(["a", "b"]), json!(1e40)).contains("64 bits"));
    let shares = |shares: Json| {
        wrong(json!({
            "transform": "frequency_encoder", "version": 1, "prefix": "", "keep_missing": true, "keep_nan": true,
            "unseen": "nan", "columns": [{"column": "x", "values": ["a", "b"], "shares": shares}],
        }))
    };
    assert!(shares(json!([0.5])).contains("2 `values` and 1 `shares`"));
    assert!(shares(json!([0.5, 1.5])).contains("a number from 0 to 1"));
}

/// Every member of every state left out, and replaced by all sorts of things: an error or a transform, which is applied or not, but no
/// panic.
#[test]
fn no_state_makes_it_panic() {
    let mut deep = json!(1);
    for _ in 0..1_000 {
        deep = Json::Array(vec![deep]);
    }
    let others = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(1e308),
        json!(5e-324),
        json!(""),
        json!("x"),
        json!([]),
        json!(["x"]),
        json!([1, "x", null, true, {"float": "nan"}]),
        json!([0, 1]),
        json!({}),
        json!({"float": "nan"}),
        json!({"instant": i64::MAX, "unit": "Y"}),
        json!({"instant": i64::MIN, "unit": "W", "zone": "no zone"}),
        json!({"duration": i64::MIN, "unit": "ns"}),
        json!({"column": "x", "values": [1], "shares": [1], "mean": 1, "scale": 1}),
        deep,
    ];
    let (mut read, mut applied) = (0, 0);
    for (transform, frame) in one_of_each() {
        let good = transform.to_json();
        let mut places = Vec::new();
        pointers(&good, String::new(), &mut places);
        for place in places {
            for other in &others {
                let mut state = good.clone();
                *state.pointer_mut(&place).unwrap() = other.clone();
                check(&state, &frame, &mut read, &mut applied);
            }
            let Some((parent, last)) = place.rsplit_once('/') else { continue };
            let mut state = good.clone();
            if let Some(Json::Object(members)) = state.pointer_mut(parent) {
                members.remove(last);
                assert!(Transform::from_json(&state).is_err() || last == "zone", "{place}");
            }
        }
    }
    assert!(read > 500 && applied > 300, "{read} {applied}");
}

fn check(state: &Json, frame: &Frame, read: &mut u32, applied: &mut u32) {
    let Ok(transform) = Transform::from_json(state) else { return };
    *read += 1;
    // What comes of a state can be written again.
    assert!(Transform::from_json(&transform.to_json()).is_ok());
    let Ok(frame) = transform.transform(frame) else { return };
    *applied += 1;
    for name in transform.outputs() {
        let _ = frame.aggregate(&[agg::count(col(name))]);
    }
}

/// All places within a value.
fn pointers(value: &Json, at: String, places: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            for (name, member) in members {
                pointers(member, format!("{at}/{name}"), places);
            }
        }
        Json::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{place}"), places);
            }
        }
        _ => {}
    }
    places.push(at);
}
