//! Expressions with other names in them.

use std::sync::Arc;

use super::{Argument, Expr, Kind};

impl Expr {
    /// The same expression, with every name for which there is another one replaced by it.
    pub(crate) fn renamed(&self, other: &dyn Fn(&str) -> Option<Arc<str>>) -> Self {
        let again = |expr: &Self| expr.renamed(other);
        let kind = match &*self.kind {
            Kind::Name(name) => match other(name) {
                Some(name) => Kind::Name(name),
                None => return self.clone(),
            },
            Kind::Literal(_) => return self.clone(),
            Kind::List(items) => Kind::List(items.iter().map(again).collect()),
            Kind::Pairs(pairs) => Kind::Pairs(pairs.iter().map(|(key, value)| (again(key), again(value))).collect()),
            Kind::Unary(operator, operand) => Kind::Unary(*operator, again(operand)),
            Kind::Binary(operator, left, right) => Kind::Binary(*operator, again(left), again(right)),
            Kind::Call(name, arguments) => Kind::Call(
                name.clone(),
                arguments
                    .iter()
                    .map(|argument| Argument { name: argument.name.clone(), value: again(&argument.value) })
                    .collect(),
            ),
            Kind::Index(vector, axes) => Kind::Index(again(vector), axes.clone()),
        };
        if kind == *self.kind {
            return self.clone();
        }
        // The text it was read from names other columns now.
        Self::new(kind)
    }

    /// All names in it, each as often as it stands there.
    pub(crate) fn names(&self, found: &mut Vec<Arc<str>>) {
        match &*self.kind {
            Kind::Name(name) => found.push(name.clone()),
            Kind::Literal(_) => {}
            Kind::List(items) => items.iter().for_each(|item| item.names(found)),
            Kind::Pairs(pairs) => pairs.iter().for_each(|(key, value)| {
                key.names(found);
                value.names(found);
            }),
            Kind::Unary(_, operand) => operand.names(found),
            Kind::Binary(_, left, right) => {
                left.names(found);
                right.names(found);
            }
            Kind::Call(_, arguments) => arguments.iter().for_each(|argument| argument.value.names(found)),
            Kind::Index(vector, _) => vector.names(found),
        }
    }
}
