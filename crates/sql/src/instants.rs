//! Instants as values. What binds values to DuckDB's statements has no type for them, so that they go there as texts with their offset,
//! which the query casts: the time zone of a text is kept without the extension that knows the zones of the world.

use chrono::DateTime;

use crate::params::{ParamValue, Params};
use crate::places::value_places;
use crate::words::Quoted;

/// The same query, in which the places that have instants for values are casts of these.
pub(crate) fn with_casts(text: Quoted, params: &Params) -> Quoted {
    let casts: Vec<_> = value_places(&text.text, &mut 1)
        .into_iter()
        .filter_map(|place| {
            let lists = lists_around(params.get(&place.name)?)?;
            Some((place.range, format!("TIMESTAMPTZ{}", "[]".repeat(lists))))
        })
        .collect();
    if casts.is_empty() { text } else { text.with_casts(&casts) }
}

/// How many lists an instant lies in; `None` for what has none in it.
fn lists_around(value: &ParamValue) -> Option<usize> {
    match value {
        ParamValue::Instant(_) => Some(0),
        ParamValue::List(values) => values.iter().find_map(lists_around).map(|lists| lists + 1),
        _ => None,
    }
}

/// An instant of so many microseconds as SQL writes it; `None` for one beyond the calendar.
pub(crate) fn instant(micros: i64) -> Option<String> {
    let moment = DateTime::from_timestamp_micros(micros)?;
    let text = moment.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string();
    // DuckDB reads no sign before years of more than four digits.
    Some(text.trim_start_matches('+').to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_cast_wherever_their_values_stand() {
        let cast = |text: &str, params: &Params| with_casts(Quoted::unchanged(text), params).text;
        let (instant, other) = (|| ParamValue::Instant(0), || ParamValue::Int(1));
        let numbered =
            Params::Positional(vec![other(), instant(), ParamValue::List(vec![ParamValue::Null, instant()])]);
        assert_eq!(
            cast("SELECT ?, ?AS a, '?' -- ?\n, \"?\" IN ?", &numbered),
            "SELECT ?, CAST(? AS TIMESTAMPTZ)AS a, '?' -- ?\n, \"?\" IN CAST(? AS TIMESTAMPTZ[])"
        );
        assert_eq!(cast("SELECT $1, ?2, $2", &numbered), {
            "SELECT $1, CAST(?2 AS TIMESTAMPTZ), CAST($2 AS TIMESTAMPTZ)"
        });
        let named = Params::Named(vec![("since".to_owned(), instant()), ("n".to_owned(), other())]);
        assert_eq!(cast("$Since < t AND $n > 1 AND $$ $since $$ = ''", &named), {
            "CAST($Since AS TIMESTAMPTZ) < t AND $n > 1 AND $$ $since $$ = ''"
        });
        assert_eq!(cast("? = $since", &Params::None), "? = $since");
        let nested = Params::Positional(vec![ParamValue::List(vec![ParamValue::List(vec![instant()])])]);
        assert_eq!(cast("?", &nested), "CAST(? AS TIMESTAMPTZ[][])");
    }

    #[test]
    fn places_lead_back_to_the_text_without_casts() {
        let text = "SELECT ? AS a, wrong";
        let cast = with_casts(Quoted::unchanged(text), &Params::Positional(vec![ParamValue::Instant(0)]));
        let wrong = cast.text.find("wrong").unwrap();
        assert_eq!(cast.place(wrong), Quoted::unchanged(text).place(text.find("wrong").unwrap()));
    }

    #[test]
    fn instants_have_all_their_microseconds() {
        assert_eq!(instant(-1).unwrap(), "1969-12-31 23:59:59.999999+00");
        assert_eq!(instant(1_600_000_000_000_000).unwrap(), "2020-09-13 12:26:40.000000+00");
        assert_eq!(instant(253_402_343_999_999_999).unwrap(), "10000-01-01 11:59:59.999999+00");
        assert_eq!(instant(i64::MAX), None);
    }
}
