//! The expressions that reading a log needs: columns put together anew.
//!
//! Data files are read without them, and no predicate is handed to the kernel, so others do not come up; they are refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StructArray, make_array, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as Arrow, Field, Schema};
use delta_kernel::expressions::{Expression, ExpressionRef, PredicateRef, Scalar};
use delta_kernel::schema::{DataType, SchemaRef};
use delta_kernel::{EngineData, EvaluationHandler, ExpressionEvaluator, KernelError, KernelResult, PredicateEvaluator};

use super::data::{Batch, column};
use crate::error::DeltaError;
use crate::types::arrow_type;

/// Makes evaluators.
pub(super) struct Evaluation;

impl EvaluationHandler for Evaluation {
    fn new_expression_evaluator(
        &self,
        _input: SchemaRef,
        expression: ExpressionRef,
        output: DataType,
    ) -> KernelResult<Arc<dyn ExpressionEvaluator>> {
        let output = arrow_type(&output).map_err(|kind| DeltaError::Unsupported(format!("type {kind}")))?;
        Ok(Arc::new(Evaluator { expression, output }))
    }

    fn new_predicate_evaluator(
        &self,
        _input: SchemaRef,
        _predicate: PredicateRef,
    ) -> KernelResult<Arc<dyn PredicateEvaluator>> {
        Err(KernelError::unsupported("conditions on the log"))
    }

    fn create_many(&self, _schema: SchemaRef, _rows: Vec<Vec<Scalar>>) -> KernelResult<Box<dyn EngineData>> {
        Err(KernelError::unsupported("rows of values"))
    }
}

struct Evaluator {
    expression: ExpressionRef,
    output: Arrow,
}

impl ExpressionEvaluator for Evaluator {
    fn evaluate(&self, batch: &dyn EngineData) -> KernelResult<Box<dyn EngineData>> {
        let batch = Batch::of(batch)?;
        let rows = batch.num_rows();
        let value = evaluate(&self.expression, batch, &self.output)?;
        let table = match value.as_any().downcast_ref::<StructArray>() {
            Some(fields) => RecordBatch::from(fields.clone()),
            None => {
                let schema = Schema::new(vec![Field::new("output", value.data_type().clone(), true)]);
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                RecordBatch::try_new_with_options(Arc::new(schema), vec![value], &options)
                    .map_err(KernelError::generic_err)?
            }
        };
        Ok(Box::new(Batch(table)))
    }
}

/// The value of an expression in each row.
fn evaluate(expression: &Expression, batch: &RecordBatch, output: &Arrow) -> KernelResult<ArrayRef> {
    let rows = batch.num_rows();
    match expression {
        Expression::Literal(Scalar::Null(_)) => Ok(new_null_array(output, rows)),
        Expression::Column(name) => {
            let missing = || KernelError::MissingColumn(format!("Column {name} not found in the data"));
            let (array, nulls) = column(batch, name.path()).ok_or_else(missing)?;
            with_nulls(&array, nulls)
        }
        Expression::Struct(parts, None) => {
            let Arrow::Struct(fields) = output else {
                return Err(KernelError::internal_error(format!("a struct as {output}")));
            };
            if fields.len() != parts.len() {
                let (wanted, given) = (fields.len(), parts.len());
                return Err(KernelError::internal_error(format!("a struct of {given} fields instead of {wanted}")));
            }
            let mut columns = Vec::with_capacity(parts.len());
            let mut made = Vec::with_capacity(parts.len());
            for (part, field) in parts.iter().zip(fields) {
                let value = evaluate(part, batch, field.data_type())?;
                made.push(Field::new(field.name(), value.data_type().clone(), true));
                columns.push(value);
            }
            let made = StructArray::try_new_with_length(made.into(), columns, None, rows);
            Ok(Arc::new(made.map_err(KernelError::generic_err)?))
        }
        other => Err(KernelError::unsupported(format!("the expression {other}"))),
    }
}

/// An array with other nulls.
fn with_nulls(array: &ArrayRef, nulls: Option<NullBuffer>) -> KernelResult<ArrayRef> {
    if nulls.is_none() || array.data_type() == &Arrow::Null {
        return Ok(ArrayRef::clone(array));
    }
    let data = array.to_data().into_builder().nulls(nulls).build().map_err(KernelError::generic_err)?;
    Ok(make_array(data))
}
