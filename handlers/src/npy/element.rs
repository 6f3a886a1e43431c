//! The Rust types that are array elements.

use super::dtype::ByteOrder;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that numpy has an element type for. Sealed: the sizes and kinds below are all there are.
pub trait Element: sealed::Sealed + Copy + 'static {
    /// numpy's `descr` of it, little-endian.
    const DESCR: &'static str;
    /// numpy's kind.
    #[doc(hidden)]
    const KIND: char;
    /// numpy's name.
    #[doc(hidden)]
    const NAME: &'static str;
    /// Appends the element in little-endian order.
    #[doc(hidden)]
    fn push(self, bytes: &mut Vec<u8>);
    /// The element of these bytes, which are of its size.
    #[doc(hidden)]
    fn take(bytes: &[u8], order: ByteOrder) -> Option<Self>;
}

macro_rules! number {
    ($($rust:ty, $kind:literal, $descr:literal, $name:literal;)*) => {$(
        impl sealed::Sealed for $rust {}
        impl Element for $rust {
            const DESCR: &'static str = $descr;
            const KIND: char = $kind;
            const NAME: &'static str = $name;

            fn push(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn take(bytes: &[u8], order: ByteOrder) -> Option<Self> {
                let bytes = bytes.try_into().ok()?;
                Some(match order {
                    ByteOrder::Big => Self::from_be_bytes(bytes),
                    ByteOrder::Little | ByteOrder::None => Self::from_le_bytes(bytes),
                })
            }
        }
    )*};
}

number! {
    i8, 'i', "|i1", "int8";
    i16, 'i', "<i2", "int16";
    i32, 'i', "<i4", "int32";
    i64, 'i', "<i8", "int64";
    u8, 'u', "|u1", "uint8";
    u16, 'u', "<u2", "uint16";
    u32, 'u', "<u4", "uint32";
    u64, 'u', "<u8", "uint64";
    f32, 'f', "<f4", "float32";
    f64, 'f', "<f8", "float64";
}

impl sealed::Sealed for bool {}
impl Element for bool {
    const DESCR: &'static str = "|b1";
    const KIND: char = 'b';
    const NAME: &'static str = "bool";

    fn push(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }

    fn take(bytes: &[u8], _: ByteOrder) -> Option<Self> {
        // numpy, too, takes every byte but 0 for true.
        bytes.first().map(|byte| *byte != 0)
    }
}
