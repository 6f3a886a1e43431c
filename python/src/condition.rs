//! Conditions on the rows of a table.

use std::sync::Arc;

use datafolio::Condition;
use pyo3::prelude::*;

use crate::interrupt::Watch;

/// An SQL condition: a text, or a text with values for its places.
pub(crate) struct Where {
    pub(crate) condition: Condition,
    /// What looks after the search for the rows that it holds for, where the condition is given to one.
    pub(crate) watch: Arc<Watch>,
}

impl<'py> FromPyObject<'_, 'py> for Where {
    type Error = PyErr;

    #[cfg(feature = "sql")]
    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let mut condition = match given.extract::<(String, Bound<'py, PyAny>)>() {
            Ok((sql, values)) => {
                let mut condition = Condition::new(sql);
                condition.params = crate::params::of(&values)?;
                condition
            }
            Err(_) => Condition::new(given.extract::<String>()?),
        };
        let control = datafolio::QueryControl::new();
        condition.control = Some(control.clone());
        Ok(Self { condition, watch: Arc::new(Watch::new(move || control.cancel())) })
    }

    #[cfg(not(feature = "sql"))]
    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self { condition: Condition::new(given.extract::<String>()?), watch: Arc::new(Watch::new(|| {})) })
    }
}
