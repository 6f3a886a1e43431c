//! Reads an expression from text: Python's operators with Python's precedence.
//!
//! | written | read as |
//! | --- | --- |
//! | `x`, `` `odd name` ``, `col("odd name")`, `df.x`, `df["odd name"]` | a column; names are not normalised |
//! | `nan`, `inf`, `np.pi`, `math.e` | constants; `pi` and `e` alone are columns, and so is `nan` in backticks |
//! | `[a, b]`, `(a, b)`, `{a, b}` | a list |
//! | `a and b`, `a or b`, `not a` | the nodes of `&`, `\|` and `~` |
//! | `a < b < c` | `(a < b) & (b < c)` |
//! | `x in [a, b]`, `x is None`, `a if c else b` | `isin`, `ismissing`, `where` |
//! | `x.f(a)`, `np.f(x, a)`, `df.func.f(x, a)` | `f(x, a)` |
//! | `x.str.lower()`, `x.dt.year` | `str_lower(x)`, `dt_year(x)` |
//! | `v[:, 1]` | components of a vector |
//! | `datetime64("2020-01-31")`, `timedelta64(3, "D")` | values ([`time`]) |
//!
//! What Python's grammar has and an expression over columns cannot mean (statements, `lambda`, comprehensions, ...) is
//! told by name, and so is what other languages write for an operator ([`mistakes`]).

mod atom;
mod literal;
mod mistakes;
mod operators;
mod postfix;
pub(crate) mod time;

use std::sync::Arc;

use super::lex::{Lexer, Problem, Token, TokenKind};
use super::{Argument, Expr, Kind};
use crate::error::{ColumnsError, ColumnsResult, Place, Span};

pub(super) use mistakes::is_sql_call;

/// Longer texts are refused, in bytes.
const MAX_LENGTH: usize = 1 << 20;
/// How deep brackets may be nested.
const MAX_NESTING: u32 = 200;
/// How deep the tree may be. Whatever walks over it (and drops it) calls itself as often as that, and a chain of
/// operators makes a tree as deep as it is long.
const MAX_DEPTH: u32 = 500;
/// How many nodes there may be. Text of the greatest length has fewer, but `a < b < c` is made of `b` twice: such
/// chains in each other would double what there is to compute with every level.
const MAX_NODES: u32 = 1 << 20;

type Parsed<T> = Result<T, Box<Problem>>;

/// Reads an expression.
pub(super) fn parse(text: &str) -> ColumnsResult<Expr> {
    if text.len() > MAX_LENGTH {
        let start: String = text.chars().take(40).collect();
        let reason = format!("the expression is longer than {MAX_LENGTH} bytes: it has {}", text.len());
        return Err(ColumnsError::Syntax { place: Place { text: format!("{start}...").into(), span: None }, reason });
    }
    let shared: Arc<str> = text.into();
    let parsed = Parser::new(text, shared.clone()).and_then(|mut parser| parser.whole());
    parsed.map(|node| node.expr).map_err(|problem| {
        let place = Place { text: shared, span: Some(problem.span) };
        ColumnsError::Syntax { place, reason: problem.reason }
    })
}

/// An expression that was read.
#[derive(Debug, Clone)]
struct Node {
    expr: Expr,
    /// What it stands on in the text, with its parentheses.
    span: Span,
    extent: Extent,
    /// Whether it is without parentheses.
    bare: bool,
}

/// How large a tree is.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    depth: u32,
    nodes: u32,
}

impl Extent {
    /// Of two trees beside each other.
    fn beside(self, other: Self) -> Self {
        Self { depth: self.depth.max(other.depth), nodes: self.nodes.saturating_add(other.nodes) }
    }
}

struct Parser<'a> {
    text: &'a str,
    shared: Arc<str>,
    lexer: Lexer<'a>,
    /// The token that is next.
    token: Token,
    /// The token before.
    previous: Token,
    nesting: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, shared: Arc<str>) -> Parsed<Self> {
        let mut lexer = Lexer::new(text);
        let token = lexer.token()?;
        let previous = Token { kind: TokenKind::End, span: Span { start: 0, end: 0 } };
        Ok(Self { text, shared, lexer, token, previous, nesting: 0 })
    }

    fn whole(&mut self) -> Parsed<Box<Node>> {
        if self.token.kind == TokenKind::End {
            return Err(Problem::new(self.token.span, "the expression is empty"));
        }
        let node = self.expression()?;
        match self.token.kind {
            TokenKind::End => Ok(node),
            _ => Err(self.unexpected("an operator or the end")),
        }
    }

    /// `x if c else y`, or what binds tighter.
    fn expression(&mut self) -> Parsed<Box<Node>> {
        let value = self.operators()?;
        if !self.eat_word("if")? {
            return Ok(value);
        }
        let condition = self.operators()?;
        if !self.eat_word("else")? {
            return Err(self.unexpected("'else', as in `a if condition else b`"));
        }
        self.enter()?;
        let otherwise = self.expression()?;
        self.leave();
        let span = join(value.span, otherwise.span);
        self.call("where", span, [condition, value, otherwise])
    }

    fn call<const N: usize>(&self, name: &str, span: Span, operands: [Box<Node>; N]) -> Parsed<Box<Node>> {
        let extent = operands.iter().fold(Extent::default(), |extent, node| extent.beside(node.extent));
        let arguments = operands.map(|node| Argument { name: None, value: node.expr });
        self.node(Kind::Call(name.into(), arguments.into()), span, extent)
    }

    /// The only place where nodes are made, which keeps trees small enough to walk over. `extent` is that of the parts.
    fn node(&self, kind: Kind, span: Span, extent: Extent) -> Parsed<Box<Node>> {
        let extent = Extent { depth: extent.depth + 1, nodes: extent.nodes.saturating_add(1) };
        if extent.depth > MAX_DEPTH {
            let reason = format!(
                "this is nested deeper than {MAX_DEPTH}, where a chain of operators counts each: put parts of it in \
                 parentheses, or make virtual columns of them"
            );
            return Err(Problem::new(span, reason));
        }
        if extent.nodes > MAX_NODES {
            let reason = format!(
                "this has more than {MAX_NODES} parts, where the middle of a comparison a < b < c counts twice"
            );
            return Err(Problem::new(span, reason));
        }
        let expr = Expr { kind: Arc::new(kind), span: Some(span), text: Some(self.shared.clone()) };
        Ok(Box::new(Node { expr, span, extent, bare: true }))
    }

    /// Counts what may hold the same again. Nothing is counted back after a mistake, which ends the parser.
    fn enter(&mut self) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Problem::new(self.token.span, format!("this is nested deeper than {MAX_NESTING}")));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.nesting -= 1;
    }

    fn advance(&mut self) -> Parsed<()> {
        self.previous = self.token;
        self.token = self.lexer.token()?;
        Ok(())
    }

    /// The token after the next one. Where it is none, the mistake is told when it is reached.
    fn peek(&self) -> TokenKind {
        self.lexer.clone().token().map_or(TokenKind::End, |token| token.kind)
    }

    fn at(&self, sign: &'static str) -> bool {
        self.token.kind == TokenKind::Sign(sign)
    }

    fn eat(&mut self, sign: &'static str) -> Parsed<bool> {
        let there = self.at(sign);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn eat_word(&mut self, word: &str) -> Parsed<bool> {
        let there = self.token.kind == TokenKind::Word && self.slice(self.token.span) == word;
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

fn join(first: Span, last: Span) -> Span {
    Span { start: first.start, end: last.end }
}
