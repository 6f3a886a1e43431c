//! The levels of a page that say which of its values are null.

/// The length of levels, which stands before them, where they lie in a page of so many bytes.
pub(super) fn length_of(bytes: [u8; 4], page: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes)).ok().filter(|length| *length <= page)
}

/// Whether levels of one bit, in runs of equal ones and in groups of eight, say of so many values that none is null.
pub(super) fn are_all_set(levels: &[u8], values: usize) -> bool {
    let (mut left, mut input) = (values, levels);
    while left > 0 {
        let Some((run, rest)) = run_of(input) else { return false };
        let count = run >> 1;
        if run & 1 == 0 {
            let Some((level, rest)) = rest.split_first() else { return false };
            if count > 0 && *level != 1 {
                return false;
            }
            (left, input) = (left.saturating_sub(count), rest);
        } else {
            // The last group may have more than there are values.
            let here = left.min(count.saturating_mul(8));
            let (bits, rest) = rest.split_at(count.min(rest.len()));
            let tail = (1_u8 << (here % 8)) - 1;
            let whole = bits.get(..here / 8).is_some_and(|whole| whole.iter().all(|byte| *byte == 0xff));
            let has_tail = here % 8 == 0 || bits.get(here / 8).is_some_and(|byte| byte & tail == tail);
            if !whole || !has_tail {
                return false;
            }
            (left, input) = (left - here, rest);
        }
    }
    true
}

/// What a run begins with, and the bytes behind that: how long it is, and its kind in the lowest bit.
pub(super) fn run_of(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut run = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        run |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((usize::try_from(run).ok()?, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_groups_say_that_no_value_is_null() {
        // 300 in one run; ten as eight and two of a group; a run of none and one of five.
        for (levels, values) in [
            (&[0xD8, 0x04, 1][..], 300),
            (&[0x05, 0xff, 0x03], 10),
            (&[0x05, 0xff, 0xff], 16),
            (&[0x00, 0, 0x0A, 1], 5),
            (&[0x10, 1, 0x03, 0x01], 9),
            (&[], 0),
        ] {
            assert!(are_all_set(levels, values), "{levels:?}");
        }
        for (levels, values) in [
            (&[0xD8, 0x04, 1][..], 301),
            (&[0xD8, 0x04, 0], 300),
            (&[0x05, 0xff, 0x01], 10),
            (&[0x05, 0xfe, 0x03], 10),
            (&[0x05, 0xff], 10),
            (&[0x10, 1, 0x03, 0x00], 9),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 3),
            (&[0x10], 8),
            (&[], 1),
        ] {
            assert!(!are_all_set(levels, values), "{levels:?}");
        }
        assert_eq!((length_of([7, 0, 0, 0], 7), length_of([7, 0, 0, 0], 6)), (Some(7), None));
    }
}
