//! Conditions on the rows of a table.

#[cfg(feature = "sql")]
use datafolio_sql::{ParamValue, Params, QueryControl};

/// An SQL condition on the rows of a table, with values for the places that it leaves open. A text is one without values.
///
/// Whatever comes from outside belongs into a value: it stays what it is, while a text that is put into the condition becomes part
/// of it.
///
/// ```
/// # #[cfg(feature = "sql")] {
/// use datafolio::{Condition, TableOptions};
///
/// let options = TableOptions::new().filter("dep_delay > 600");
/// let name = "O'Hare";
/// let options = TableOptions::new().filter(Condition::new("origin = ? AND dep_delay > ?").values([name.into(), 600.into()]));
/// let options = TableOptions::new().filter(Condition::new("origin = $origin").value("origin", name));
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Condition {
    /// What can stand behind WHERE.
    pub sql: String,
    /// Values for `?`, `$1` or `$name`.
    #[cfg(feature = "sql")]
    pub params: Params,
    /// What watches the search for the rows that it holds for, and stops it.
    #[cfg(feature = "sql")]
    pub control: Option<QueryControl>,
}

impl Condition {
    /// Without values.
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), ..Self::default() }
    }

    /// Values for `?` or `$1`, `$2`, ..., in order.
    #[cfg(feature = "sql")]
    pub fn values(mut self, values: impl IntoIterator<Item = ParamValue>) -> Self {
        self.params = Params::Positional(values.into_iter().collect());
        self
    }

    /// A value for `$name`; further calls give further ones.
    #[cfg(feature = "sql")]
    pub fn value(mut self, name: impl Into<String>, value: impl Into<ParamValue>) -> Self {
        self.params.add(name, value);
        self
    }

    /// What watches the search for the rows that it holds for, and stops it: it may take long before the first one is found.
    #[cfg(feature = "sql")]
    pub fn control(mut self, control: &QueryControl) -> Self {
        self.control = Some(control.clone());
        self
    }
}

impl<T: Into<String>> From<T> for Condition {
    fn from(sql: T) -> Self {
        Self::new(sql)
    }
}
