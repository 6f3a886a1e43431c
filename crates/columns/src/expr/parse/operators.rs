//! Operators, in Python's order of precedence.
//!
//! They wait for their operands on a stack of their own instead of that of the thread, so that only brackets can nest
//! calls of the parser, and no text can bring down a thread with a small stack.

use super::{Node, Parsed, Parser, join, literal};
use crate::error::Span;
use crate::expr::lex::TokenKind;
use crate::expr::{Binary, Kind, Unary};
use crate::value::Value;

/// Precedences of what [`Binary::precedence`] does not have: `and` and `or` make the same nodes as `&` and `|`.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
/// Of a sign before an operand. `**` binds tighter than one before it, and less tight than one after: `-x**-y` is
/// `-(x**(-y))`.
const SIGN: u8 = 11;

/// An operator that waits for its right operand.
struct Waiting {
    precedence: u8,
    operator: Operator,
}

enum Operator {
    /// One before its operand, with where it begins.
    Before(Unary, Span),
    Between(Binary, Box<Node>),
    Compare(Compare),
}

/// A comparison of which the right side is still to come.
struct Compare {
    comparison: Comparison,
    /// Where its sign stands.
    sign: Span,
    left: Box<Node>,
    /// The comparisons before it in a chain: `a < b < c` is `(a < b) & (b < c)`.
    chain: Option<Box<Node>>,
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Binary(Binary),
    /// `in`, or else `not in`.
    In(bool),
    /// `is`, or else `is not`.
    Is(bool),
}

/// An operator between two operands.
enum Infix {
    Binary(Binary, u8),
    Comparison(Comparison),
}

impl Parser<'_> {
    /// Operands, with operators before and between them.
    pub(super) fn operators(&mut self) -> Parsed<Box<Node>> {
        let mut waiting = Vec::new();
        loop {
            self.before_operand(&mut waiting)?;
            let operand = self.postfix()?;
            if let Some(whole) = self.after_operand(&mut waiting, operand)? {
                return Ok(whole);
            }
        }
    }

    fn before_operand(&mut self, waiting: &mut Vec<Waiting>) -> Parsed<()> {
        loop {
            // As in Python, `not` stands in parentheses where it is an operand of what binds tighter.
            let loose = waiting.last().is_none_or(|last| last.precedence <= NOT);
            let (operator, precedence) = match self.token.kind {
                TokenKind::Sign("-") => (Unary::Minus, SIGN),
                TokenKind::Sign("+") => (Unary::Plus, SIGN),
                TokenKind::Sign("~") => (Unary::Not, SIGN),
                TokenKind::Word if loose && self.slice(self.token.span) == "not" => (Unary::Not, NOT),
                _ => return Ok(()),
            };
            waiting.push(Waiting { precedence, operator: Operator::Before(operator, self.token.span) });
            self.advance()?;
        }
    }

    /// Lets the operator after an operand wait. Without one, gives the whole.
    fn after_operand(&mut self, waiting: &mut Vec<Waiting>, operand: Box<Node>) -> Parsed<Option<Box<Node>>> {
        let start = self.token.span;
        let Some(infix) = self.infix()? else {
            return self.joined(waiting, operand, 0).map(Some);
        };
        let next = match infix {
            Infix::Binary(operator, precedence) => {
                // Powers are joined from the right.
                let least = if operator == Binary::Power { precedence + 1 } else { precedence };
                let left = self.joined(waiting, operand, least)?;
                Waiting { precedence, operator: Operator::Between(operator, left) }
            }
            Infix::Comparison(comparison) => {
                let sign = join(start, self.previous.span);
                let left = self.joined(waiting, operand, COMPARISON + 1)?;
                let chain = match waiting.pop_if(|last| last.precedence == COMPARISON) {
                    Some(before) => Some(self.applied(before.operator, left.clone())?),
                    None => None,
                };
                let compare = Compare { comparison, sign, left, chain };
                Waiting { precedence: COMPARISON, operator: Operator::Compare(compare) }
            }
        };
        waiting.push(next);
        Ok(None)
    }

    /// Gives what waits its right operand, as long as it binds at least as tightly as that.
    fn joined(&self, waiting: &mut Vec<Waiting>, mut right: Box<Node>, least: u8) -> Parsed<Box<Node>> {
        while let Some(last) = waiting.pop_if(|last| last.precedence >= least) {
            right = self.applied(last.operator, right)?;
        }
        Ok(right)
    }

    fn applied(&self, operator: Operator, right: Box<Node>) -> Parsed<Box<Node>> {
        match operator {
            Operator::Before(operator, start) => self.unary(operator, join(start, right.span), *right),
            Operator::Between(operator, left) => self.binary(operator, *left, *right),
            Operator::Compare(Compare { comparison, sign, left, chain }) => {
                self.refuse_mixed(&left, &right, sign, chain.is_some())?;
                let compared = self.compared(comparison, left, right)?;
                match chain {
                    None => Ok(compared),
                    Some(chain) => self.binary(Binary::And, *chain, *compared),
                }
            }
        }
    }

    fn unary(&self, operator: Unary, span: Span, operand: Node) -> Parsed<Box<Node>> {
        // `-(2)` and the first sign of `--2` stay operators: each tree is written in its own way.
        let unsigned = operand.bare && !self.slice(operand.span).starts_with('-');
        if let (Unary::Minus, true, Kind::Literal(value)) = (operator, unsigned, &*operand.expr.kind)
            && let Some(value) = literal::negated(value, span)?
        {
            return self.value(value, span);
        }
        let extent = operand.extent;
        self.node(Kind::Unary(operator, operand.expr), span, extent)
    }

    fn binary(&self, operator: Binary, left: Node, right: Node) -> Parsed<Box<Node>> {
        let (span, extent) = (join(left.span, right.span), left.extent.beside(right.extent));
        self.node(Kind::Binary(operator, left.expr, right.expr), span, extent)
    }

    fn compared(&self, comparison: Comparison, left: Box<Node>, right: Box<Node>) -> Parsed<Box<Node>> {
        let span = join(left.span, right.span);
        match comparison {
            Comparison::Binary(operator) => {
                self.refuse_null(operator, &left, &right)?;
                self.binary(operator, *left, *right)
            }
            Comparison::In(affirmed) => {
                self.refuse_no_list(&left, &right)?;
                let found = self.call("isin", span, [left, right])?;
                if affirmed { Ok(found) } else { self.unary(Unary::Not, span, *found) }
            }
            Comparison::Is(affirmed) => {
                if *right.expr.kind != Kind::Literal(Value::Null) {
                    let reason = "'is' asks only for None: values are compared with '=='";
                    return Err(self.hinted(right.span, reason, self.slice(right.span)));
                }
                self.call(if affirmed { "ismissing" } else { "notmissing" }, span, [left])
            }
        }
    }

    /// The operator that is next, if one is.
    fn infix(&mut self) -> Parsed<Option<Infix>> {
        let infix = match self.token.kind {
            TokenKind::Sign(sign) => match binary_of(sign) {
                Some(operator) if operator.compares() => Infix::Comparison(Comparison::Binary(operator)),
                Some(operator) => Infix::Binary(operator, operator.precedence()),
                None => return Ok(None),
            },
            TokenKind::Word => match self.slice(self.token.span) {
                "and" => Infix::Binary(Binary::And, AND),
                "or" => Infix::Binary(Binary::Or, OR),
                "in" => Infix::Comparison(Comparison::In(true)),
                "is" => {
                    self.advance()?;
                    let affirmed = !self.eat_word("not")?;
                    return Ok(Some(Infix::Comparison(Comparison::Is(affirmed))));
                }
                "not" => {
                    self.advance()?;
                    if !self.eat_word("in")? {
                        return Err(self.unexpected("'in' after 'not'"));
                    }
                    return Ok(Some(Infix::Comparison(Comparison::In(false))));
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.advance()?;
        Ok(Some(infix))
    }
}

fn binary_of(sign: &str) -> Option<Binary> {
    Some(match sign {
        "+" => Binary::Add,
        "-" => Binary::Subtract,
        "*" => Binary::Multiply,
        "/" => Binary::Divide,
        "//" => Binary::FloorDivide,
        "%" => Binary::Modulo,
        "**" => Binary::Power,
        "&" => Binary::And,
        "|" => Binary::Or,
        "^" => Binary::Xor,
        "<<" => Binary::ShiftLeft,
        ">>" => Binary::ShiftRight,
        "==" => Binary::Equal,
        "!=" => Binary::NotEqual,
        "<" => Binary::Less,
        "<=" => Binary::LessEqual,
        ">" => Binary::Greater,
        ">=" => Binary::GreaterEqual,
        _ => return None,
    })
}
