//! The SQL that compares two versions.
//!
//! Columns go by numbers in it: `k0`, `k1`, ... for those of the key, `c0`, `c1`, ... for those that are compared, `f0` and `t0`
//! (without a key `x0` and `y0`) for those that only one version has. No name of a column can so be taken for another.

use super::ColumnType;
use super::schema::{Columns, Comparison, Shared};

/// The names under which the two versions are known.
pub(super) const FROM: &str = "datafolio_from";
pub(super) const TO: &str = "datafolio_to";

/// Columns of the rows that differ, beside those of the table.
pub(super) const CHANGE_TYPE: &str = "change_type";
pub(super) const CHANGED_COLUMNS: &str = "changed_columns";
pub(super) const COUNT: &str = "count";

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().collect::<Vec<_>>().join(", ")
}

/// How many values of the key occur more than once in one version.
pub(super) fn key_check(columns: &Columns, table: &str) -> String {
    let key = list(columns.key.iter().map(|name| quote(name)));
    format!("SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {key} HAVING count(*) > 1)")
}

/// The first of them, as text.
pub(super) fn key_example(columns: &Columns, table: &str) -> String {
    let key = list(columns.key.iter().map(|name| quote(name)));
    let text = columns.key.iter().map(|name| {
        format!("{} || coalesce(CAST({} AS VARCHAR), 'null')", literal(&format!("{name} = ")), quote(name))
    });
    let text = text.collect::<Vec<_>>().join(" || ', ' || ");
    format!("SELECT {text} FROM {table} GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 1")
}

/// The columns of one version under their numbers.
fn numbered(columns: &Columns, table: &str) -> String {
    let is_from = table == FROM;
    let key = columns.key.iter().enumerate().map(|(index, name)| format!("{} AS k{index}", quote(name)));
    let shared =
        columns.shared.iter().enumerate().map(|(index, column)| format!("{} AS c{index}", quote(&column.name)));
    let (own, prefix) = if is_from { (&columns.removed, 'f') } else { (&columns.added, 't') };
    let own = own.iter().enumerate().map(|(index, column)| format!("{} AS {prefix}{index}", quote(&column.name)));
    format!("SELECT {}, true AS here FROM {table}", list(key.chain(shared).chain(own)))
}

/// Both versions, side by side.
fn joined(columns: &Columns) -> String {
    let on = (0..columns.key.len()).map(|index| format!("f.k{index} IS NOT DISTINCT FROM t.k{index}"));
    let on = on.collect::<Vec<_>>().join(" AND ");
    format!("({}) f FULL OUTER JOIN ({}) t ON {on}", numbered(columns, FROM), numbered(columns, TO))
}

fn differs(index: usize, column: &Shared) -> String {
    let plainly = format!("f.c{index} IS DISTINCT FROM t.c{index}");
    match column.compared {
        Comparison::Plainly => plainly,
        // Where they are equal as floating-point numbers both are whole ones, which tell the rest; of NaN and the infinite ones
        // nothing is left to tell.
        Comparison::Exactly => {
            format!("({plainly} OR TRY_CAST(f.c{index} AS HUGEINT) IS DISTINCT FROM TRY_CAST(t.c{index} AS HUGEINT))")
        }
        Comparison::AsNumerals(from, to) => {
            format!("{} IS DISTINCT FROM {}", from.text(&format!("f.c{index}")), to.text(&format!("t.c{index}")))
        }
        Comparison::AsText => format!("CAST(f.c{index} AS VARCHAR) IS DISTINCT FROM CAST(t.c{index} AS VARCHAR)"),
    }
}

/// Whether a row of both versions differs.
fn any_differs(columns: &Columns) -> String {
    match columns.shared.is_empty() {
        true => "false".to_owned(),
        false => {
            columns.shared.iter().enumerate().map(|(at, column)| differs(at, column)).collect::<Vec<_>>().join(" OR ")
        }
    }
}

/// How many rows are added, removed, changed, unchanged; then for each shared column, in how many rows it has changed.
pub(super) fn summary(columns: &Columns) -> String {
    if columns.key.is_empty() {
        return format!(
            "SELECT coalesce(sum(greatest(t - f, 0)), 0)::BIGINT, coalesce(sum(greatest(f - t, 0)), 0)::BIGINT, \
             0::BIGINT, coalesce(sum(least(f, t)), 0)::BIGINT FROM ({})",
            counted(columns)
        );
    }
    let any = any_differs(columns);
    let both = "f.here AND t.here";
    let counts = columns
        .shared
        .iter()
        .enumerate()
        .map(|(index, column)| format!(", count(*) FILTER (WHERE {both} AND {})", differs(index, column)));
    format!(
        "SELECT count(*) FILTER (WHERE f.here IS NULL), count(*) FILTER (WHERE t.here IS NULL), \
         count(*) FILTER (WHERE {both} AND ({any})), count(*) FILTER (WHERE {both} AND NOT ({any})){} FROM {}",
        counts.collect::<String>(),
        joined(columns)
    )
}

/// How often each row occurs in the two versions, by the columns that both have.
fn counted(columns: &Columns) -> String {
    let values = list((0..columns.shared.len()).map(|index| format!("c{index}")));
    format!(
        "SELECT {values}, {COUNTS} FROM ({} UNION ALL {}) GROUP BY {values}",
        side(columns, FROM, &[]),
        side(columns, TO, &[])
    )
}

/// How many of the rows of a group are of each version.
const COUNTS: &str = "count(*) FILTER (WHERE NOT is_to) AS f, count(*) FILTER (WHERE is_to) AS t";

/// The rows of one version by the columns that both have, in one form; and its values of these columns that it alone has, null where the
/// other one has them.
fn side(columns: &Columns, table: &str, own: &[String]) -> String {
    let is_to = table == TO;
    let values = columns.shared.iter().enumerate().map(|(index, column)| {
        let name = quote(&column.name);
        match column.compared {
            Comparison::Plainly => format!("{name} AS c{index}"),
            // Whole numbers are written alike, whichever type they have.
            Comparison::Exactly => format!(
                "CASE WHEN TRY_CAST({name} AS HUGEINT) = {name} THEN CAST(TRY_CAST({name} AS HUGEINT) AS VARCHAR) \
                 ELSE CAST({name} AS VARCHAR) END AS c{index}"
            ),
            Comparison::AsNumerals(from, to) => {
                format!("{} AS c{index}", if is_to { to } else { from }.text(&name))
            }
            Comparison::AsText => format!("CAST({name} AS VARCHAR) AS c{index}"),
        }
    });
    let own = own.iter().cloned();
    format!("SELECT {}, {is_to} AS is_to FROM {table}", list(values.chain(own)))
}

/// The rows whose numbers differ between the versions, with the values that one version alone has. These tell apart rows that the other
/// version has not at all; of rows that both have, and one of them more often, nobody knows which of them are more.
fn differing(columns: &Columns) -> String {
    let (removed, added) = (columns.removed.len(), columns.added.len());
    if removed + added == 0 {
        return format!("SELECT * FROM ({}) WHERE t <> f", counted(columns));
    }
    let named = |prefix: char, own: &[ColumnType]| {
        let named = own.iter().enumerate().map(|(at, column)| format!("{} AS {prefix}{at}", quote(&column.name)));
        named.collect::<Vec<_>>()
    };
    let absent = |prefix: char, count: usize| (0..count).map(move |at| format!("NULL AS {prefix}{at}"));
    let of_from: Vec<String> = named('x', &columns.removed).into_iter().chain(absent('y', added)).collect();
    let of_to: Vec<String> = absent('x', removed).chain(named('y', &columns.added)).collect();
    let own = (0..removed).map(|at| format!("x{at}")).chain((0..added).map(|at| format!("y{at}")));
    let own: Vec<String> = own.collect();
    let shared: Vec<String> = (0..columns.shared.len()).map(|index| format!("c{index}")).collect();
    let same: Vec<String> = shared.iter().map(|name| format!("s.{name} IS NOT DISTINCT FROM d.{name}")).collect();
    let of_side = list(shared.iter().chain(&own).map(|name| format!("s.{name}")));
    let unknown = list(own.iter().map(|name| format!("NULL AS {name}")));
    let (shared, own) = (list(shared), list(own));
    format!(
        "WITH d AS MATERIALIZED (SELECT * FROM ({}) WHERE t <> f) SELECT {shared}, {own}, f, t FROM (\
         SELECT {of_side}, count(*) FILTER (WHERE NOT s.is_to) AS f, count(*) FILTER (WHERE s.is_to) AS t \
         FROM ({} UNION ALL {}) s JOIN d ON {} WHERE least(d.f, d.t) = 0 GROUP BY {of_side} \
         UNION ALL SELECT {shared}, {unknown}, f, t FROM d WHERE least(f, t) > 0)",
        counted(columns),
        side(columns, FROM, &of_from),
        side(columns, TO, &of_to),
        same.join(" AND ")
    )
}

/// The rows that differ, in the order of the key.
pub(super) fn rows(columns: &Columns) -> String {
    if columns.key.is_empty() {
        let shared = columns.shared.iter().enumerate().map(|(at, column)| format!("c{at} AS {}", quote(&column.name)));
        let removed = columns.removed.iter().enumerate();
        let removed = removed.map(|(at, column)| format!("x{at} AS {}", quote(&format!("old_{}", column.name))));
        let added = columns.added.iter().enumerate();
        let added = added.map(|(at, column)| format!("y{at} AS {}", quote(&format!("new_{}", column.name))));
        let values = list(shared.chain(removed).chain(added));
        let count = columns.shared.len() + columns.removed.len() + columns.added.len();
        let order = list((0..count).map(|index| (index + 3).to_string()));
        // Further in, so that no column of the table is in the way of the numbers.
        return format!(
            "SELECT CASE WHEN t > f THEN 'added' ELSE 'removed' END AS {}, \
             greatest(t - f, f - t) AS {}, {values} FROM ({}) ORDER BY {order}, 1",
            quote(&free_name(columns, CHANGE_TYPE)),
            quote(&free_name(columns, COUNT)),
            differing(columns)
        );
    }
    let changed = columns.shared.iter().enumerate().map(|(index, column)| {
        format!("CASE WHEN f.here AND t.here AND {} THEN {} END", differs(index, column), literal(&column.name))
    });
    let changed = match columns.shared.is_empty() {
        true => "CAST([] AS VARCHAR[])".to_owned(),
        false => format!("list_filter([{}], lambda name: name IS NOT NULL)", list(changed)),
    };
    let key = columns.key.iter().enumerate();
    let key = key.map(|(at, name)| format!("CASE WHEN t.here THEN t.k{at} ELSE f.k{at} END AS {}", quote(name)));
    let place = |name: &String| columns.shared.iter().position(|column| column.name == *name);
    let mut values = Vec::new();
    for name in &columns.from {
        match place(name) {
            Some(at) => {
                values.push(format!("f.c{at} AS {}", quote(&format!("old_{name}"))));
                values.push(format!("t.c{at} AS {}", quote(&format!("new_{name}"))));
            }
            None => {
                let at = columns.removed.iter().position(|column| column.name == *name).unwrap_or_default();
                values.push(format!("f.f{at} AS {}", quote(&format!("old_{name}"))));
            }
        }
    }
    for (at, column) in columns.added.iter().enumerate() {
        values.push(format!("t.t{at} AS {}", quote(&format!("new_{}", column.name))));
    }
    let order = list((0..columns.key.len()).map(|index| (index + 3).to_string()));
    format!(
        "SELECT CASE WHEN f.here IS NULL THEN 'added' WHEN t.here IS NULL THEN 'removed' ELSE 'changed' END \
         AS {CHANGE_TYPE}, {changed} AS {CHANGED_COLUMNS}, {} FROM {} \
         WHERE f.here IS NULL OR t.here IS NULL OR ({}) ORDER BY {order}",
        list(key.chain(values)),
        joined(columns),
        any_differs(columns)
    )
}

/// The name of a column of [`rows`] without a key that is none of the table: where a column is called so, `_` follows.
pub(super) fn free_name(columns: &Columns, name: &str) -> String {
    let taken = |name: &str| columns.shared.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let mut name = name.to_owned();
    while taken(&name) {
        name.push('_');
    }
    name
}

/// The names of the columns of [`rows`].
pub(super) fn row_columns(columns: &Columns) -> Vec<String> {
    let mut names = vec![CHANGE_TYPE.to_owned()];
    if columns.key.is_empty() {
        names = vec![free_name(columns, CHANGE_TYPE), free_name(columns, COUNT)];
        names.extend(columns.shared.iter().map(|column| column.name.clone()));
        names.extend(columns.removed.iter().map(|column| format!("old_{}", column.name)));
        names.extend(columns.added.iter().map(|column| format!("new_{}", column.name)));
        return names;
    }
    names.push(CHANGED_COLUMNS.to_owned());
    names.extend(columns.key.iter().cloned());
    names.extend(columns.from.iter().map(|name| format!("old_{name}")));
    names.extend(columns.to.iter().map(|name| format!("new_{name}")));
    names
}
