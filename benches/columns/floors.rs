//! What plain loops written by hand for one question reach: the yardstick of the engine.
//!
//! They know the types, the data and the answer's form, and use the same run-time choice of vector instructions as the engine does.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows of a task.
const TASK: usize = 256 * 1024;
const BLOCK: usize = 4096;

/// Runs `work` over the tasks of all rows in two threads or as many as there are, and puts what they found together.
fn parallel<T: Send>(
    rows: usize,
    start: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, Range<usize>) + Sync,
    mut join: impl FnMut(T),
) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let parts = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut part = start();
                    loop {
                        let first = next.fetch_add(TASK, Ordering::Relaxed);
                        if first >= rows {
                            return part;
                        }
                        work(&mut part, first..(first + TASK).min(rows));
                    }
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    parts.into_iter().for_each(&mut join);
}

/// A loop compiled for several processors.
macro_rules! dispatched {
    ($name:ident($($argument:ident: $type:ty),*) -> $result:ty $body:block) => {
        #[inline(always)]
        fn $name($($argument: $type),*) -> $result {
            #[inline(always)]
            fn body($($argument: $type),*) -> $result $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
                fn wide($($argument: $type),*) -> $result {
                    body($($argument),*)
                }
                #[target_feature(enable = "avx2,bmi2")]
                fn narrow($($argument: $type),*) -> $result {
                    body($($argument),*)
                }
                if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512bw") {
                    // SAFETY: the processor has these instructions.
                    return unsafe { wide($($argument),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
                    // SAFETY: the processor has these instructions.
                    return unsafe { narrow($($argument),*) };
                }
            }
            body($($argument),*)
        }
    };
}

dispatched!(squares(x: &[f32], y: &[f32]) -> f64 {
    let mut sums = [0.0_f64; 16];
    for (x, y) in x.chunks_exact(16).zip(y.chunks_exact(16)) {
        for at in 0..16 {
            let product = x[at] * y[at];
            sums[at] += f64::from(product * product);
        }
    }
    let rest = x.len() / 16 * 16;
    for (x, y) in x[rest..].iter().zip(&y[rest..]) {
        sums[0] += f64::from((x * y) * (x * y));
    }
    sums.iter().sum()
});

/// `mean((x * y) ** 2)`.
pub fn mean_of_expression(x: &[f32], y: &[f32]) -> f64 {
    let mut sum = 0.0;
    parallel(
        x.len(),
        || 0.0,
        |part, rows| {
            for start in rows.clone().step_by(BLOCK) {
                let block = start..(start + BLOCK).min(rows.end);
                *part += squares(&x[block.clone()], &y[block]);
            }
        },
        |part| sum += part,
    );
    sum / x.len() as f64
}

dispatched!(selected(x: &[f32], cat: &[i32], v: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 16];
    for ((x, cat), v) in x.chunks_exact(16).zip(cat.chunks_exact(16)).zip(v.chunks_exact(16)) {
        for at in 0..16 {
            let mask = if (x[at] > 0.0) & (cat[at] == 7) { u64::MAX } else { 0 };
            sums[at] += f64::from_bits(v[at].to_bits() & mask);
        }
    }
    let rest = x.len() / 16 * 16;
    for at in rest..x.len() {
        sums[0] += if x[at] > 0.0 && cat[at] == 7 { v[at] } else { 0.0 };
    }
    sums.iter().sum()
});

/// `sum(vx)` where `x > 0` and `cat == 7`.
pub fn filtered_sum(x: &[f32], cat: &[i32], v: &[f64]) -> f64 {
    let mut sum = 0.0;
    parallel(
        x.len(),
        || 0.0,
        |part, rows| *part += selected(&x[rows.clone()], &cat[rows.clone()], &v[rows]),
        |part| sum += part,
    );
    sum
}

/// Count, mean and standard deviation of `x` for each of a hundred categories.
pub fn group_by_category(cat: &[i32], x: &[f32]) -> Vec<(u64, f64, f64)> {
    type Sets = Vec<[[f64; 3]; 128]>;
    let mut all = vec![[0.0_f64; 3]; 128];
    parallel(
        cat.len(),
        || vec![[[0.0_f64; 3]; 128]; 4],
        |part: &mut Sets, rows| {
            let [a, b, c, d] = part.as_mut_slice() else { return };
            let add = |set: &mut [[f64; 3]; 128], row: usize| {
                let value = f64::from(x[row]);
                let slot = &mut set[(cat[row] & 127) as usize];
                slot[0] += 1.0;
                slot[1] += value;
                slot[2] += value * value;
            };
            let mut row = rows.start;
            while row + 4 <= rows.end {
                add(a, row);
                add(b, row + 1);
                add(c, row + 2);
                add(d, row + 3);
                row += 4;
            }
            (row..rows.end).for_each(|row| add(a, row));
        },
        |part| {
            for set in part {
                for (sum, slot) in all.iter_mut().zip(&set) {
                    (0..3).for_each(|at| sum[at] += slot[at]);
                }
            }
        },
    );
    all.into_iter()
        .filter(|slot| slot[0] > 0.0)
        .map(|[n, sum, squares]| (n as u64, sum / n, (squares / n - (sum / n) * (sum / n)).sqrt()))
        .collect()
}

/// Counts (and sums) by short text in an open-addressing table.
struct Words {
    keys: Vec<u64>,
    slots: Vec<(u64, f64)>,
}

impl Words {
    fn new() -> Self {
        Self { keys: vec![0; 4096], slots: vec![(0, 0.0); 4096] }
    }

    #[inline(always)]
    fn slot(&mut self, key: u64) -> &mut (u64, f64) {
        let mut at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52) as usize;
        while self.keys[at] != key && self.keys[at] != 0 {
            at = (at + 1) & 4095;
        }
        self.keys[at] = key;
        &mut self.slots[at]
    }
}

#[inline(always)]
fn word(offsets: &[i32], bytes: &[u8], row: usize) -> u64 {
    let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
    let length = (to - from).min(8);
    if from + 8 <= bytes.len() {
        let eight = u64::from_le_bytes(bytes[from..from + 8].try_into().unwrap());
        return if length == 8 { eight } else { eight & ((1 << (8 * length)) - 1) };
    }
    let mut word = [0; 8];
    word[..length].copy_from_slice(&bytes[from..from + length]);
    u64::from_le_bytes(word)
}

/// Count and sum of `x` for each of a thousand short texts.
pub fn group_by_word(offsets: &[i32], bytes: &[u8], x: &[f32]) -> HashMap<u64, (u64, f64)> {
    let mut all = HashMap::new();
    parallel(
        x.len(),
        Words::new,
        |part, rows| {
            for row in rows {
                let slot = part.slot(word(offsets, bytes, row));
                slot.0 += 1;
                slot.1 += f64::from(x[row]);
            }
        },
        |part| {
            for (key, slot) in part.keys.iter().zip(&part.slots).filter(|(_, slot)| slot.0 > 0) {
                let sum: &mut (u64, f64) = all.entry(*key).or_default();
                *sum = (sum.0 + slot.0, sum.1 + slot.1);
            }
        },
    );
    all
}

/// How often each of a thousand short texts occurs.
pub fn count_words(offsets: &[i32], bytes: &[u8], rows: usize) -> HashMap<u64, u64> {
    let mut all = HashMap::new();
    parallel(
        rows,
        Words::new,
        |part, rows| {
            for row in rows {
                part.slot(word(offsets, bytes, row)).0 += 1;
            }
        },
        |part| {
            for (key, slot) in part.keys.iter().zip(&part.slots).filter(|(_, slot)| slot.0 > 0) {
                *all.entry(*key).or_default() += slot.0;
            }
        },
    );
    all
}

dispatched!(bins(x: &[f32], y: &[f32], out: &mut [u32; BLOCK]) -> () {
    for ((x, y), bin) in x.iter().zip(y).zip(out.iter_mut()) {
        let (a, b) = ((x + 4.0) * 32.0, (y + 4.0) * 32.0);
        let inside = (0.0..256.0).contains(&a) & (0.0..256.0).contains(&b);
        let number = (a as i32 as u32).wrapping_mul(256).wrapping_add(b as i32 as u32);
        *bin = if inside { number } else { 65536 };
    }
});

/// A histogram of 256 x 256 bins over [-4, 4) squared.
pub fn histogram(x: &[f32], y: &[f32]) -> Vec<u64> {
    let mut all = vec![0_u64; 65536];
    parallel(
        x.len(),
        || vec![0_u32; 65537],
        |part, rows| {
            let mut numbers = [0_u32; BLOCK];
            for start in rows.clone().step_by(BLOCK) {
                let block = start..(start + BLOCK).min(rows.end);
                bins(&x[block.clone()], &y[block.clone()], &mut numbers);
                numbers[..block.len()].iter().for_each(|bin| part[*bin as usize] += 1);
            }
        },
        |part| all.iter_mut().zip(part).for_each(|(all, part)| *all += u64::from(part)),
    );
    all
}

fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    bits ^ (((bits as i32) >> 31) as u32 | (1 << 31))
}

/// The exact median: a histogram of the high halves of the bits, then of the low halves within a bucket.
pub fn median(x: &[f32]) -> f64 {
    let count = |find: &(dyn Fn(u32) -> Option<u16> + Sync)| {
        let mut all = vec![0_u64; 65536];
        parallel(
            x.len(),
            || vec![0_u32; 65536],
            |part, rows| {
                for value in &x[rows] {
                    if let Some(bucket) = find(ordered(*value)) {
                        part[bucket as usize] += 1;
                    }
                }
            },
            |part| all.iter_mut().zip(part).for_each(|(all, part)| *all += u64::from(part)),
        );
        all
    };
    let high = count(&|bits| Some((bits >> 16) as u16));
    let at_rank = |rank: u64| {
        let (mut before, mut bucket) = (0, 0);
        while before + high[bucket] <= rank {
            before += high[bucket];
            bucket += 1;
        }
        let low = count(&|bits| (bits >> 16 == bucket as u32).then_some(bits as u16));
        let mut value = 0;
        while before + low[value] <= rank {
            before += low[value];
            value += 1;
        }
        let bits = (bucket as u32) << 16 | value as u32;
        f64::from(f32::from_bits(if bits >> 31 == 1 { bits ^ (1 << 31) } else { !bits }))
    };
    let n = x.len() as u64;
    if n % 2 == 1 { at_rank(n / 2) } else { (at_rank(n / 2 - 1) + at_rank(n / 2)) / 2.0 }
}

/// How many different numbers there are: partitioned by hash, then a set for each partition.
pub fn distinct(values: &[i64]) -> u64 {
    const PARTS: usize = 1024;
    let hash = |value: i64| (value as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut parts: Vec<Vec<Vec<i64>>> = Vec::new();
    parallel(
        values.len(),
        || vec![Vec::new(); PARTS],
        |part: &mut Vec<Vec<i64>>, rows| {
            for value in &values[rows] {
                part[(hash(*value) >> 54) as usize].push(*value);
            }
        },
        |part| parts.push(part),
    );
    let mut total = 0;
    let next = AtomicUsize::new(0);
    let found = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    loop {
                        let partition = next.fetch_add(1, Ordering::Relaxed);
                        if partition >= PARTS {
                            return count;
                        }
                        let size: usize = parts.iter().map(|part| part[partition].len()).sum();
                        let capacity = (size * 2).next_power_of_two().max(2);
                        let shift = 64 - capacity.trailing_zeros();
                        let mut set = vec![i64::MIN; capacity];
                        let mut least = false;
                        for value in parts.iter().flat_map(|part| &part[partition]) {
                            if *value == i64::MIN {
                                least = true;
                                continue;
                            }
                            let mut at = (hash(*value) << 10 >> shift) as usize;
                            loop {
                                if set[at] == i64::MIN {
                                    set[at] = *value;
                                    count += 1;
                                    break;
                                }
                                if set[at] == *value {
                                    break;
                                }
                                at = (at + 1) & (capacity - 1);
                            }
                        }
                        count += u64::from(least);
                    }
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<u64>>()
    });
    found.iter().for_each(|count| total += count);
    total
}

dispatched!(dot(row: &[f32], target: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 64];
    for (row, target) in row.chunks_exact(64).zip(target.chunks_exact(64)) {
        for at in 0..64 {
            sums[at] += row[at] * target[at];
        }
    }
    sums.iter().sum()
});

/// The ten rows with the greatest dot product with a vector.
pub fn nearest(vectors: &[f32], target: &[f32], rows: usize) -> Vec<usize> {
    let width = target.len();
    let mut all: Vec<(f32, usize)> = Vec::new();
    parallel(
        rows,
        Vec::new,
        |best: &mut Vec<(f32, usize)>, rows| {
            for row in rows {
                let product = dot(&vectors[row * width..(row + 1) * width], target);
                if best.len() < 10 || product > best[9].0 {
                    let at = best.partition_point(|(other, _)| *other >= product);
                    best.insert(at, (product, row));
                    best.truncate(10);
                }
            }
        },
        |part| all.extend(part),
    );
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(10);
    all.into_iter().map(|(_, row)| row).collect()
}
