//! What follows an operand: methods, properties, arguments and components.

use super::{Extent, Node, Parsed, Parser, join, literal, time};
use crate::error::Span;
use crate::expr::lex::{Problem, TokenKind};
use crate::expr::{Argument, Axis, Kind};

/// Vaex's namespaces of functions: `x.str.lower()` is `str_lower(x)`.
const NAMESPACES: [&str; 5] = ["dt", "geo", "list", "str", "td"];

/// Parts of instants, which people forget the `.dt` of.
const PARTS: [&str; 8] = ["year", "month", "day", "hour", "minute", "second", "date", "dayofweek"];

impl Parser<'_> {
    pub(super) fn postfix(&mut self) -> Parsed<Box<Node>> {
        let mut node = self.atom()?;
        loop {
            node = match self.token.kind {
                TokenKind::Sign(".") => self.attribute(node)?,
                TokenKind::Sign("[") => self.index(node)?,
                TokenKind::Sign("(") => {
                    let reason = "only a name can be called as a function; is an operator missing before this '('?";
                    return Err(Problem::new(self.token.span, reason));
                }
                _ => return Ok(node),
            }
        }
    }

    fn attribute(&mut self, node: Box<Node>) -> Parsed<Box<Node>> {
        self.advance()?;
        let plain = self.token.kind == TokenKind::Word;
        let mut span = self.token.span;
        let mut name = self.any_name()?;
        let mut property = false;
        if plain && NAMESPACES.contains(&name.as_str()) && self.eat(".")? {
            property = matches!(name.as_str(), "dt" | "td");
            span = join(span, self.token.span);
            name = format!("{name}_{}", self.any_name()?);
        }
        if self.at("(") {
            let start = node.span;
            return self.method(&name, start, Some(node));
        }
        if property {
            let span = join(node.span, span);
            return self.call(&name, span, [node]);
        }
        let written = self.slice(span);
        let reason = if NAMESPACES.contains(&written) {
            format!("'.{written}' is followed by what is wanted of it, as in .str.lower() or .dt.year")
        } else if PARTS.contains(&written) {
            format!("there is no attribute '{written}': a part of an instant is .dt.{written}")
        } else {
            format!("there is no attribute '{written}'; if it is a method, it is called with parentheses: .{written}()")
        };
        Err(Problem::new(span, reason))
    }

    /// A call by name, of which the arguments in parentheses are next. Instants and durations are written as calls.
    pub(super) fn function(&mut self, name: &str, start: Span) -> Parsed<Box<Node>> {
        if !matches!(name, "datetime64" | "timedelta64") {
            return self.method(name, start, None);
        }
        let (arguments, _, end) = self.arguments()?;
        let span = join(start, end);
        self.value(time::literal(name, span, &arguments)?, span)
    }

    /// A call of any name. A method has its object before the arguments.
    pub(super) fn method(&mut self, name: &str, start: Span, object: Option<Box<Node>>) -> Parsed<Box<Node>> {
        let (rest, extent, end) = self.arguments()?;
        let extent = object.iter().fold(extent, |extent, object| extent.beside(object.extent));
        let object = object.map(|object| Argument { name: None, value: object.expr });
        self.node(Kind::Call(name.into(), object.into_iter().chain(rest).collect()), join(start, end), extent)
    }

    /// Arguments in parentheses, and where these end.
    fn arguments(&mut self) -> Parsed<(Vec<Argument>, Extent, Span)> {
        let open = self.open()?;
        let (mut arguments, mut extent) = (Vec::new(), Extent::default());
        while !self.at(")") {
            let argument = self.argument(arguments.last(), &mut extent)?;
            arguments.push(argument);
            if !self.eat(",")? {
                break;
            }
        }
        let end = self.close(open, ")")?;
        Ok((arguments, extent, end))
    }

    fn argument(&mut self, before: Option<&Argument>, extent: &mut Extent) -> Parsed<Argument> {
        let start = self.token.span;
        let mut name = None;
        if matches!(self.token.kind, TokenKind::Word | TokenKind::Quoted) && self.peek() == TokenKind::Sign("=") {
            name = Some(self.any_name()?.into());
            self.advance()?;
        }
        let node = self.expression()?;
        if name.is_none() && before.is_some_and(|before| before.name.is_some()) {
            let reason = "an argument without a name follows one with a name; a comparison is written '==', not '='";
            return Err(Problem::new(join(start, node.span), reason));
        }
        *extent = extent.beside(node.extent);
        Ok(Argument { name, value: node.expr })
    }

    /// Components of a vector, `[:, 1]` or `[:, 2:5]`. All that there are, `[:]`, are the vector itself.
    fn index(&mut self, mut node: Box<Node>) -> Parsed<Box<Node>> {
        let open = self.open()?;
        let rows = self.token.span;
        if !self.eat(":")? || !(self.at(",") || self.at("]")) {
            let reason = "the first axis is the rows, and is taken whole: x[:, 0] is a component of a vector column. \
                          Rows are chosen by slicing or filtering the frame";
            return Err(Problem::new(rows, reason));
        }
        let mut axes = Vec::new();
        while self.eat(",")? && !self.at("]") {
            axes.push(self.axis()?);
        }
        let end = self.close(open, "]")?;
        let (span, extent) = (join(node.span, end), node.extent);
        if axes.is_empty() {
            node.span = span;
            node.expr.span = Some(span);
            return Ok(node);
        }
        self.node(Kind::Index(node.expr, axes), span, extent)
    }

    fn axis(&mut self) -> Parsed<Axis> {
        let from = self.position()?;
        if !self.eat(":")? {
            return from.map(Axis::At).ok_or_else(|| self.unexpected("a position or a slice, both of whole numbers"));
        }
        let to = self.position()?;
        if self.at(":") {
            return Err(Problem::new(self.token.span, "a slice has no step: components are taken one after the other"));
        }
        Ok(Axis::Slice(from, to))
    }

    /// A whole number, perhaps with a minus before it.
    fn position(&mut self) -> Parsed<Option<i64>> {
        let start = self.token.span;
        let negative = self.eat("-")?;
        if self.token.kind != TokenKind::Number {
            return if negative { Err(self.unexpected("a whole number")) } else { Ok(None) };
        }
        let span = join(start, self.token.span);
        let value = literal::number(self.slice(self.token.span), self.token.span)?.as_i128();
        self.advance()?;
        match value.and_then(|value| i64::try_from(if negative { -value } else { value }).ok()) {
            Some(position) => Ok(Some(position)),
            None => Err(Problem::new(span, "a position is a whole number of 64 bits")),
        }
    }
}
