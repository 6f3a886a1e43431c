//! Values for the places that SQL leaves open.

use crate::Condition;
use crate::cli::failure::Outcome;
#[cfg(feature = "sql")]
use crate::{ParamValue, Params, cli::failure::Failure};

/// Values for the places of a query or of a condition.
#[cfg(feature = "sql")]
#[derive(Debug, Default, clap::Args)]
pub(super) struct Values {
    /// A value for a `?` of the SQL, in order; JSON, or a text
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, conflicts_with = "param")]
    value: Vec<String>,
    /// A value for a `$name` of the SQL; JSON, or a text
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
}

/// In a build without SQL there are none.
#[cfg(not(feature = "sql"))]
#[derive(Debug, Default, clap::Args)]
pub(super) struct Values {}

#[cfg(feature = "sql")]
impl Values {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.value.is_empty() && self.param.is_empty()
    }

    /// The values.
    pub(super) fn params(&self) -> Outcome<Params> {
        if !self.value.is_empty() {
            return Ok(Params::Positional(self.value.iter().map(|text| value_of(text)).collect()));
        }
        let mut params = Params::None;
        for param in &self.param {
            let (name, value) = param
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("--param {param}: a name, '=' and a value are needed")))?;
            params.add(name.trim_start_matches('$'), value_of(value));
        }
        Ok(params)
    }

    /// A condition with the values.
    pub(super) fn condition(&self, sql: Option<&str>) -> Outcome<Option<Condition>> {
        let Some(sql) = sql else {
            return match self.is_empty() {
                true => Ok(None),
                false => {
                    Err(Failure::usage("--value and --param are for the condition of --where, which is not given"))
                }
            };
        };
        let mut condition = Condition::new(sql);
        condition.params = self.params()?;
        Ok(Some(condition))
    }
}

#[cfg(not(feature = "sql"))]
impl Values {
    /// A condition, which such a build refuses.
    pub(super) fn condition(&self, sql: Option<&str>) -> Outcome<Option<Condition>> {
        Ok(sql.map(Condition::new))
    }
}

/// A value as it was typed: JSON where it is some, else a text.
#[cfg(feature = "sql")]
fn value_of(text: &str) -> ParamValue {
    // JSON has no numbers as long as SQL has. What begins with a zero is a code, and no number to JSON either.
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.starts_with(|c: char| c.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
        && let Ok(whole) = text.parse()
    {
        return ParamValue::Int(whole);
    }
    serde_json::from_str(text).ok().and_then(|value| of_json(&value)).unwrap_or_else(|| text.into())
}

#[cfg(feature = "sql")]
fn of_json(value: &serde_json::Value) -> Option<ParamValue> {
    use serde_json::Value;
    Some(match value {
        Value::Null => ParamValue::Null,
        Value::Bool(value) => ParamValue::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => value.into(),
            (None, Some(value)) => value.into(),
            (None, None) => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => ParamValue::List(values.iter().map(of_json).collect::<Option<_>>()?),
        Value::Object(_) => return None,
    })
}
