//! What the groups of a regex match.

use std::sync::Arc;

use arrow::array::{ArrayRef, GenericStringArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use regex::Regex;

use super::apply::{apply, subject};
use super::regexes::{Extent, Flags, regex};
use super::replace::group_of;
use super::view::View;
use crate::block::{Lane, TextBuilder, Values, YES};
use crate::error::ColumnsResult;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;
use crate::value::Value;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[Function {
    name: "str_extract_regex",
    arguments: &["x", "pattern", "group?"],
    about: "What a group, by its number or name, matches where a regex first matches, missing where it does not; without one, structs of all groups that are named.",
    bind: extract,
}];

fn extract(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let pattern = call.needed_text(1)?;
    let regex = regex(call, 1, &pattern, Flags::default(), Extent::Any)?;
    let group = match call.value(2)? {
        None | Some(Value::Null) => None,
        Some(Value::Text(name)) => Some(name.to_string()),
        Some(Value::Int(number)) => Some(number.to_string()),
        Some(_) => return Err(call.wrong(2, "the name or the number of a group is expected")),
    };
    let group = group.map(|name| group_of(&name, &regex)).transpose().map_err(|reason| call.wrong(2, &reason))?;
    let subject = subject(call)?;
    match group {
        Some(group) => {
            let parameters = format!("{pattern:?} {group}");
            apply(call, &parameters, &subject, Type::Text, move |view| Ok(Some(extract_one(view, &regex, group))))
        }
        None => {
            let names: Vec<(usize, String)> = regex
                .capture_names()
                .enumerate()
                .filter_map(|(group, name)| name.map(|name| (group, name.to_owned())))
                .collect();
            if names.is_empty() {
                return Err(call.wrong(
                    1,
                    "no group has a name, as in (?P<name>...); name groups, or say which is wanted as in `group=1`",
                ));
            }
            let fields: Fields = names.iter().map(|(_, name)| Field::new(name, DataType::LargeUtf8, true)).collect();
            let type_ = Type::of_arrow(&DataType::Struct(fields.clone()));
            let groups: Vec<usize> = names.into_iter().map(|(group, _)| group).collect();
            apply(call, &format!("{pattern:?}"), &subject, type_, move |view| {
                extract_all(view, &regex, &groups, &fields).map(Some)
            })
        }
    }
}

fn extract_one(view: &View<'_>, regex: &Regex, group: usize) -> Lane<'static> {
    let mut places = regex.capture_locations();
    let mut builder = TextBuilder::with_capacity(view.len(), view.whole().len());
    let mut valid = Vec::with_capacity(view.len());
    for text in view.iter() {
        let found = match group {
            0 => regex.find(text).map(|found| found.as_str()),
            _ => regex
                .captures_read(&mut places, text)
                .and_then(|_| places.get(group))
                .and_then(|(from, to)| text.get(from..to)),
        };
        valid.push(if found.is_some() { YES } else { 0 });
        builder.push(found.unwrap_or_default());
    }
    let valid = valid.contains(&0).then(|| valid.into());
    Lane::with_valid(Values::Text(builder.finish()), valid)
}

/// Texts of a field, with those that are missing.
#[derive(Debug)]
struct Column {
    offsets: Vec<i64>,
    bytes: Vec<u8>,
    valid: Vec<bool>,
}

/// Structs of groups. Where the regex does not match, the struct is missing; a group that had no part in the match is missing in it.
fn extract_all(view: &View<'_>, regex: &Regex, groups: &[usize], fields: &Fields) -> ColumnsResult<Lane<'static>> {
    let mut places = regex.capture_locations();
    let column = |_: &usize| Column { offsets: vec![0], bytes: Vec::new(), valid: Vec::with_capacity(view.len()) };
    let mut columns: Vec<Column> = groups.iter().map(column).collect();
    let mut valid = Vec::with_capacity(view.len());
    for text in view.iter() {
        let matched = regex.captures_read(&mut places, text).is_some();
        valid.push(if matched { YES } else { 0 });
        for (column, group) in columns.iter_mut().zip(groups) {
            let found = places.get(*group).filter(|_| matched).and_then(|(from, to)| text.get(from..to));
            column.bytes.extend_from_slice(found.unwrap_or_default().as_bytes());
            column.offsets.push(column.bytes.len() as i64);
            column.valid.push(found.is_some());
        }
    }
    let arrays = columns.into_iter().map(|column| {
        let nulls = NullBuffer::from(column.valid);
        let texts = GenericStringArray::<i64>::try_new(
            OffsetBuffer::new(column.offsets.into()),
            column.bytes.into(),
            Some(nulls),
        )?;
        Ok(Arc::new(texts) as ArrayRef)
    });
    let arrays = arrays.collect::<ColumnsResult<Vec<ArrayRef>>>()?;
    let nulls = NullBuffer::from(valid.iter().map(|byte| *byte == YES).collect::<Vec<bool>>());
    let structs = StructArray::try_new(fields.clone(), arrays, Some(nulls))?;
    let valid = valid.contains(&0).then(|| valid.into());
    Ok(Lane::with_valid(Values::Carried(Arc::new(structs)), valid))
}
