//! Lists of texts, as Arrow has them: what splitting makes, and what is taken from them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericStringArray, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::block::{Lane, TextBuilder, Values, YES};
use crate::error::{ColumnsError, ColumnsResult};
use crate::plan::{Arguments, Call, Operand};
use crate::types::Type;

fn field() -> FieldRef {
    Arc::new(Field::new("item", DataType::LargeUtf8, true))
}

/// The type of lists of texts.
pub(super) fn list_type() -> Type {
    Type::of_arrow(&DataType::List(field()))
}

/// Whether values are lists of texts.
pub(super) fn is_list(type_: &Type) -> bool {
    let Type::Other(name) = type_ else { return false };
    let item = name.strip_prefix("List(").or_else(|| name.strip_prefix("LargeList("));
    // What is behind the type of the items is their name.
    let item = item.map(|item| item.trim_start_matches("non-null "));
    item.is_some_and(|item| {
        ["Utf8", "LargeUtf8", "Utf8View"].iter().any(|text| item.split([',', ')']).next() == Some(*text))
    })
}

/// Makes lists of texts, one after the other.
pub(super) struct ListBuilder {
    pieces: Vec<i64>,
    bytes: Vec<u8>,
    lists: Vec<i32>,
}

impl ListBuilder {
    pub(super) fn with_capacity(lists: usize, bytes: usize) -> Self {
        let mut builder = Self {
            pieces: Vec::with_capacity(lists * 2 + 1),
            bytes: Vec::with_capacity(bytes),
            lists: Vec::with_capacity(lists + 1),
        };
        builder.pieces.push(0);
        builder.lists.push(0);
        builder
    }

    /// Another text of the list that is being made.
    pub(super) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.pieces.push(self.bytes.len() as i64);
    }

    /// Ends a list.
    pub(super) fn end(&mut self) -> ColumnsResult<()> {
        let pieces = i32::try_from(self.pieces.len() - 1);
        self.lists
            .push(pieces.map_err(|_| ColumnsError::option("the lists of a block have more than 2147483647 texts"))?);
        Ok(())
    }

    pub(super) fn finish(self) -> ColumnsResult<Lane<'static>> {
        let texts = GenericStringArray::<i64>::try_new(OffsetBuffer::new(self.pieces.into()), self.bytes.into(), None)?;
        let lists = ListArray::try_new(field(), OffsetBuffer::new(self.lists.into()), Arc::new(texts), None)?;
        Ok(Lane::new(Values::Carried(Arc::new(lists))))
    }
}

/// A carried array without the values of rows that a mask leaves out.
pub(super) fn masked(array: ArrayRef, valid: Option<&[u8]>) -> ColumnsResult<ArrayRef> {
    let Some(valid) = valid else { return Ok(array) };
    let mask = NullBuffer::from(valid.iter().map(|byte| *byte == YES).collect::<Vec<bool>>());
    let nulls = NullBuffer::union(array.nulls(), Some(&mask));
    Ok(arrow::array::make_array(array.to_data().into_builder().nulls(nulls).build()?))
}

/// The text of a place of each list, from the end where negative; missing where there is none.
pub(super) fn get(call: &mut Call<'_, '_>, lists: &Operand, at: i64) -> ColumnsResult<Operand> {
    of_lists(call, &at.to_string(), lists, move |texts, range, builder| {
        let place = match usize::try_from(at) {
            Ok(at) => range.start.checked_add(at),
            Err(_) => range.end.checked_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
        };
        let place = place.filter(|place| range.contains(place) && texts.is_valid(*place));
        builder.push(place.map_or("", |place| texts.value(place)));
        place.is_some()
    })
}

/// The texts of each list put together, with another between them. Missing ones are left out.
pub(super) fn join(call: &mut Call<'_, '_>, lists: &Operand, between: Arc<str>) -> ColumnsResult<Operand> {
    of_lists(call, &format!("{between:?}"), lists, move |texts, range, builder| {
        builder.push_with(|bytes| {
            for (number, place) in range.filter(|place| texts.is_valid(*place)).enumerate() {
                bytes.extend_from_slice(if number == 0 { b"" } else { between.as_bytes() });
                bytes.extend_from_slice(texts.value(place).as_bytes());
            }
        });
        true
    })
}

/// A text for each list, which lies at a stretch of places; `write` says whether there is one.
fn of_lists(
    call: &mut Call<'_, '_>,
    parameters: &str,
    lists: &Operand,
    write: impl Fn(&GenericStringArray<i64>, std::ops::Range<usize>, &mut TextBuilder) -> bool + Send + Sync + 'static,
) -> ColumnsResult<Operand> {
    call.compute(parameters, &[lists], Type::Text, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::Carried(array) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        let array = cast(array, &DataType::List(field()))?;
        let lists = array.as_list::<i32>();
        let texts = lists.values().as_string::<i64>();
        let mut builder = TextBuilder::with_capacity(lists.len(), 0);
        let mut valid = Vec::with_capacity(lists.len());
        for (row, pair) in lists.value_offsets().windows(2).enumerate() {
            if !lists.is_valid(row) {
                builder.push("");
                valid.push(0);
                continue;
            }
            let range = pair[0].max(0) as usize..pair[1].max(0) as usize;
            valid.push(if write(texts, range, &mut builder) { YES } else { 0 });
        }
        let valid = valid.contains(&0).then(|| valid.into());
        Ok(Lane::with_valid(Values::Text(builder.finish()), valid))
    })
}
