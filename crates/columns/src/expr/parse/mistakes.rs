//! What people write that is no expression, or not the one that they mean, and what to write instead.

use super::{Node, Parsed, Parser, join};
use crate::error::Span;
use crate::expr::lex::{Problem, TokenKind, is_reserved};
use crate::expr::{Binary, Kind};
use crate::value::Value;

/// How much of a token is shown.
const SHOWN: usize = 30;

impl Parser<'_> {
    /// The next token is none that can stand there.
    pub(super) fn unexpected(&self, expected: &str) -> Box<Problem> {
        let written = self.slice(self.token.span);
        let found = match self.token.kind {
            TokenKind::End => "the end".to_owned(),
            TokenKind::Text | TokenKind::Quoted => shortened(written),
            _ => format!("'{}'", shortened(written)),
        };
        let reason = format!("expected {expected}, found {found}");
        let (span, previous) = (self.token.span, self.previous);
        let operand = !matches!(self.token.kind, TokenKind::Sign(_) | TokenKind::End);
        let hint = match self.token.kind {
            TokenKind::Sign(")" | "]" | "}") if self.nesting == 0 => Some("there is no opening bracket for it"),
            TokenKind::Sign(sign) => sign_hint(sign),
            // `'it's'` and `'it''s'`.
            _ if operand && previous.kind == TokenKind::Text && previous.span.end == span.start => {
                Some("a quote inside text is written \\' or \\\"")
            }
            TokenKind::Text if previous.kind == TokenKind::Text => Some("texts are joined with '+'"),
            TokenKind::Word => word_hint(written),
            _ => None,
        };
        // `NOT x` and `import x`: the word before was taken for a name.
        let before = self.slice(previous.span);
        let misread = hint.is_none() && operand && previous.kind == TokenKind::Word && !is_reserved(before);
        let hint = if misread { word_hint(before) } else { hint };
        match hint {
            Some(hint) => Problem::new(span, format!("{reason}: {hint}")),
            None => Problem::new(span, reason),
        }
    }

    /// A problem with what is said of a word, if something is.
    pub(super) fn hinted(&self, span: Span, reason: &str, word: &str) -> Box<Problem> {
        Problem::new(span, word_hint(word).map_or_else(|| reason.to_owned(), |hint| format!("{reason}; {hint}")))
    }

    /// `NOT (x > 1)` would else be a function that does not exist.
    pub(super) fn refuse_sql_call(&self) -> Parsed<()> {
        let word = self.slice(self.token.span);
        match word_hint(word).filter(|_| is_sql_call(word)) {
            Some(hint) => Err(Problem::new(self.token.span, format!("'{word}' is no function: {hint}"))),
            None => Ok(()),
        }
    }

    /// Refuses `x == None`, which is neither true nor false.
    pub(super) fn refuse_null(&self, operator: Binary, left: &Node, right: &Node) -> Parsed<()> {
        let null = |node: &Node| node.bare && *node.expr.kind == Kind::Literal(Value::Null);
        let other = match (null(left), null(right)) {
            (false, false) => return Ok(()),
            (true, _) => right,
            (_, true) => left,
        };
        let (word, function) = match operator {
            Binary::Equal => ("is", "ismissing"),
            Binary::NotEqual => ("is not", "notmissing"),
            _ => return Ok(()),
        };
        let other = shortened(self.slice(other.span));
        let reason = format!(
            "a missing value is neither equal to None nor different from it; write `{other} {word} None` or \
             {function}(...)"
        );
        Err(Problem::new(join(left.span, right.span), reason))
    }

    pub(super) fn refuse_no_list(&self, left: &Node, right: &Node) -> Parsed<()> {
        if matches!(*right.expr.kind, Kind::List(_)) {
            return Ok(());
        }
        let reason = match (&*left.expr.kind, &*right.expr.kind) {
            (Kind::Literal(Value::Text(_)), Kind::Name(_)) => {
                let (left, right) = (self.slice(left.span), self.slice(right.span));
                format!("'in' is followed by a list; text within text is found with {right}.str.contains({left})")
            }
            _ => "'in' is followed by a list of values, as in x in [1, 2, 3]; isin(x, values) takes a variable too"
                .to_owned(),
        };
        Err(Problem::new(right.span, reason))
    }

    /// Refuses `a > 1 & b < 2`, which Python reads as `a > (1 & b) < 2`, and `a == 1 & b`, where it does the same.
    ///
    /// `flags & mask == mask` is Python for `(flags & mask) == mask`, and stays so: only where a value that is written
    /// out would be taken from its comparison, or where the middle of a chain is made of two conditions, another thing
    /// is meant.
    pub(super) fn refuse_mixed(&self, left: &Node, right: &Node, sign: Span, chained: bool) -> Parsed<()> {
        let comparison = self.slice(sign);
        let middle = |node: &Node| mixing(node).filter(|_| chained).map(|operator| (operator, node.span));
        let edge = |node: &Node, last: bool| Some((mixing(node)?, self.value_at_edge(node, last)?));
        let Some((operator, span)) = middle(left).or_else(|| edge(left, true)).or_else(|| edge(right, false)) else {
            return Ok(());
        };
        let operator = operator.as_str();
        let reason = format!(
            "'{operator}' binds tighter than '{comparison}': put each comparison in parentheses, as in \
             (a > 1) {operator} (b < 2)"
        );
        Err(Problem::new(span, reason))
    }

    /// The value that is written out at the first or the last place of operands of `&` and `|`.
    fn value_at_edge(&self, node: &Node, last: bool) -> Option<Span> {
        let mut expr = &node.expr;
        loop {
            let span = expr.span?;
            let written = self.slice(span);
            // What is in parentheses was meant to be so.
            let enclosed = if last { written.ends_with(')') } else { written.starts_with('(') };
            match &*expr.kind {
                Kind::Literal(_) | Kind::List(_) if !enclosed => return Some(span),
                Kind::Binary(Binary::And | Binary::Or | Binary::Xor, left, right) if !enclosed => {
                    expr = if last { right } else { left };
                }
                _ => return None,
            }
        }
    }
}

/// The operator of `a & b` or `a | b` without parentheses.
fn mixing(node: &Node) -> Option<Binary> {
    match &*node.expr.kind {
        Kind::Binary(operator @ (Binary::And | Binary::Or), ..) if node.bare => Some(*operator),
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// SQL's operators that may be followed by a parenthesis. Such a call is written in backticks, if there is a function
/// of that name.
pub(in crate::expr) fn is_sql_call(word: &str) -> bool {
    matches!(word, "NOT" | "AND" | "OR" | "IN" | "IS" | "LIKE" | "BETWEEN" | "CASE" | "WHEN")
}

fn sign_hint(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "=" | "===" => "equality is written '=='",
        "<>" | "!==" => "inequality is written '!='",
        "&&" => "it is written 'and', or '&' between parentheses",
        "||" => "it is written 'or', or '|' between parentheses; texts are joined with '+'",
        "!" => "it is written 'not' or '~'",
        "=<" => "it is written '<='",
        "=>" => "it is written '>='",
        "?" => "it is written `a if condition else b`",
        "@" => "a product of vectors is written dot_product(a, b)",
        "," => "several values are a list, in square brackets",
        ";" => "there is one expression, and no statements",
        ":=" | "+=" | "-=" | "*=" | "/=" | "//=" | "%=" | "**=" | "&=" | "|=" | "^=" | "<<=" | ">>=" | "@=" => {
            "an expression assigns nothing"
        }
        _ => return None,
    })
}

fn word_hint(word: &str) -> Option<&'static str> {
    Some(match word {
        "for" => "comprehensions are not supported, since an expression is computed for every row",
        "lambda" => "there are no functions inside an expression; register one, and call it by its name",
        "not" => "'not' and its operand stand in parentheses here",
        "and" | "or" | "in" | "is" | "if" | "else" => return None,
        _ => match word.to_lowercase().as_str() {
            "and" => "it is written 'and'",
            "or" => "it is written 'or'",
            "not" => "it is written 'not'",
            "in" => "it is written 'in'",
            "is" | "null" | "isnull" | "notnull" | "none" => {
                "a missing value is found with `x is None` or ismissing(x)"
            }
            "like" | "ilike" | "rlike" | "regexp" | "similar" => {
                "text is matched with x.str.contains(\"part\"), x.str.startswith(\"start\") or x.str.endswith(\"end\")"
            }
            "between" => "it is written `low <= x <= high`",
            "xor" => "it is written '^'",
            "div" => "it is written '//'",
            "mod" => "it is written '%'",
            "case" | "when" | "then" => "it is written `a if condition else b`",
            "as" | "assert" | "async" | "await" | "class" | "def" | "del" | "from" | "global" | "import"
            | "nonlocal" | "raise" | "return" | "try" | "while" | "with" | "yield" | "print" | "select" => {
                "there is one expression, and no statements"
            }
            _ => return None,
        },
    })
}
