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

    #[target_feature(enable = "avx2,bmi2")]
    fn avx2<L: Loop>(work: L) -> L::Output {
        work.run()
    }

    #[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
    fn avx512<L: Loop>(work: L) -> L::Output {
        work.run()
    }
}
