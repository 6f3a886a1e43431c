//! The methods that are the same for all transforms.

/// `fit`, `columns` and `options` of a transform, which has `fit_with` and fields of these names.
macro_rules! fitted_methods {
    ($name:ident, $options:ident, $column:ident) => {
        impl $name {
            /// Fits it to columns, all of them in the same pass, over the rows that pass the filter.
            ///
            /// # Errors
            /// [`UnknownColumn`](crate::ColumnsError::UnknownColumn), [`TypeMismatch`](crate::ColumnsError::TypeMismatch) where a
            /// column holds values that it does not take, [`InvalidOption`](crate::ColumnsError::InvalidOption) where a column has no
            /// value to be fitted to, where none is named or one twice, or where an option makes no sense, and errors of the pass.
            pub fn fit<S: AsRef<str>>(
                frame: &crate::Frame,
                columns: &[S],
                options: &$options,
            ) -> crate::ColumnsResult<Self> {
                Self::fit_with(frame, columns, options, &crate::PassOptions::default())
            }

            /// What was fitted to each column.
            pub fn columns(&self) -> &[$column] {
                &self.columns
            }

            /// What it was told to do.
            pub fn options(&self) -> &$options {
                &self.options
            }
        }
    };
}

/// `outputs` and `transform` of one that adds a column for each, which it makes by `expr`.
macro_rules! one_for_each {
    ($name:ident, $column:ident) => {
        impl $name {
            /// The names of the columns that it adds: the prefix and the name of the column.
            pub fn outputs(&self) -> Vec<String> {
                self.columns.iter().map(|column| format!("{}{}", self.options.prefix, column.column)).collect()
            }

            /// A frame with its columns added. One that there is by such a name is replaced.
            ///
            /// # Errors
            /// [`UnknownColumn`](crate::ColumnsError::UnknownColumn) and [`TypeMismatch`](crate::ColumnsError::TypeMismatch) where
            /// the frame lacks a column, or has it with values of another type,
            /// [`InvalidOption`](crate::ColumnsError::InvalidOption) where a new column would replace one that another is made of.
            pub fn transform(&self, frame: &crate::Frame) -> crate::ColumnsResult<crate::Frame> {
                let output = |(column, name): (&$column, String)| {
                    let expr = self.expr(frame, column)?;
                    Ok(super::columns::Output { input: column.column.clone(), name, expr })
                };
                let outputs = self.columns.iter().zip(self.outputs()).map(output);
                super::columns::add(frame, outputs.collect::<crate::ColumnsResult<_>>()?)
            }
        }
    };
}

pub(super) use {fitted_methods, one_for_each};
