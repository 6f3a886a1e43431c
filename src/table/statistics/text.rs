//! The statistics of texts and byte strings.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datasketches::error::Error as SketchError;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::column::Failure;
use super::counts::Counts;
use super::{ColumnStatistics, StatisticsOptions, TopValue};

/// Longest value that is kept as it is, in bytes. Of a longer one its beginning is kept, with a digest, so that what is in
/// memory is bounded and different values stay different.
const LONGEST: usize = 256;
/// Bytes of the beginning.
const HEAD: usize = 240;
/// Bytes of what is kept of a long value: the beginning, and half of a SHA-256. No short value is as long.
const CUT: usize = HEAD + 17;

/// Texts, or bytes.
#[derive(Debug)]
pub(super) struct Texts {
    is_text: bool,
    counts: Counts<Vec<u8>>,
    /// The last value and how often it came in a row: it may go on in the next batch.
    run: Option<(Vec<u8>, u64)>,
    /// The smallest and the largest, as they are.
    extremes: Option<(Vec<u8>, Vec<u8>)>,
}

impl Texts {
    pub(super) fn new(is_text: bool) -> Self {
        Self { is_text, counts: Counts::new(false), run: None, extremes: None }
    }

    pub(super) fn add(&mut self, array: &ArrayRef) -> Result<(), Failure> {
        // Arrow makes bytes of a text without copying them.
        let bytes = match array.data_type() {
            DataType::Utf8 => cast(&cast(array, &DataType::Binary)?, &DataType::LargeBinary)?,
            DataType::Utf8View => cast(&cast(array, &DataType::BinaryView)?, &DataType::LargeBinary)?,
            _ => cast(array, &DataType::LargeBinary)?,
        };
        let values = bytes.as_binary::<i64>();
        let mut values = values.iter().flatten().peekable();
        if let Some((last, times)) = &mut self.run {
            while values.next_if(|value| **value == *last).is_some() {
                *times += 1;
            }
        }
        if values.peek().is_none() {
            return Ok(());
        }
        self.count_run()?;
        let mut run: Option<(&[u8], u64)> = None;
        for value in values {
            match &mut run {
                Some((last, times)) if *last == value => *times += 1,
                _ => {
                    if let Some((last, times)) = run.replace((value, 1)) {
                        self.count(last, times)?;
                    }
                }
            }
        }
        self.run = run.map(|(last, times)| (last.to_vec(), times));
        Ok(())
    }

    /// Counts the values that wait for others of their kind.
    fn count_run(&mut self) -> Result<(), SketchError> {
        match self.run.take() {
            Some((last, times)) => self.count(&last, times),
            None => Ok(()),
        }
    }

    fn count(&mut self, value: &[u8], times: u64) -> Result<(), SketchError> {
        match &mut self.extremes {
            None => self.extremes = Some((value.to_vec(), value.to_vec())),
            Some((low, _)) if value < low.as_slice() => *low = value.to_vec(),
            Some((_, high)) if value > high.as_slice() => *high = value.to_vec(),
            Some(_) => {}
        }
        if value.len() <= LONGEST {
            return self.counts.add(value, times);
        }
        let mut cut = [0; CUT];
        cut[..HEAD].copy_from_slice(&value[..HEAD]);
        cut[HEAD..].copy_from_slice(&Sha256::digest(value)[..CUT - HEAD]);
        self.counts.add(&cut[..], times)
    }

    pub(super) fn finish(
        mut self,
        statistics: &mut ColumnStatistics,
        options: &StatisticsOptions,
    ) -> Result<(), Failure> {
        self.count_run()?;
        let shown = |value: &[u8]| shown(value, self.is_text);
        statistics.distinct = Some(self.counts.distinct());
        if let Some((low, high)) = &self.extremes {
            (statistics.min, statistics.max) = (Some(shown(low)), Some(shown(high)));
        }
        let (top, error) = self.counts.top(options.top);
        statistics.top = top.iter().map(|(value, count)| TopValue { value: shown(value), count: *count }).collect();
        statistics.top_error = Some(error);
        Ok(())
    }
}

/// A value as text; bytes as hex digits. Of a long one the beginning.
fn shown(value: &[u8], is_text: bool) -> Value {
    let (head, rest) = if value.len() > LONGEST { (&value[..HEAD], "…") } else { (value, "") };
    let text = match is_text {
        // The cut may have gone through a character.
        true => String::from_utf8_lossy(head).trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned(),
        false => head.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    format!("{text}{rest}").into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BinaryArray, StringArray, StringViewArray};

    use super::*;

    fn statistics(arrays: &[ArrayRef], is_text: bool) -> (u64, Option<Value>, Option<Value>, Vec<TopValue>) {
        let mut texts = Texts::new(is_text);
        arrays.iter().for_each(|array| texts.add(array).unwrap());
        texts.count_run().unwrap();
        let distinct = texts.counts.distinct();
        assert!(distinct.is_exact);
        let (low, high) = texts.extremes.clone().unwrap();
        let top = texts.counts.top(2).0.into_iter();
        let top = top.map(|(value, count)| TopValue { value: shown(&value, is_text), count }).collect();
        (distinct.count, Some(shown(&low, is_text)), Some(shown(&high, is_text)), top)
    }

    #[test]
    fn long_values_stay_apart_and_are_shown_by_their_beginning() {
        let long = |end: char| format!("{}{end}", "ä".repeat(200));
        let texts: ArrayRef =
            Arc::new(StringArray::from(vec![Some(long('a')), None, Some(long('b')), Some(long('a'))]));
        let (distinct, _, max, top) = statistics(&[texts], true);
        assert_eq!((distinct, top[0].count, top[1].count), (2, 2, 1));
        // 240 bytes are 120 of these letters.
        let cut = format!("{}…", "ä".repeat(120));
        assert_eq!((&top[0].value, max), (&Value::from(cut.clone()), Some(cut.into())));
    }

    #[test]
    fn views_texts_and_bytes_are_alike() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["b", "a", "b"]));
        let views: ArrayRef = Arc::new(StringViewArray::from(vec!["b", "a", "b"]));
        let expected = statistics(&[Arc::clone(&texts), Arc::clone(&texts)], true);
        assert_eq!(statistics(&[texts, views], true), expected);
        assert_eq!((expected.0, expected.1, expected.2), (2, Some("a".into()), Some("b".into())));
        assert_eq!(expected.3[0], TopValue { value: "b".into(), count: 4 });
        let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&[0_u8, 255][..], &[1]]));
        let (_, min, max, _) = statistics(&[bytes], false);
        assert_eq!((min, max), (Some("00ff".into()), Some("01".into())));
    }
}
