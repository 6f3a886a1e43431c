//! Loops compiled several times, for the vector instructions of different processors, of which the right one is taken at run time.
//!
//! A loop is a value with everything it needs, whose [`run`](Loop::run) is inlined into a function that the compiler may use those
//! instructions in. On other processors than x86-64 the baseline is used as it is; that of AArch64 has NEON.

/// A loop over values.
pub(crate) trait Loop {
    /// What comes out.
    type Output;

    /// Runs it. Implementations are `#[inline(always)]`, or nothing is gained.
    fn run(self) -> Self::Output;
}

/// Runs a loop with the best instructions that this processor has.
#[inline]
pub(crate) fn vectorised<L: Loop>(work: L) -> L::Output {
    #[cfg(target_arch = "x86_64")]
    {
        x86::vectorised(work)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        work.run()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Loop;
    use std::sync::LazyLock;

    #[derive(Clone, Copy)]
    enum Level {
        Baseline,
        Avx2,
        Avx512,
    }

    static LEVEL: LazyLock<Level> = LazyLock::new(|| {
        let avx2 =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2");
        let avx512 = avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (avx512, avx2) {
            (true, _) => Level::Avx512,
            (_, true) => Level::Avx2,
            _ => Level::Baseline,
        }
    });

    #[inline]
    #[allow(
        unsafe_code,
        reason = "the only calls of functions for certain processors, each behind the question whether it is one"
    )]
    pub(super) fn vectorised<L: Loop>(work: L) -> L::Output {
        match *LEVEL {
            // SAFETY: `LEVEL` is this one only where the processor has all of the instructions that the function is compiled for.
            Level::Avx512 => unsafe { avx512(work) },
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2(work) },
            Level::Baseline => work.run(),
        }
    }

    #[inline]
    #[allow(unsafe_code, reason = "a hint that may name any address; these are of a slice")]
    pub(super) fn prefetch<T>(values: &[T]) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        const LINE: usize = 64;
        let start = values.as_ptr().cast::<i8>();
        for offset in (0..size_of_val(values)).step_by(LINE) {
            // SAFETY: the address is inside the slice, and nothing is read or written.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(start.add(offset)) };
        }
    }

    #[target_feature(enable = "avx2,bmi2")]
    fn avx2<L: Loop>(work: L) -> L::Output {
        work.run()
    }

    #[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
    fn avx512<L: Loop>(work: L) -> L::Output {
        work.run()
    }
}

/// Asks the processor to bring values into its second-level cache while it computes something else.
///
/// A block is some 16 KiB of each column, too little for the processor to see by itself in time what is read next.
#[inline]
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        x86::prefetch(values);
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = values;
    }
}
