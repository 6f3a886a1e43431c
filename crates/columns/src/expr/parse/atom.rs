//! What operators stand between: names, values, and what is in brackets.

use super::{Extent, Node, Parsed, Parser, join, literal};
use crate::error::Span;
use crate::expr::lex::{Problem, TokenKind, is_reserved};
use crate::expr::{Expr, Kind};
use crate::types::Type;
use crate::value::Value;

impl Parser<'_> {
    pub(super) fn atom(&mut self) -> Parsed<Box<Node>> {
        let span = self.token.span;
        match self.token.kind {
            TokenKind::Number => {
                let value = literal::number(self.slice(span), span)?;
                self.advance()?;
                self.value(value, span)
            }
            TokenKind::Text => {
                let text = self.text_token()?;
                self.value(Value::Text(text.into()), span)
            }
            TokenKind::Quoted => {
                let name = self.any_name()?;
                if self.at("(") { self.method(&name, span, None) } else { self.name(&name, span) }
            }
            TokenKind::Word => self.word(),
            TokenKind::Sign("(") => self.parentheses(),
            TokenKind::Sign("[") => {
                self.open()?;
                self.list(span, "]", Vec::new(), Extent::default())
            }
            TokenKind::Sign("{") => self.braces(),
            _ => Err(self.unexpected("a column, a value or '('")),
        }
    }

    pub(super) fn value(&self, value: Value, span: Span) -> Parsed<Box<Node>> {
        self.node(Kind::Literal(value), span, Extent::default())
    }

    fn name(&self, name: &str, span: Span) -> Parsed<Box<Node>> {
        self.node(Kind::Name(name.into()), span, Extent::default())
    }

    /// The text that is next.
    fn text_token(&mut self) -> Parsed<String> {
        let span = self.token.span;
        let text = literal::text(self.slice(span), span)?;
        self.advance()?;
        Ok(text)
    }

    /// The name that is next, in backticks or not. Here any word is one.
    pub(super) fn any_name(&mut self) -> Parsed<String> {
        let text = self.slice(self.token.span);
        let name = match self.token.kind {
            TokenKind::Word => text.to_owned(),
            TokenKind::Quoted => text.get(1..text.len() - 1).unwrap_or_default().replace("``", "`"),
            _ => return Err(self.unexpected("a name")),
        };
        self.advance()?;
        Ok(name)
    }

    fn word(&mut self) -> Parsed<Box<Node>> {
        let span = self.token.span;
        let word = self.slice(span);
        let constant = match word {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            "nan" => Some(Value::Float(f64::NAN)),
            "inf" => Some(Value::Float(f64::INFINITY)),
            _ if is_reserved(word) => {
                let mut problem = self.unexpected("a column, a value or '('");
                problem.reason.push_str(&format!("; a column of that name is written `{word}`"));
                return Err(problem);
            }
            _ => None,
        };
        let follows = self.peek();
        if follows == TokenKind::Sign("(") && constant.is_none() {
            self.refuse_sql_call()?;
        }
        self.advance()?;
        match (constant, word, follows) {
            (Some(value), ..) => self.value(value, span),
            (_, "col", TokenKind::Sign("(")) => self.column_by_text(span, "("),
            (_, _, TokenKind::Sign("(")) => self.function(word, span),
            (_, "df", TokenKind::Sign("[")) => self.column_by_text(span, "["),
            (_, "df", TokenKind::Sign(".")) => self.frame(span),
            (_, "np" | "numpy" | "math", TokenKind::Sign(".")) => self.module(span),
            _ => self.name(word, span),
        }
    }

    /// `col("any name")` and `df["any name"]`, after the word.
    fn column_by_text(&mut self, start: Span, opening: &'static str) -> Parsed<Box<Node>> {
        let open = self.open()?;
        if self.token.kind != TokenKind::Text {
            let reason = if opening == "(" {
                "col takes the name of a column as text, as in col(\"odd name\")"
            } else {
                "an expression is computed for every row: df[\"name\"] is a column, but rows are chosen by filtering \
                 or slicing the frame"
            };
            return Err(Problem::new(self.token.span, reason));
        }
        let name = self.text_token()?;
        let end = self.close(open, if opening == "(" { ")" } else { "]" })?;
        self.name(&name, join(start, end))
    }

    /// After `df`: a column, or a function after `.func`.
    fn frame(&mut self, start: Span) -> Parsed<Box<Node>> {
        self.advance()?;
        let mut end = self.token.span;
        let mut name = self.any_name()?;
        if matches!(name.as_str(), "func" | "col") && self.eat(".")? {
            let function = name == "func";
            end = self.token.span;
            name = self.any_name()?;
            if function {
                return match self.at("(") {
                    true => self.function(&name, start),
                    false => Err(self.unexpected("'(' after the name of a function")),
                };
            }
        }
        if self.at("(") {
            let reason = format!("'{name}' of the frame is no part of an expression; a function is called {name}(...)");
            return Err(Problem::new(join(start, end), reason));
        }
        self.name(&name, join(start, end))
    }

    /// After `np`, `numpy` or `math`: a function, a constant, or the name of a type.
    fn module(&mut self, start: Span) -> Parsed<Box<Node>> {
        self.advance()?;
        let span = join(start, self.token.span);
        let name = self.any_name()?;
        if self.at("(") {
            return self.function(&name, start);
        }
        let value = match name.as_str() {
            "nan" => Value::Float(f64::NAN),
            "inf" => Value::Float(f64::INFINITY),
            "pi" => Value::Float(std::f64::consts::PI),
            "e" => Value::Float(std::f64::consts::E),
            "tau" => Value::Float(std::f64::consts::TAU),
            // As in `x.astype(np.float32)`; `np.bool_` is so called because Python's own is another.
            _ if Type::from_name(name.trim_end_matches('_')).is_some() => Value::from(name.trim_end_matches('_')),
            _ => {
                let reason = format!(
                    "'{}' is neither a function that is called nor one of the constants nan, inf, pi, e and tau",
                    self.slice(span)
                );
                return Err(Problem::new(span, reason));
            }
        };
        self.value(value, span)
    }

    /// An expression in parentheses, or a tuple, which is a list.
    fn parentheses(&mut self) -> Parsed<Box<Node>> {
        let open = self.open()?;
        if self.at(")") {
            return self.list(open, ")", Vec::new(), Extent::default());
        }
        let mut node = self.expression()?;
        if self.eat(",")? {
            return self.list(open, ")", vec![node.expr], node.extent);
        }
        let end = self.close(open, ")")?;
        node.span = join(open, end);
        node.expr.span = Some(node.span);
        node.bare = false;
        Ok(node)
    }

    /// `{key: value}`, or a set of values, which is a list.
    fn braces(&mut self) -> Parsed<Box<Node>> {
        let open = self.open()?;
        let (mut pairs, mut extent) = (Vec::new(), Extent::default());
        while !self.at("}") {
            let key = self.expression()?;
            extent = extent.beside(key.extent);
            if pairs.is_empty() && !self.at(":") {
                return match self.eat(",")? {
                    true => self.list(open, "}", vec![key.expr], extent),
                    false => {
                        let end = self.close(open, "}")?;
                        self.node(Kind::List(vec![key.expr]), join(open, end), extent)
                    }
                };
            }
            if !self.eat(":")? {
                return Err(self.unexpected("':' and what the key stands for"));
            }
            let value = self.expression()?;
            extent = extent.beside(value.extent);
            pairs.push((key.expr, value.expr));
            if !self.eat(",")? {
                break;
            }
        }
        let end = self.close(open, "}")?;
        self.node(Kind::Pairs(pairs), join(open, end), extent)
    }

    /// The rest of a list, after its opening bracket or after a comma.
    fn list(&mut self, open: Span, close: &'static str, mut items: Vec<Expr>, mut extent: Extent) -> Parsed<Box<Node>> {
        while !self.at(close) {
            let item = self.expression()?;
            extent = extent.beside(item.extent);
            items.push(item.expr);
            if !self.eat(",")? {
                break;
            }
        }
        let end = self.close(open, close)?;
        self.node(Kind::List(items), join(open, end), extent)
    }

    /// Takes an opening bracket.
    pub(super) fn open(&mut self) -> Parsed<Span> {
        let span = self.token.span;
        self.enter()?;
        self.advance()?;
        Ok(span)
    }

    /// Takes the closing bracket.
    pub(super) fn close(&mut self, open: Span, close: &'static str) -> Parsed<Span> {
        let span = self.token.span;
        if self.eat(close)? {
            self.leave();
            return Ok(span);
        }
        let opening = self.slice(open);
        if self.token.kind == TokenKind::End {
            return Err(Problem::new(open, format!("this '{opening}' is never closed: a '{close}' is missing")));
        }
        let at = self.text.get(..open.start).unwrap_or_default().chars().count() + 1;
        Err(self.unexpected(&format!("',' or the '{close}' of the '{opening}' at character {at}")))
    }
}
