//! Functions that callers add, over blocks of rows.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use indexmap::IndexMap;

use crate::block::{Lane, array_of_lane, lane_of_array};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Argument, Expr};
use crate::plan::{Arguments, Kernel, Operand, Planner, USER};
use crate::types::Type;

/// What a user function computes: an array for each argument, all of the same length, to an array of that length.
pub type UserKernel = dyn Fn(&[ArrayRef]) -> Result<ArrayRef, String> + Send + Sync;

/// Functions that callers have added, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registry {
    functions: Arc<IndexMap<Arc<str>, UserFunction>>,
}

/// A function that a caller has added.
#[derive(Clone)]
pub(crate) struct UserFunction {
    name: Arc<str>,
    type_: Type,
    kernel: Arc<UserKernel>,
}

impl fmt::Debug for UserFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.name, self.type_)
    }
}

impl Registry {
    pub(crate) fn find(&self, name: &str) -> Option<&UserFunction> {
        self.functions.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(|name| &**name)
    }

    /// Adds a function, or replaces the one of that name.
    pub(crate) fn add(&mut self, name: Arc<str>, type_: Type, kernel: Arc<UserKernel>) {
        Arc::make_mut(&mut self.functions).insert(name.clone(), UserFunction { name, type_, kernel });
    }
}

impl UserFunction {
    /// Binds a call of it. All arguments have a value for each row, also those that are written out.
    pub(crate) fn bind(
        &self,
        planner: &mut Planner<'_>,
        arguments: &[Argument],
        expr: &Expr,
    ) -> ColumnsResult<Operand> {
        if let Some(named) = arguments.iter().find_map(|argument| argument.name.as_ref()) {
            return Err(ColumnsError::mismatch(
                expr,
                format!("`{}` is a function of your own and takes arguments by place, not `{named}=`", self.name),
            ));
        }
        let operands: Vec<Operand> =
            arguments.iter().map(|argument| planner.operand(&argument.value)).collect::<ColumnsResult<_>>()?;
        let types: Vec<Type> = operands.iter().map(|operand| operand.type_.clone()).collect();
        let nodes = operands.iter().map(|operand| operand.node).collect();
        let function = self.clone();
        let kernel: Kernel = Arc::new(move |mut lanes: Arguments<'_>| {
            let rows = lanes.rows;
            let arrays: Vec<ArrayRef> = lanes
                .rest()
                .into_iter()
                .zip(&types)
                .map(|(lane, type_)| array_of_lane(lane, rows, type_))
                .collect::<ColumnsResult<_>>()?;
            function.run(&arrays, rows)
        });
        // Two functions of the same name may follow each other, but not in one plan.
        let node = planner.compute(format!("{USER}{}", self.name), kernel, nodes, self.type_.clone(), expr)?;
        Ok(planner.computed(node, expr))
    }

    fn run(&self, arrays: &[ArrayRef], rows: usize) -> ColumnsResult<Lane<'static>> {
        let failed = |reason: String| ColumnsError::UserFunction { name: self.name.to_string(), reason };
        let kernel = self.kernel.as_ref();
        let array = match catch_unwind(AssertUnwindSafe(|| kernel(arrays))) {
            Ok(result) => result.map_err(failed)?,
            Err(panic) => {
                let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                return Err(failed(format!("it panicked: {said}")));
            }
        };
        if array.len() != rows {
            return Err(failed(format!("it was given {rows} rows and returned {}", array.len())));
        }
        let found = Type::of_arrow(array.data_type());
        if found != self.type_ {
            return Err(failed(format!("it was registered to return {} and returned {found}", self.type_)));
        }
        Ok(lane_of_array(&array)?.into_static())
    }
}
