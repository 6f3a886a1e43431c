//! Reading, writing and making of expressions.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::error::ColumnsError;
use crate::types::Unit;

/// A tree with an operator before its operands, in which nothing is left to precedence.
fn tree(expr: &Expr) -> String {
    let all = |items: &[Expr]| items.iter().map(|item| format!(" {}", tree(item))).collect::<String>();
    match &*expr.kind {
        Kind::Name(name) => name.to_string(),
        Kind::Literal(Value::Text(text)) => format!("{text:?}"),
        Kind::Literal(Value::Float(value)) => format!("{value:?}"),
        Kind::Literal(value) => value.to_string(),
        Kind::List(items) => format!("[{}]", all(items).trim_start()),
        Kind::Pairs(pairs) => {
            pairs.iter().fold("{".to_owned(), |text, (key, value)| format!("{text} {}:{}", tree(key), tree(value)))
                + " }"
        }
        Kind::Unary(operator, operand) => format!("({operator:?} {})", tree(operand)),
        Kind::Binary(operator, left, right) => format!("({} {} {})", operator.as_str(), tree(left), tree(right)),
        Kind::Call(name, arguments) => {
            let mut text = format!("({name}");
            for Argument { name, value } in arguments {
                let name = name.as_ref().map(|name| format!("{name}=")).unwrap_or_default();
                write!(text, " {name}{}", tree(value)).unwrap();
            }
            text + ")"
        }
        Kind::Index(operand, axes) => format!("(index {} {axes:?})", tree(operand)),
    }
}

fn read(text: &str) -> String {
    match Expr::parse(text) {
        Ok(expr) => tree(&expr),
        Err(error) => format!("{error}"),
    }
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(read(text), *expected, "{text}");
    }
}

/// The stretch of the text that is wrong, and why.
fn refused(text: &str) -> (&str, String) {
    match Expr::parse(text) {
        Err(ColumnsError::Syntax { place, reason }) => {
            assert_eq!(&*place.text, text);
            let span = place.span.unwrap();
            (&text[span.start..span.end], reason)
        }
        other => panic!("{text} was read as {other:?}"),
    }
}

#[test]
fn precedence_is_pythons() {
    check(&[
        ("a + b * c", "(+ a (* b c))"),
        ("a - b - c", "(- (- a b) c)"),
        ("a ** b ** c", "(** a (** b c))"),
        ("-x ** 2", "(Minus (** x 2))"),
        ("x ** -2", "(** x -2)"),
        ("-2 ** 2", "(Minus (** 2 2))"),
        ("(-2) ** 2", "(** -2 2)"),
        ("x ** -y * z", "(* (** x (Minus y)) z)"),
        ("2 * -x % y // z", "(// (% (* 2 (Minus x)) y) z)"),
        ("a | b ^ c & d << e + f", "(| a (^ b (& c (<< d (+ e f)))))"),
        ("a & b == c", "(== (& a b) c)"),
        ("a or b and not c == d", "(| a (& b (Not (== c d))))"),
        ("~a & b", "(& (Not a) b)"),
        ("not -a", "(Not (Minus a))"),
        ("x if a or b else y if c else z", "(where (| a b) x (where c y z))"),
        ("a < b <= c != d", "(& (& (< a b) (<= b c)) (!= c d))"),
        ("x in [1, 2]", "(isin x [1 2])"),
        ("x not in (1, 2) and y", "(& (Not (isin x [1 2])) y)"),
        ("x is None or y is not None", "(| (ismissing x) (notmissing y))"),
        ("a # a comment\n + b", "(+ a b)"),
    ]);
}

#[test]
fn values_are_written_as_in_python() {
    check(&[
        ("[1_000, 0xff, 0b1, 0o17, 00]", "[1000 255 1 15 0]"),
        ("[1e-3, .5, 2., 1E5, 1_0.5_0e1_0]", "[0.001 0.5 2.0 100000.0 105000000000.0]"),
        ("[18446744073709551615, -9223372036854775808]", "[18446744073709551615 -9223372036854775808]"),
        ("[-1, -0.0, -inf, -nan, -(1), --1]", "[-1 -0.0 -inf NaN (Minus 1) (Minus -1)]"),
        ("[True, False, None, nan, inf]", "[True False None NaN inf]"),
        ("[np.nan, numpy.inf, math.pi, np.e]", "[NaN inf 3.141592653589793 2.718281828459045]"),
        (r#"['a', "b", '''c'd''', r"\d", u'e']"#, r#"["a" "b" "c'd" "\\d" "e"]"#),
        (r#"'\'\\\n\x41\u00e9\U0001f600\101\0\d'"#, r#""'\\\nAé😀A\0\\d""#),
        ("'a\\\nb'", "\"ab\""),
        ("(1, 'a',)", "[1 \"a\"]"),
        ("{1, 2}", "[1 2]"),
        ("{0: 'a', x: [1]}", "{ 0:\"a\" x:[1] }"),
        ("[[], (), {}]", "[[] [] { }]"),
        ("x.astype(np.float32)", "(astype x \"float32\")"),
    ]);
}

#[test]
fn names_are_of_any_script_or_in_backticks() {
    check(&[
        ("größe + नमस्ते + _x1", "(+ (+ größe नमस्ते) _x1)"),
        ("`odd name` + `a``b` + ``", "(+ (+ odd name a`b) )"),
        ("col('odd name') + df[\"x y\"] + df.z + df.col.w", "(+ (+ (+ odd name x y) z) w)"),
        ("`nan` + pi + e + class + np + df + col", "(+ (+ (+ (+ (+ (+ nan pi) e) class) np) df) col)"),
        ("df.class + df.func + df.`in`", "(+ (+ class func) in)"),
    ]);
}

#[test]
fn methods_are_functions() {
    check(&[
        ("x.fillna(0).clip(-1, 1)", "(clip (fillna x 0) -1 1)"),
        ("df.x.str.lower()", "(str_lower x)"),
        ("x.str.contains('a', regex=False)", "(str_contains x \"a\" regex=False)"),
        ("x.dt.year + x.dt.year() + (x - y).td.days", "(+ (+ (dt_year x) (dt_year x)) (td_days (- x y)))"),
        ("np.sqrt(x) + math.sin(x) + df.func.where(x, 1, 2)", "(+ (+ (sqrt x) (sin x)) (where x 1 2))"),
        ("x.list.sum() + x.geo.f(y)", "(+ (list_sum x) (geo_f x y))"),
        ("`my function`(x, `odd name`=1)", "(my function x odd name=1)"),
        ("d.map({0: 'a'}, default_value='?')", "(map d { 0:\"a\" } default_value=\"?\")"),
        ("f()", "(f)"),
    ]);
}

#[test]
fn components_are_of_all_rows() {
    check(&[
        ("v[:, 3]", "(index v [At(3)])"),
        ("(v + 1)[:, -1, :]", "(index (+ v 1) [At(-1), Slice(None, None)])"),
        ("v[:, 2:5, :-1]", "(index v [Slice(Some(2), Some(5)), Slice(None, Some(-1))])"),
        ("v[:]", "v"),
        ("-v[:, 1].abs()", "(Minus (abs (index v [At(1)])))"),
    ]);
    for text in ["v[0]", "v[1:5]", "v[:10]", "v[x > 0]", "v['a']", "v[..., 1]"] {
        assert!(refused(text).1.contains("slicing or filtering the frame"), "{text}");
    }
    assert_eq!(refused("v[:, ::2]").1, "a slice has no step: components are taken one after the other");
    assert_eq!(refused("v[:, i]").0, "i");
}

/// What NumPy 2.4 makes of them, as integers and units.
#[test]
fn instants_and_durations_are_numpys() {
    check(&[
        ("datetime64('2020')", "datetime64(50, 'Y')"),
        ("datetime64('2020-03')", "datetime64(602, 'M')"),
        ("np.datetime64('2017-01-01')", "datetime64(17167, 'D')"),
        ("datetime64('1969-12-31T23')", "datetime64(-1, 'h')"),
        ("datetime64('2020-01-01 10:30')", "datetime64(26297910, 'm')"),
        ("datetime64('2020-02-29T00:00:00')", "datetime64(1582934400, 's')"),
        ("datetime64('2020-01-01T00:00:00.5')", "datetime64(1577836800500, 'ms')"),
        ("datetime64('2020-01-01T00:00:00.1234567')", "datetime64(1577836800123456700, 'ns')"),
        ("datetime64('2020-05-17', 'M')", "datetime64(604, 'M')"),
        ("datetime64('1969-12-31', 'W')", "datetime64(-1, 'W')"),
        ("datetime64(5, 'ns')", "datetime64(5, 'ns')"),
        ("datetime64('2020-01-01T00:00+01:30')", "datetime64(26297190, 'm', 'UTC')"),
        ("datetime64(5, 's', 'Europe/Paris')", "datetime64(5, 's', 'Europe/Paris')"),
        ("np.timedelta64(-3, 'D')", "timedelta64(-3, 'D')"),
        ("datetime64('NaT')", "None"),
    ]);
    for text in ["20200101", "2021-02-29", "2020-13-01", "2020-01-01T24", "2020-01-01T", "2020-1-1", "today"] {
        let call = format!("x > datetime64('{text}')");
        let (place, reason) = refused(&call);
        assert_eq!(place, format!("'{text}'"));
        assert!(reason.contains("is no date or time"), "{reason}");
    }
    assert!(refused("datetime64('9999-01-01', 'ns')").1.contains("does not fit"));
    assert!(refused("timedelta64(1, 'H')").1.contains("a unit is one of"));
    assert!(refused("datetime64(x)").1.contains("astype"));
}

#[test]
fn what_vaex_writes_into_a_state_is_read() {
    check(&[
        ("(((x ** 2) + (y ** 2)) ** 0.5)", "(** (+ (** x 2) (** y 2)) 0.5)"),
        ("(vx / (r + 1))", "(/ vx (+ r 1))"),
        ("str_upper(skey)", "(str_upper skey)"),
        ("cat==3", "(== cat 3)"),
        ("(df.x>0)&(df[\"cat\"]==7)", "(& (> x 0) (== cat 7))"),
        ("df.ts-np.datetime64(\"2016-01-01\")", "(- ts datetime64(16801, 'D'))"),
    ]);
}

/// Each with the stretch that is shown, and a part of what is said.
#[test]
fn mistakes_are_told_with_their_place_and_what_to_write() {
    for (text, place, said) in [
        ("", "", "the expression is empty"),
        ("x = 1", "=", "equality is written '=='"),
        ("x += 1", "+=", "assigns nothing"),
        ("a && b", "&&", "it is written 'and'"),
        ("a || b", "||", "it is written 'or'"),
        ("!a", "!", "it is written 'not' or '~'"),
        ("a <> b", "<>", "'!='"),
        ("a AND b", "AND", "it is written 'and'"),
        ("NOT (a)", "NOT", "it is written 'not'"),
        ("NOT a", "a", "it is written 'not'"),
        ("a IS NULL", "IS", "ismissing(x)"),
        ("a is null", "null", "ismissing(x)"),
        ("a is 5", "5", "'is' asks only for None"),
        ("name LIKE 'a%'", "LIKE", "str.contains"),
        ("a BETWEEN 1 AND 5", "BETWEEN", "low <= x <= high"),
        ("CASE WHEN a THEN b END", "WHEN", "a if condition else b"),
        ("a ? b : c", "?", "a if condition else b"),
        ("a == None", "a == None", "write `a is None` or ismissing(...)"),
        ("None != a", "None != a", "write `a is not None` or notmissing(...)"),
        ("'a' in name", "name", "name.str.contains('a')"),
        ("a in b", "b", "a list of values"),
        ("a > 1 & b < 2", "1", "'&' binds tighter than '>': put each comparison in parentheses"),
        ("a == 1 & b", "1", "'&' binds tighter than '=='"),
        ("b | 'x' == a", "'x'", "'|' binds tighter than '=='"),
        ("a in [1] & b", "[1]", "'&' binds tighter than 'in'"),
        ("a < x & b < y", "x & b", "'&' binds tighter than '<'"),
        ("x == 'abc", "'", "is never closed"),
        ("'''abc'", "'''", "is never closed"),
        ("`abc", "`", "is never closed"),
        ("f((a + b)", "(", "this '(' is never closed: a ')' is missing"),
        ("(a + b]", "]", "the ')' of the '(' at character 1"),
        ("a)", ")", "there is no opening bracket for it"),
        ("a +", "", "expected a column, a value or '(', found the end"),
        ("a b", "b", "expected an operator or the end, found 'b'"),
        ("2(a)", "(", "is an operator missing"),
        ("a, b", ",", "in square brackets"),
        ("lambda x: x", "lambda", "no functions inside an expression"),
        ("[x for x in y]", "for", "comprehensions are not supported"),
        ("import os", "os", "no statements"),
        ("x; y", ";", "no statements"),
        ("f'{x}'", "f'{x}'", "f-strings are not supported"),
        ("b'x'", "b'x'", "bytes are not supported"),
        ("'a' 'b'", "'b'", "joined with '+'"),
        ("'it''s'", "'s'", "a quote inside text"),
        ("x if y", "", "'else'"),
        ("f(a=1, b)", "b", "'=='"),
        ("df.mean(x)", "df.mean", "mean(...)"),
        ("df[df.x > 0].y", "df", "filtering or slicing the frame"),
        ("np.linalg.norm(x)", "np.linalg", "neither a function"),
        ("x.values", "values", ".values()"),
        ("x.year", "year", ".dt.year"),
        ("x.str.lower", "str.lower", ".str.lower()"),
        ("x.str", "str", ".str.lower()"),
        ("18446744073709551616", "18446744073709551616", "does not fit in 64 bits"),
        ("-9223372036854775809", "-9223372036854775809", "does not fit in 64 bits"),
        ("012", "012", "does not begin with 0"),
        ("1__0", "1__0", "between two digits"),
        ("1e999", "1e999", "infinity is written inf"),
        ("10px", "10px", "letters run into it"),
        ("'a\\xg'", "\\x", "2 digits"),
        ("a × b", "×", "'*'"),
        ("“a”", "“", "straight quotes"),
        ("x²", "²", "'** 2'"),
        ("a\u{a0}+ b", "\u{a0}", "U+00A0 has no meaning here; write an ordinary blank"),
    ] {
        let (found, reason) = refused(text);
        assert_eq!(found, place, "{text}: {reason}");
        assert!(reason.contains(said), "{text}: {reason}");
    }
    assert_eq!(
        Expr::parse("größe = 1").unwrap_err().to_string(),
        "expected an operator or the end, found '=': equality is written '==' (in 'größe = 1', at character 7)"
    );
}

/// These look like mistakes and are none.
#[test]
fn what_python_means_otherwise_is_left_to_it() {
    check(&[
        ("x ^ 2", "(^ x 2)"),
        ("flags & mask == mask", "(== (& flags mask) mask)"),
        ("(a == 1) & b", "(& (== a 1) b)"),
        ("a & (1) == b", "(== (& a 1) b)"),
        ("a > 1 and b < 2", "(& (> a 1) (< b 2))"),
        ("x == (None)", "(== x None)"),
    ]);
}

#[test]
fn each_node_knows_its_place() {
    fn walk(expr: &Expr, text: &str) {
        assert_eq!(expr.text.as_deref(), Some(text));
        let span = expr.span.unwrap();
        let again = Expr::parse(&text[span.start..span.end]);
        if !matches!(&*expr.kind, Kind::Binary(operator, ..) if operator.compares()) {
            assert_eq!(again.as_ref().ok(), Some(expr), "{}", &text[span.start..span.end]);
        }
        match &*expr.kind {
            Kind::Name(_) | Kind::Literal(_) => {}
            Kind::List(items) => items.iter().for_each(|item| walk(item, text)),
            Kind::Pairs(pairs) => pairs.iter().for_each(|(key, value)| {
                walk(key, text);
                walk(value, text);
            }),
            Kind::Unary(_, operand) | Kind::Index(operand, _) => walk(operand, text),
            Kind::Binary(_, left, right) => {
                walk(left, text);
                walk(right, text);
            }
            Kind::Call(_, arguments) => arguments.iter().for_each(|argument| walk(&argument.value, text)),
        }
    }
    let text = "not (ä + -1) * v[:, 1] and np.f({1: [df.x]}, n=`o`.str.lower()) or x if a < (b) < 'ü' else -inf";
    walk(&Expr::parse(text).unwrap(), text);
}

#[test]
fn hostile_texts_are_refused_without_much_stack() {
    let many = 100_000;
    let nested = ["(", "[", "{1:", "f(", "x.f(", "(1,", "-x**(", "not (", "{", "x[:,", "((a|b^c)&d<<e+f*"];
    let chained = ["x+", "x**", "x<", "x and ", "-", "~", "not ", "f().", "x == y or ", "1 if x else "];
    for part in nested.into_iter().chain(chained) {
        let text = part.repeat(many.min((1 << 20) / part.len() - 1)) + "x";
        let reason = refused(&text).1;
        assert!(reason.contains("nested deeper than") || part == "x[:,", "{part}: {reason}");
    }
    // Each level would have the part inside of it twice.
    assert!(refused(&("0 < (".repeat(100) + "x" + &") < 1".repeat(100))).1.contains("counts twice"));
    let long = format!("isin(x, [{}])", vec!["1"; 200_000].join(","));
    assert!(Expr::parse(&long).is_ok());
    assert!(Expr::parse(&"x".repeat((1 << 20) + 1)).unwrap_err().to_string().starts_with("the expression is longer"));

    let deepest = vec!["x"; 500].join(" + ");
    let expr = Expr::parse(&deepest).unwrap();
    assert_eq!(expr.to_string(), deepest);
    assert_eq!(expr, Expr::parse(&deepest).unwrap());
    assert_eq!(read(&("(".repeat(200) + "x" + &")".repeat(200))), "x");
}

#[test]
fn text_has_no_more_parentheses_than_needed() {
    for (text, expected) in [
        ("(a + (b * c)) - (d - e)", "a + b * c - (d - e)"),
        ("(a ** b) ** (c ** -d)", "(a ** b) ** c ** -d"),
        ("-(x ** 2) + (-x) ** 2", "-x ** 2 + (-x) ** 2"),
        ("-(2) + (-2) ** 2 - -2", "-(2) + (-2) ** 2 - -2"),
        ("a < b < c", "(a < b) & (b < c)"),
        ("a < (b & c)", "a < (b & c)"),
        ("(a < b) < c", "(a < b) < c"),
        ("not a or b", "~a | b"),
        ("x.str.lower() == 'it\\'s'", "str_lower(x) == \"it's\""),
        ("(a + b)[:, 1:, -1]", "(a + b)[:, 1:, -1]"),
        ("`class` + `nan` + `a b` + df", "`class` + `nan` + `a b` + `df`"),
        ("x == (None)", "x == (None)"),
        ("`col`('x') + `NOT`(x)", "`col`(\"x\") + `NOT`(x)"),
        ("t > datetime64(0, 's')", "t > datetime64(\"1970-01-01T00:00:00\")"),
        ("x.map({1: None, 2: [a, b]}, default_value=-inf)", "map(x, {1: None, 2: [a, b]}, default_value=-inf)"),
    ] {
        let expr = Expr::parse(text).unwrap();
        assert_eq!(expr.to_string(), expected);
        assert_eq!(Expr::parse(expected).unwrap(), expr, "{text}");
    }
}

#[test]
fn operators_of_rust_make_the_same_trees() {
    let (x, y) = (col("x"), col("y"));
    for (made, text) in [
        (2 * &x + 1.5 - &y / x.pow(-2), "2 * x + 1.5 - y / x ** -2"),
        (-(&x % 3) << 1, "-(x % 3) << 1"),
        (!(x.greater(1) & y.less_equal(2) | true ^ &x), "~((x > 1) & (y <= 2) | True ^ x)"),
        (x.floor_div(2).equal("a").or(x.not_equal(y.clone())).not(), "~((x // 2 == 'a') | (x != y))"),
        (x.isin([1, 2]).xor(x.is_null()), "x.isin([1, 2]) ^ ismissing(x)"),
        (x.between(0, 1).and(x.is_not_null()), "(x >= 0) & (x <= 1) & x.notmissing()"),
        (x.fillna(0).clip(-1, 1).cast("int32").abs().sqrt(), "x.fillna(0).clip(-1, 1).astype('int32').abs().sqrt()"),
        (when(x.less(0)).then(-1).when(&y).then(0).otherwise(&x), "case(x < 0, -1, y, 0, x)"),
        (lit(Value::List(vec![1.into(), "a".into()])), "[1, 'a']"),
        (lit(Value::Int(1 << 70)), "1180591620717411303424.0"),
    ] {
        assert_eq!(made, Expr::parse(text).unwrap(), "{made}");
    }
}

fn any_name() -> impl Strategy<Value = String> {
    let odd =
        ["", "`", "a`b``", "class", "nan", "inf", "not", "df", "np", "col", "NOT", "datetime64", "r", "é", "x²", "0a"];
    prop_oneof![
        "[a-z_][a-z0-9_]{0,3}",
        prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        prop::collection::vec(any::<char>(), 0..5).prop_map(String::from_iter),
    ]
}

fn any_literal() -> impl Strategy<Value = Value> {
    use Unit::{Day, Hour, Micro, Milli, Minute, Month, Nano, Second, Week, Year};
    let unit = || prop::sample::select(vec![Year, Month, Week, Day, Hour, Minute, Second, Milli, Micro, Nano]);
    let ticks = || prop_oneof![any::<i64>(), -100_000..100_000_i64];
    let zone = prop::option::of(any_name().prop_map(Arc::from));
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::ANY.prop_map(Value::Float),
        prop::sample::select(vec![0.0, -0.0, 1.0, f64::MIN_POSITIVE, 5e-324, f64::MAX]).prop_map(Value::Float),
        prop::collection::vec(any::<char>(), 0..6).prop_map(|text| Value::from(String::from_iter(text))),
        "[\"'\\\\\n\r\ta]{0,5}".prop_map(Value::from),
        (ticks(), unit(), zone).prop_map(|(ticks, unit, zone)| Value::Instant(ticks, unit, zone)),
        (ticks(), unit()).prop_map(|(ticks, unit)| Value::Duration(ticks, unit)),
    ]
}

fn any_expr() -> impl Strategy<Value = Expr> {
    use Binary::*;
    let operators = [
        Add,
        Subtract,
        Multiply,
        Divide,
        FloorDivide,
        Modulo,
        Power,
        And,
        Or,
        Xor,
        ShiftLeft,
        ShiftRight,
        Equal,
        NotEqual,
        Less,
        LessEqual,
        Greater,
        GreaterEqual,
    ];
    let leaf = prop_oneof![any_name().prop_map(col), any_literal().prop_map(lit)];
    leaf.prop_recursive(6, 60, 4, move |inner| {
        let unary = prop::sample::select(vec![Unary::Minus, Unary::Plus, Unary::Not]);
        let end = || prop::option::of(any::<i64>());
        let axis =
            prop_oneof![any::<i64>().prop_map(Axis::At), (end(), end()).prop_map(|(from, to)| Axis::Slice(from, to))];
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            3 => (prop::sample::select(operators.to_vec()), inner.clone(), inner.clone())
                .prop_map(|(operator, left, right)| Expr::new(Kind::Binary(operator, left, right))),
            2 => (unary, inner.clone()).prop_map(|(operator, operand)| Expr::new(Kind::Unary(operator, operand))),
            1 => several().prop_map(|items| Expr::new(Kind::List(items))),
            1 => prop::collection::vec((inner.clone(), inner.clone()), 0..3)
                .prop_map(|pairs| Expr::new(Kind::Pairs(pairs))),
            1 => (any_name(), several(), prop::collection::vec((any_name(), inner.clone()), 0..3))
                .prop_map(|(name, arguments, named)| call_with(name, arguments, named)),
            1 => (inner.clone(), prop::collection::vec(axis, 1..3))
                .prop_map(|(operand, axes)| Expr::new(Kind::Index(operand, axes))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Compared as text, since NaN equals nothing and -0.0 equals 0.0.
    #[test]
    fn what_is_written_reads_back(expr in any_expr()) {
        let text = expr.to_string();
        let again = Expr::parse(&text);
        prop_assert!(again.is_ok(), "{text}: {}", again.unwrap_err());
        prop_assert_eq!(tree(&again.unwrap()), tree(&expr), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(
        parts in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "x", "1", "2.5", "'a'", "'", "\"", "`", "``", "(", ")", "[", "]", "{", "}", ",", ":", ".", "=", "==",
                "<", "&", "|", "-", "~", "**", "*", " ", "not ", " in ", " is ", "None", " if ", " else ", "df", "np",
                "col", "datetime64", "dt", "str", "[:, ", "f(", "\\", "r'", "#", "\n", "é", "🦀",
                "0x", "_", "e5", "lambda ", "LIKE",
            ]).prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
        ], 0..24)
    ) {
        let text = parts.concat();
        match Expr::parse(&text) {
            Ok(expr) => prop_assert_eq!(tree(&Expr::parse(&expr.to_string()).unwrap()), tree(&expr)),
            Err(ColumnsError::Syntax { place, .. }) => {
                let span = place.span.unwrap();
                prop_assert!(text.get(span.start..span.end).is_some(), "{:?}", span);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
