//! Functions of real numbers, with NumPy's names: `float32` stays `float32`, whole numbers become `float64`, and vectors are
//! computed component by component.

use std::f64::consts::LN_2;

use crate::error::ColumnsResult;
use crate::kernels::{reals, vectors};
use crate::plan::{Call, Function, Kernel, Operand, common_type};
use crate::types::Type;

/// Functions of one number: NumPy's name, what it gives, and the methods of `f32` and `f64`.
macro_rules! real_functions {
    ($($name:literal $about:literal $single:expr, $double:expr;)*) => {
        &[
            $(Function {
                name: $name,
                arguments: &["x"],
                about: $about,
                bind: |call| real(call, reals::floats($single, $double)),
            },)*
            Function {
                name: "arctan2",
                arguments: &["y", "x"],
                about: "The angle of the point (x, y), in radians from -pi to pi.",
                bind: |call| real_pair(call, reals::pairs(f32::atan2, f64::atan2)),
            },
            Function {
                name: "hypot",
                arguments: &["x", "y"],
                about: "The length of the vector (x, y), without overflow on the way.",
                bind: |call| real_pair(call, reals::pairs(f32::hypot, f64::hypot)),
            },
            Function {
                name: "isfinite",
                arguments: &["x"],
                about: "Whether a number is neither NaN nor infinite.",
                bind: |call| test(call, reals::tests(f32::is_finite, f64::is_finite, true)),
            },
            Function {
                name: "isinf",
                arguments: &["x"],
                about: "Whether a number is infinite.",
                bind: |call| test(call, reals::tests(f32::is_infinite, f64::is_infinite, false)),
            },
        ]
    };
}

pub(super) static FUNCTIONS: &[Function] = real_functions! {
    "sqrt" "The square root; NaN for negative numbers." f32::sqrt, f64::sqrt;
    "cbrt" "The cube root." f32::cbrt, f64::cbrt;
    "exp" "e to the power of x." f32::exp, f64::exp;
    "exp2" "2 to the power of x." f32::exp2, f64::exp2;
    "expm1" "e to the power of x, less 1, exact near 0." f32::exp_m1, f64::exp_m1;
    "log" "The natural logarithm." f32::ln, f64::ln;
    "log2" "The logarithm to base 2." f32::log2, f64::log2;
    "log10" "The logarithm to base 10." f32::log10, f64::log10;
    "log1p" "The natural logarithm of 1 + x, exact near 0." f32::ln_1p, f64::ln_1p;
    "sin" "The sine of an angle in radians." f32::sin, f64::sin;
    "cos" "The cosine of an angle in radians." f32::cos, f64::cos;
    "tan" "The tangent of an angle in radians." f32::tan, f64::tan;
    "arcsin" "The angle, in radians, that has this sine." f32::asin, f64::asin;
    "arccos" "The angle, in radians, that has this cosine." f32::acos, f64::acos;
    "arctan" "The angle, in radians, that has this tangent." f32::atan, f64::atan;
    "sinh" "The hyperbolic sine." f32::sinh, f64::sinh;
    "cosh" "The hyperbolic cosine." f32::cosh, f64::cosh;
    "tanh" "The hyperbolic tangent." f32::tanh, f64::tanh;
    "arcsinh" "The inverse of the hyperbolic sine." |x| arcsinh(x.into()) as f32, arcsinh;
    "arccosh" "The inverse of the hyperbolic cosine." |x| arccosh(x.into()) as f32, arccosh;
    "arctanh" "The inverse of the hyperbolic tangent." |x| arctanh(x.into()) as f32, arctanh;
    "deg2rad" "Radians of an angle in degrees." f32::to_radians, f64::to_radians;
    "rad2deg" "Degrees of an angle in radians." f32::to_degrees, f64::to_degrees;
    "sinc" "sin(pi x) / (pi x), and 1 at 0." |x| sinc(x.into()) as f32, sinc;
};

/// Beyond, 1 is nothing beside the square of a number.
const LARGE: f64 = 268_435_456.0;

/// That of the standard library is infinite where twice the number is.
fn arcsinh(x: f64) -> f64 {
    if x.abs() > LARGE { (x.abs().ln() + LN_2).copysign(x) } else { x.asinh() }
}

/// That of the standard library is infinite for the largest numbers, too, and has lost half of the digits near 1.
fn arccosh(x: f64) -> f64 {
    let above = x - 1.0;
    match x {
        1.0..2.0 => (above + (2.0 * above + above * above).sqrt()).ln_1p(),
        x if x > LARGE => x.ln() + LN_2,
        x => x.acosh(),
    }
}

/// That of the standard library has lost half of the digits near -1.
fn arctanh(x: f64) -> f64 {
    x.abs().atanh().copysign(x)
}

fn sinc(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    if angle == 0.0 { 1.0 } else { angle.sin() / angle }
}

/// The floating-point type that numbers of a type are computed in.
pub(super) fn real_type(type_: &Type) -> Option<Type> {
    Some(match type_ {
        Type::Float32 | Type::Float64 => type_.clone(),
        Type::Int(_) | Type::Bool | Type::Null => Type::Float64,
        Type::Vector(element, shape) => Type::Vector(Box::new(real_type(element)?), shape.clone()),
        _ => return None,
    })
}

fn real(call: &mut Call<'_, '_>, kernel: Kernel) -> ColumnsResult<Operand> {
    let x = call.operand(0)?;
    let type_ = real_type(&x.type_).ok_or_else(|| call.wrong_type(&x, "numbers"))?;
    let x = call.cast(&x, &type_)?;
    componentwise(call, "", &x, type_, kernel)
}

fn test(call: &mut Call<'_, '_>, kernel: Kernel) -> ColumnsResult<Operand> {
    let x = call.operand(0)?;
    let type_ = match &x.type_ {
        Type::Vector(_, shape) => Type::Vector(Box::new(Type::Bool), shape.clone()),
        type_ if type_.is_number() || matches!(type_, Type::Null | Type::Bool) => Type::Bool,
        _ => return Err(call.wrong_type(&x, "numbers")),
    };
    componentwise(call, "", &x, type_, kernel)
}

fn real_pair(call: &mut Call<'_, '_>, kernel: Kernel) -> ColumnsResult<Operand> {
    let (a, b) = (call.operand(0)?, call.operand(1)?);
    pair(call, "", [&a, &b], real_type, kernel, "numbers, and vectors of the same width")
}

/// What a kernel of numbers makes of numbers, or of every component of vectors.
pub(super) fn componentwise(
    call: &mut Call<'_, '_>,
    parameters: &str,
    x: &Operand,
    type_: Type,
    kernel: Kernel,
) -> ColumnsResult<Operand> {
    let kernel = if matches!(x.type_, Type::Vector(..)) { vectors::map(kernel) } else { kernel };
    call.compute(parameters, &[x], type_, move |arguments| kernel(arguments))
}

/// What a kernel of two values of the same type makes of these, also of a vector and a number, or of two vectors. `type_of` says
/// in which type values of a common type are computed.
pub(super) fn pair(
    call: &mut Call<'_, '_>,
    parameters: &str,
    [left, right]: [&Operand; 2],
    type_of: fn(&Type) -> Option<Type>,
    kernel: Kernel,
    expected: &str,
) -> ColumnsResult<Operand> {
    let elements = [element(left), element(right)];
    let shape = match (&left.type_, &right.type_) {
        (Type::Vector(_, a), Type::Vector(_, b)) if a != b => return Err(call.wrong_type(right, expected)),
        (Type::Vector(_, shape), _) | (_, Type::Vector(_, shape)) => Some(shape.clone()),
        _ => None,
    };
    let common = common_type(elements.iter());
    let Some(type_) = common.as_ref().and_then(type_of) else {
        // The first one if it is no such value by itself, else the second, which does not go with it.
        let (wrong, other) = if type_of(&elements[0].type_).is_none() { (left, right) } else { (right, left) };
        return Err(call.wrong_type(wrong, &format!("{expected}, beside {}", other.type_)));
    };
    let Some(shape) = shape else {
        let (a, b) = (call.cast(left, &type_)?, call.cast(right, &type_)?);
        return call.compute(parameters, &[&a, &b], type_, move |arguments| kernel(arguments));
    };
    let vector = Type::Vector(Box::new(type_.clone()), shape);
    let side =
        |operand: &Operand| if matches!(operand.type_, Type::Vector(..)) { vector.clone() } else { type_.clone() };
    let (a, b) = (call.cast(left, &side(left))?, call.cast(right, &side(right))?);
    let kernel = vectors::zip(kernel);
    call.compute(parameters, &[&a, &b], vector, move |arguments| kernel(arguments))
}

/// An operand as one of the components of a vector, for finding types.
fn element(operand: &Operand) -> Operand {
    match &operand.type_ {
        Type::Vector(element, _) => Operand { type_: element.as_ref().clone(), ..operand.clone() },
        _ => operand.clone(),
    }
}
