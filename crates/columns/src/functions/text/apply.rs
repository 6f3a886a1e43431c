//! Runs functions of texts over lanes: over the rows, or over the texts of a dictionary where these are fewer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, Int32Array};
use arrow::buffer::NullBuffer;

use super::lists::masked;
use super::view::View;
use crate::block::{Dictionary, Fault, Lane, TextBuilder, Texts, Values, YES, both_valid};
use crate::error::ColumnsResult;
use crate::plan::{Call, Operand};
use crate::types::Type;

/// What a function answers for texts: a lane with a row for each, or nothing where each is its own answer.
pub(super) type Answer = Option<Lane<'static>>;

/// The first argument of a function, which is to be texts.
pub(super) fn subject(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operand = call.operand(0)?;
    of_texts(call, operand)
}

/// An operand that is to be texts.
pub(super) fn of_texts(call: &mut Call<'_, '_>, operand: Operand) -> ColumnsResult<Operand> {
    match operand.type_ {
        Type::Text => Ok(operand),
        Type::Null => call.cast(&operand, &Type::Text),
        _ => Err(call.wrong_type(&operand, "texts (`astype(\"str\")` makes texts of other values)")),
    }
}

/// What a function computes of the texts of an operand. `parameters` tells it from calls with other arguments.
pub(super) fn apply<F>(
    call: &mut Call<'_, '_>,
    parameters: &str,
    operand: &Operand,
    type_: Type,
    answer: F,
) -> ColumnsResult<Operand>
where
    F: Fn(&View<'_>) -> ColumnsResult<Answer> + Send + Sync + 'static,
{
    let known = Cache::default();
    call.compute(parameters, &[operand], type_, move |mut arguments| {
        let lane = arguments.next();
        let Values::Text(texts) = &lane.values else { return answer_of_none(&answer, arguments.rows) };
        let answered = match texts {
            Texts::Codes(codes, dictionary) if (1..=arguments.rows).contains(&dictionary.texts.len()) => {
                known.get(dictionary, &answer)?.of_codes(codes)
            }
            texts => answer(&View::of(texts, lane.valid.as_deref())?)?,
        };
        Ok(match answered {
            None => lane,
            Some(answered) => {
                // A row without a text cannot fail.
                let fault = answered.fault.and_then(|fault| fault.within(lane.valid.as_deref()));
                let values = match answered.values {
                    Values::Carried(array) => Values::Carried(masked(array, lane.valid.as_deref())?),
                    values => values,
                };
                Lane { fault, ..Lane::with_valid(values, both_valid(lane.valid, answered.valid)) }
            }
        })
    })
}

/// The answer for rows of which none has a text, of the same kind as others.
fn answer_of_none(
    answer: &(impl Fn(&View<'_>) -> ColumnsResult<Answer> + Send + Sync),
    rows: usize,
) -> ColumnsResult<Lane<'static>> {
    let texts = Texts::empty(rows);
    let lane = answer(&View::of(&texts, None)?)?;
    let none = Some(vec![0; rows].into());
    Ok(match lane.map(|lane| lane.values) {
        None => Lane::with_valid(Values::Text(texts), none),
        Some(Values::Carried(array)) => {
            let nulls = arrow::array::new_null_array(array.data_type(), rows);
            Lane::with_valid(Values::Carried(nulls), none)
        }
        Some(values) => Lane::with_valid(values, none),
    })
}

impl Fault {
    /// The rows of a mask that have no result; nothing where all have.
    fn within(&self, valid: Option<&[u8]>) -> Option<Arc<Self>> {
        let mut rows = self.rows.clone();
        if let Some(valid) = valid {
            rows.iter_mut().zip(valid).for_each(|(row, valid)| *row &= valid);
        }
        rows.contains(&YES).then(|| Arc::new(Self { rows, reason: self.reason.clone(), node: self.node }))
    }
}

/// The answers for the texts of the last dictionaries, as all blocks of a chunk share one.
#[derive(Debug, Default)]
struct Cache {
    known: Mutex<Vec<(u64, Arc<Known>)>>,
}

impl Cache {
    /// Dictionaries that are kept: each thread of a pass is at one.
    const KEPT: usize = 16;

    fn get(
        &self,
        dictionary: &Dictionary<'_>,
        answer: &(impl Fn(&View<'_>) -> ColumnsResult<Answer> + Send + Sync),
    ) -> ColumnsResult<Arc<Known>> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = lock().iter().find(|(id, _)| *id == dictionary.id) {
            return Ok(known.clone());
        }
        let answered = answer(&View::of(&dictionary.texts, dictionary.valid.as_deref())?)?;
        let known = Arc::new(Known::new(answered));
        let mut kept = lock();
        if kept.len() >= Self::KEPT {
            kept.remove(0);
        }
        kept.push((dictionary.id, known.clone()));
        Ok(known)
    }
}

/// The answers for the texts of a dictionary.
#[derive(Debug)]
struct Known {
    answered: Answer,
    /// Where the answers are texts: the number of each, and each once.
    texts: Option<(Vec<i32>, Arc<Dictionary<'static>>)>,
}

impl Known {
    fn new(answered: Answer) -> Self {
        let texts = match answered.as_ref().map(|lane| &lane.values) {
            Some(Values::Text(texts)) => Some(distinct(texts)),
            _ => None,
        };
        Self { answered, texts }
    }

    /// The answers for rows that have these texts. Rows without a value may have any code.
    fn of_codes(&self, codes: &[i32]) -> Answer {
        let lane = self.answered.as_ref()?;
        let values = match (&self.texts, &lane.values) {
            (Some((numbers, dictionary)), _) => {
                Values::Text(Texts::Codes(gather(codes, numbers).into(), dictionary.clone()))
            }
            (_, Values::Bool(values)) => Values::Bool(gather(codes, values).into()),
            (_, Values::I64(values)) => Values::I64(gather(codes, values).into()),
            (_, Values::Carried(array)) => {
                let inside = |code: &i32| usize::try_from(*code).is_ok_and(|code| code < array.len());
                let nulls = NullBuffer::from(codes.iter().map(inside).collect::<Vec<bool>>());
                let places = Int32Array::new(codes.to_vec().into(), Some(nulls));
                // Places outside are null, so there is nothing that could fail.
                Values::Carried(arrow::compute::take(array, &places, None).unwrap_or_else(|_| array.slice(0, 0)))
            }
            _ => Values::Null,
        };
        let valid = lane.valid.as_ref().map(|valid| gather(codes, valid).into());
        let fault = lane.fault.as_ref().map(|fault| {
            Arc::new(Fault { rows: gather(codes, &fault.rows), reason: fault.reason.clone(), node: None })
        });
        Some(Lane { fault, ..Lane::with_valid(values, valid) })
    }
}

fn gather<T: Copy + Default>(codes: &[i32], table: &[T]) -> Vec<T> {
    codes.iter().map(|code| table.get(*code as u32 as usize).copied().unwrap_or_default()).collect()
}

/// Texts each once, and which of these each text is: what was different may have become the same.
fn distinct(texts: &Texts<'_>) -> (Vec<i32>, Arc<Dictionary<'static>>) {
    let mut numbers = Vec::with_capacity(texts.len());
    let mut seen: HashMap<&str, i32> = HashMap::new();
    let mut builder = TextBuilder::with_capacity(texts.len(), 0);
    for row in 0..texts.len() {
        let text = texts.get(row).unwrap_or_default();
        let next = seen.len() as i32;
        numbers.push(match seen.entry(text) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                builder.push(text);
                *entry.insert(next)
            }
        });
    }
    (numbers, Arc::new(Dictionary::new(builder.finish(), None)))
}

/// Whether something is true of each text.
pub(super) fn bools(
    call: &mut Call<'_, '_>,
    parameters: &str,
    operand: &Operand,
    test: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> ColumnsResult<Operand> {
    apply(call, parameters, operand, Type::Bool, move |view| {
        Ok(Some(Lane::new(Values::Bool(
            view.iter().map(|text| if test(text) { YES } else { 0 }).collect::<Vec<u8>>().into(),
        ))))
    })
}

/// A whole number of each text.
pub(super) fn integers(
    call: &mut Call<'_, '_>,
    parameters: &str,
    operand: &Operand,
    measure: impl Fn(&str) -> i64 + Send + Sync + 'static,
) -> ColumnsResult<Operand> {
    apply(call, parameters, operand, Type::INT64, move |view| {
        Ok(Some(Lane::new(Values::I64(view.iter().map(&measure).collect::<Vec<i64>>().into()))))
    })
}

/// A text for each text, which `write` puts behind the bytes of those before.
pub(super) fn texts(
    call: &mut Call<'_, '_>,
    parameters: &str,
    operand: &Operand,
    write: impl Fn(&str, &mut Vec<u8>) + Send + Sync + 'static,
) -> ColumnsResult<Operand> {
    apply(call, parameters, operand, Type::Text, move |view| Ok(Some(written(view, &write))))
}

/// A text for each text of a view.
pub(super) fn written(view: &View<'_>, write: impl Fn(&str, &mut Vec<u8>)) -> Lane<'static> {
    let mut builder = TextBuilder::with_capacity(view.len(), view.whole().len());
    for text in view.iter() {
        builder.push_with(|bytes| write(text, bytes));
    }
    Lane::new(Values::Text(builder.finish()))
}

/// A part of each text, or nothing.
pub(super) fn parts(view: &View<'_>, part: impl Fn(&str) -> Option<&str>) -> Lane<'static> {
    let mut builder = TextBuilder::with_capacity(view.len(), view.whole().len());
    let mut valid = Vec::with_capacity(view.len());
    for text in view.iter() {
        let part = part(text);
        valid.push(if part.is_some() { YES } else { 0 });
        builder.push(part.unwrap_or_default());
    }
    let valid = valid.contains(&0).then(|| valid.into());
    Lane::with_valid(Values::Text(builder.finish()), valid)
}
