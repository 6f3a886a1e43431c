//! Conditions on the rows of a table.

use datafolio::Condition;
use pyo3::prelude::*;

/// An SQL condition: a text, or a text with values for its places.
pub(crate) struct Where(pub(crate) Condition);

impl<'py> FromPyObject<'_, 'py> for Where {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        #[cfg(feature = "sql")]
        if let Ok((sql, values)) = given.extract::<(String, Bound<'py, PyAny>)>() {
            let mut condition = Condition::new(sql);
            condition.params = crate::params::of(&values)?;
            return Ok(Self(condition));
        }
        Ok(Self(Condition::new(given.extract::<String>()?)))
    }
}
