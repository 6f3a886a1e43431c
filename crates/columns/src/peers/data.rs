//! The rows that are asked about: a column of each type and width, with its extremes, and with missing values among them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, DurationMicrosecondArray, DurationMillisecondArray,
    DurationNanosecondArray, DurationSecondArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;

use crate::block::BLOCK;

/// Some more than a block, also behind the first rows, which a slice leaves out.
pub(super) const ROWS: usize = BLOCK + 70;

/// Small numbers that repeat from run to run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Half of the values special, one of seven missing, and the others made of any bits.
    fn column<T: Clone>(&mut self, special: &[T], other: impl Fn(u64) -> T) -> Vec<Option<T>> {
        let one = |_| {
            let (kind, bits) = (self.next() >> 20, self.next());
            match kind % 14 {
                0 | 1 => None,
                2..9 => Some(special[(bits >> 20) as usize % special.len()].clone()),
                _ => Some(other(bits)),
            }
        };
        (0..ROWS).map(one).collect()
    }

    /// Doubles of all sizes, most of them such as people have.
    fn doubles(&mut self) -> Vec<Option<f64>> {
        let special = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            0.1,
            2.675,
            1e-9,
            1.0 + 1e-9,
            -1.0 + 1e-9,
            -1e-300,
            5e-324,
            1e15 + 0.5,
            1e22,
            123_456.789,
            -1e300,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        self.column(&special, |bits| (bits >> 11) as f64 / (1_u64 << 45) as f64 - 128.0)
    }

    fn singles(&mut self) -> Vec<Option<f32>> {
        let special = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            0.1,
            1.0 + 2e-7,
            1e-45,
            1e22,
            -1e30,
            16_777_216.0,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
        ];
        self.column(&special, |bits| (bits >> 40) as f32 / 65_536.0 - 128.0)
    }

    fn texts(&mut self) -> Vec<Option<String>> {
        let special = [
            "",
            " ",
            "a",
            "A",
            "abc",
            "ABC",
            "a,b,,c",
            "Hello World",
            "  two  words ",
            "\tTab\nline\r\n",
            "straße",
            "Été",
            "日本語",
            "日本 語 text",
            "😀",
            "a😀b",
            "-12",
            "+7",
            "12",
            "1.5",
            "banana",
            "key=value",
            "they're",
            "ΑΣ",
            "x_y9",
            "Titled Words Here",
            "²½",
            "123456789012",
            "1234567890123",
            "\u{a0}x\u{3000}",
        ];
        let mut special: Vec<String> = special.map(str::to_owned).into();
        special.push("long ä ".repeat(60));
        self.column(&special, |bits| {
            let letters = ['a', 'b', 'N', ',', ' ', 'é', '日', '7'];
            (0..bits % 17).map(|at| letters[(bits >> (8 + 3 * at)) as usize % letters.len()]).collect()
        })
    }

    fn vectors(&mut self, single: bool) -> ArrayRef {
        let missing: Vec<bool> = (0..ROWS).map(|_| self.next() >> 20 & 7 != 0).collect();
        let mut component = || match self.next() >> 20 & 31 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => -0.0,
            _ => (self.next() >> 40) as f64 / 65_536.0 - 128.0,
        };
        let doubles: Vec<f64> = (0..3 * ROWS).map(|_| component()).collect();
        let (type_, values): (DataType, ArrayRef) = match single {
            true => (DataType::Float32, Arc::new(Float32Array::from_iter_values(doubles.iter().map(|x| *x as f32)))),
            false => (DataType::Float64, Arc::new(Float64Array::from(doubles))),
        };
        let field = Arc::new(Field::new("item", type_, true));
        Arc::new(FixedSizeListArray::new(field, 3, values, Some(missing.into())))
    }

    /// Ticks between two years, with days at which something begins or ends.
    fn instants(&mut self, per_second: i64, years: [i64; 2]) -> Vec<Option<i64>> {
        let [from, to] = years.map(|year| (year - 1970) * 31_556_952);
        let special: Vec<i64> = [
            "1970-01-01",
            "1969-12-31",
            "1972-02-29",
            "2000-02-29",
            "1999-12-31",
            "2001-01-01",
            "2020-03-29",
            "2020-10-25",
            "2021-04-01",
            "2023-06-30",
            "2024-01-31",
        ]
        .iter()
        .flat_map(|day| {
            let date: chrono::NaiveDate = day.parse().unwrap();
            let second = date.signed_duration_since(chrono::NaiveDate::default()).num_seconds();
            // Beginnings and ends of days, and times of which clocks show some twice, or never.
            [0, 1, -1, 9_000, 7_200, 43_200, 86_399]
                .map(|more| (second + more) * per_second + (more & 1) * (per_second - 1))
        })
        .collect();
        let span = (to - from) as u64;
        self.column(&special, |bits| {
            let second = from + (bits >> 8).rem_euclid(span) as i64;
            second * per_second + (bits & 0xFF) as i64 * per_second / 256
        })
    }

    fn durations(&mut self, per_second: i64) -> Vec<Option<i64>> {
        let special = [0, 1, -1, 86_400, -86_400, 86_399, 999, -999, 1_000_001, -1_000_001];
        self.column(&special, |bits| (bits as i64 >> 24) % (86_400 * 400) * per_second + (bits & 0xFF) as i64)
    }
}

/// The columns, called as the script calls them.
pub(super) fn columns() -> RecordBatch {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    macro_rules! whole {
        ($($name:literal $array:ident $type:ty;)*) => {$({
            let special = [<$type>::MIN, <$type>::MAX, <$type>::MAX - 1, 0, 1, 2, 5, 15, 100, <$type>::MAX / 2, <$type>::MIN / 2 + 1];
            let values = dice.column(&special, |bits| bits as $type);
            columns.push(($name, Arc::new($array::from(values))));
        })*};
    }
    whole! {
        "i8" Int8Array i8; "i16" Int16Array i16; "i32" Int32Array i32; "i64" Int64Array i64;
        "u8" UInt8Array u8; "u16" UInt16Array u16; "u32" UInt32Array u32; "u64" UInt64Array u64;
    }
    for name in ["f32", "g32"] {
        columns.push((name, Arc::new(Float32Array::from(dice.singles()))));
    }
    for name in ["f64", "g64"] {
        columns.push((name, Arc::new(Float64Array::from(dice.doubles()))));
    }
    let small = dice.column(&[0.0, 1.0], |bits| (bits >> 40) as f64 / 65_536.0 - 128.0);
    columns.push(("small", Arc::new(Float64Array::from(small))));
    for name in ["b", "c"] {
        columns.push((name, Arc::new(BooleanArray::from(dice.column(&[true, false], |bits| bits & 8 == 0)))));
    }
    columns.push(("s", Arc::new(StringArray::from(dice.texts()))));
    columns.push(("l", Arc::new(LargeStringArray::from(dice.texts()))));
    columns.push(("v32", dice.vectors(true)));
    columns.push(("v64", dice.vectors(false)));
    columns.push(("w64", dice.vectors(false)));
    columns.push(("t_s", Arc::new(TimestampSecondArray::from(dice.instants(1, [2, 9990])))));
    columns.push(("t_ms", Arc::new(TimestampMillisecondArray::from(dice.instants(1_000, [2, 9990])))));
    columns.push(("t_us", Arc::new(TimestampMicrosecondArray::from(dice.instants(1_000_000, [2, 9990])))));
    columns.push(("t_ns", Arc::new(TimestampNanosecondArray::from(dice.instants(1_000_000_000, [1700, 2250])))));
    columns.push(("local", Arc::new(TimestampMicrosecondArray::from(dice.instants(1_000_000, [1980, 2037])))));
    let zoned = TimestampMicrosecondArray::from(dice.instants(1_000_000, [1980, 2037]));
    columns.push(("zoned", Arc::new(zoned.with_timezone("Europe/Vienna"))));
    let days = dice.instants(1, [2, 9990]).into_iter().map(|second| second.map(|second| (second / 86_400) as i32));
    columns.push(("day", Arc::new(days.collect::<Date32Array>())));
    columns.push(("d_s", Arc::new(DurationSecondArray::from(dice.durations(1)))));
    columns.push(("d_ms", Arc::new(DurationMillisecondArray::from(dice.durations(1_000)))));
    columns.push(("d_us", Arc::new(DurationMicrosecondArray::from(dice.durations(1_000_000)))));
    columns.push(("d_ns", Arc::new(DurationNanosecondArray::from(dice.durations(1_000_000_000)))));
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

pub(super) fn write(path: &Path) {
    let batch = columns();
    let mut file = FileWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
}
