//! Functions of one number: roots, exponentials, logarithms, angles, rounding. `float32` stays `float32`, all others become `float64`, as in
//! NumPy. Of vectors they are taken component by component.

use std::sync::Arc;

use crate::block::{Lane, Values};
use crate::error::ColumnsResult;
use crate::kernels::{map, vectors};
use crate::plan::{Arguments, Call, Function, Kernel, Operand};
use crate::types::Type;

/// The number that a function takes, as `float32` or `float64`, or a vector of such.
fn float_operand(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let operand = call.operand(0)?;
    let float = |type_: &Type| match type_ {
        Type::Float32 => Some(Type::Float32),
        Type::Float64 | Type::Int(_) | Type::Bool | Type::Null => Some(Type::Float64),
        _ => None,
    };
    let wanted = match &operand.type_ {
        Type::Vector(element, shape) => float(element).map(|element| Type::Vector(Box::new(element), shape.clone())),
        type_ => float(type_),
    };
    match wanted {
        Some(type_) => call.cast(&operand, &type_),
        None => Err(call.wrong_type(&operand, "a number")),
    }
}

/// Computes of a number or, component by component, of a vector.
pub(super) fn of_floats(call: &mut Call<'_, '_>, kernel: Kernel) -> ColumnsResult<Operand> {
    let operand = float_operand(call)?;
    let type_ = operand.type_.clone();
    let kernel = if matches!(type_, Type::Vector(..)) { vectors::map(kernel) } else { kernel };
    call.compute("", &[&operand], type_, move |arguments| kernel(arguments))
}

macro_rules! functions {
    ($($name:literal $about:literal |$x:ident| $body:expr;)*) => {
        pub(super) static FUNCTIONS: &[Function] = &[$(
            Function {
                name: $name,
                arguments: &["x"],
                about: $about,
                bind: |call| {
                    let kernel: Kernel = Arc::new(|mut arguments: Arguments<'_>| {
                        let lane = arguments.next();
                        let values = match &lane.values {
                            Values::F32(values) => Values::F32(map(values, |$x: f32| $body)),
                            Values::F64(values) => Values::F64(map(values, |$x: f64| $body)),
                            _ => Values::Null,
                        };
                        Ok(Lane::with_valid(values, lane.valid))
                    });
                    of_floats(call, kernel)
                },
            },
        )*];
    };
}

functions! {
    "sqrt" "The square root." |x| x.sqrt();
    "cbrt" "The cube root." |x| x.cbrt();
    "exp" "e to the power of the number." |x| x.exp();
    "exp2" "2 to the power of the number." |x| x.exp2();
    "expm1" "e to the power of the number, less 1, exact near zero." |x| x.exp_m1();
    "log" "The natural logarithm." |x| x.ln();
    "log2" "The logarithm to base 2." |x| x.log2();
    "log10" "The logarithm to base 10." |x| x.log10();
    "log1p" "The natural logarithm of 1 plus the number, exact near zero." |x| x.ln_1p();
    "sin" "The sine of an angle in radians." |x| x.sin();
    "cos" "The cosine of an angle in radians." |x| x.cos();
    "tan" "The tangent of an angle in radians." |x| x.tan();
    "arcsin" "The angle of a sine, in radians." |x| x.asin();
    "arccos" "The angle of a cosine, in radians." |x| x.acos();
    "arctan" "The angle of a tangent, in radians." |x| x.atan();
    "sinh" "The hyperbolic sine." |x| x.sinh();
    "cosh" "The hyperbolic cosine." |x| x.cosh();
    "tanh" "The hyperbolic tangent." |x| x.tanh();
    "arcsinh" "The inverse of the hyperbolic sine." |x| x.asinh();
    "arccosh" "The inverse of the hyperbolic cosine." |x| x.acosh();
    "arctanh" "The inverse of the hyperbolic tangent." |x| x.atanh();
    "deg2rad" "Degrees as radians." |x| x.to_radians();
    "rad2deg" "Radians as degrees." |x| x.to_degrees();
    "floor" "The greatest whole number that is not greater." |x| x.floor();
    "ceil" "The least whole number that is not less." |x| x.ceil();
    "trunc" "The whole number without what is behind the point." |x| x.trunc();
    "rint" "The nearest whole number, of two the even one." |x| x.round_ties_even();
    "sinc" "sin(pi x) / (pi x), and 1 at zero." |x| {
        // The constant of the type that is meant here.
        let angle = (x * 180.0).to_radians();
        if x == 0.0 { 1.0 } else { angle.sin() / angle }
    };
}
