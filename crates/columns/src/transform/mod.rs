//! Scalers and encoders: what models are fed with, as virtual columns.
//!
//! A transform is fitted to the rows of a frame that pass its filter, for all columns in one pass, and then adds columns to that frame or
//! to any other one that has the columns. What was fitted is JSON, by which the same is done to the rows of tomorrow:
//!
//! | | what it adds |
//! | --- | --- |
//! | [`StandardScaler`] | `standard_scaled_x`: mean 0 and standard deviation 1 |
//! | [`MinMaxScaler`] | `minmax_scaled_x`: between two limits |
//! | [`MaxAbsScaler`] | `absmax_scaled_x`: at most 1 from 0, which stays where it is |
//! | [`RobustScaler`] | `robust_scaled_x`: median 0 and a distance of 1 between two quantiles |
//! | [`LabelEncoder`] | `label_encoded_x`: a whole number for each value |
//! | [`OneHotEncoder`] | `x_red`, `x_green`: for each value a column of 0 and 1 |
//! | [`FrequencyEncoder`] | `frequency_encoded_x`: the share of the rows that have the value |
//!
//! Names and options are those of scikit-learn and Vaex. The columns are expressions with the fitted numbers written out, so the
//! [state](crate::Frame::state) of a frame has them too; it reads back expressions of up to 1 MiB, which an encoder of some ten thousand
//! values may pass, while the state of a transform has no such limit.
//!
//! ```
//! use std::sync::Arc;
//! use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
//! use datafolio_columns::{Frame, PassOptions, agg, col};
//! use datafolio_columns::transform::{OneHotEncoder, OneHotOptions, StandardOptions, StandardScaler, Transform};
//!
//! # fn main() -> Result<(), datafolio_columns::ColumnsError> {
//! # let x = Arc::new(Float64Array::from(vec![2.0, 5.0, 7.0, 2.0, 15.0])) as ArrayRef;
//! # let color = Arc::new(StringArray::from(vec!["red", "green", "green", "blue", "red"])) as ArrayRef;
//! # let batch = RecordBatch::try_from_iter([("x", x), ("color", color)])?;
//! # let train = Frame::from_batches(batch.schema(), vec![batch])?;
//! # let test = train.clone();
//! let transforms: [Transform; 2] = [
//!     StandardScaler::fit(&train, &["x"], &StandardOptions::default())?.into(),
//!     OneHotEncoder::fit(&train, &["color"], &OneHotOptions::default())?.into(),
//! ];
//! let saved: Vec<String> = transforms.iter().map(|transform| transform.to_json().to_string()).collect();
//!
//! let mut frame = test;
//! for text in &saved {
//!     let state = serde_json::from_str(text).expect("JSON");
//!     frame = Transform::from_json(&state)?.transform(&frame)?;
//! }
//! let names: Vec<&str> = frame.columns().collect();
//! assert_eq!(names, ["x", "color", "standard_scaled_x", "color_blue", "color_green", "color_red"]);
//! assert_eq!(frame.aggregate(&[agg::sum(col("color_red"))])?[0].as_f64(), Some(2.0));
//! # Ok(())
//! # }
//! ```

mod categories;
mod columns;
mod frequency;
mod json;
mod label;
mod max_abs;
mod methods;
mod min_max;
mod one_hot;
mod robust;
mod scale;
mod standard;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

pub use categories::Categories;
pub use frequency::{Frequencies, FrequencyEncoder, FrequencyOptions, UnseenShare};
pub use label::{LabelEncoder, LabelOptions, Unseen};
pub use max_abs::{MaxAbsOptions, MaxAbsScaler};
pub use min_max::{MinMaxOptions, MinMaxScaler};
pub use one_hot::{OneHotEncoder, OneHotOptions};
pub use robust::{RobustOptions, RobustScaler};
pub use scale::Scale;
pub use standard::{StandardOptions, StandardScaler};

use crate::error::ColumnsResult;
use crate::frame::Frame;

macro_rules! transforms {
    ($($(#[$doc:meta])* $name:ident $module:ident)*) => {
        /// Any of the transforms: what a saved state is read as by one who does not know which it is of.
        ///
        /// ```
        /// # use datafolio_columns::transform::Transform;
        /// let state = serde_json::json!({
        ///     "transform": "max_abs_scaler", "version": 1, "prefix": "scaled_", "columns": [{"column": "x", "scale": 15.0}],
        /// });
        /// let transform = Transform::from_json(&state)?;
        /// assert_eq!(transform.outputs(), ["scaled_x"]);
        /// assert_eq!(transform.to_json(), state);
        /// # Ok::<(), datafolio_columns::ColumnsError>(())
        /// ```
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum Transform {
            $($(#[$doc])* $name($name),)*
        }

        $(
            impl From<$name> for Transform {
                fn from(transform: $name) -> Self {
                    Self::$name(transform)
                }
            }
        )*

        impl Transform {
            /// What is called by the name that a state has.
            ///
            /// # Errors
            /// [`InvalidOption`](crate::ColumnsError::InvalidOption) where the JSON is not what [`to_json`](Self::to_json) gives, or
            /// of a version that this release does not read.
            pub fn from_json(state: &Json) -> ColumnsResult<Self> {
                match json::name(state)? {
                    $($module::NAME => $name::from_json(state).map(Self::$name),)*
                    other => Err(json::wrong(format!(
                        "there is no transform '{other}'; there are {}", [$($module::NAME),*].join(", ")
                    ))),
                }
            }

            /// What was fitted, with the name of the transform and a version.
            pub fn to_json(&self) -> Json {
                match self {
                    $(Self::$name(transform) => transform.to_json(),)*
                }
            }

            /// The name that it has in its state, as `standard_scaler`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $module::NAME,)*
                }
            }

            /// The names of the columns that it adds, in order.
            pub fn outputs(&self) -> Vec<String> {
                match self {
                    $(Self::$name(transform) => transform.outputs(),)*
                }
            }

            /// A frame with its columns added. One that there is by such a name is replaced.
            ///
            /// # Errors
            /// Those of the transform: a column that the frame lacks, or has with values of another type.
            pub fn transform(&self, frame: &Frame) -> ColumnsResult<Frame> {
                match self {
                    $(Self::$name(transform) => transform.transform(frame),)*
                }
            }
        }
    };
}
transforms! {
    /// Mean 0 and standard deviation 1.
    StandardScaler standard
    /// Between two limits.
    MinMaxScaler min_max
    /// At most 1 from 0.
    MaxAbsScaler max_abs
    /// Median 0 and a distance of 1 between two quantiles.
    RobustScaler robust
    /// A whole number for each value.
    LabelEncoder label
    /// A column of 0 and 1 for each value.
    OneHotEncoder one_hot
    /// The share of the rows that have a value.
    FrequencyEncoder frequency
}
