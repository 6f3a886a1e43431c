//! Expressions with other names in them.

use std::sync::Arc;

use super::{Argument, Expr, Kind};

impl Expr {
    /// The same expression, with every name for which there is another one replaced by it.
    pub(crate) fn renamed(&self, other: &dyn Fn(&str) -> Option<Arc<str>>) -> Self {
        if let Kind::Name(name) = &*self.kind {
            return other(name).map_or_else(|| self.clone(), |name| Self::new(Kind::Name(name)));
        }
        let parts = self.with_parts::<std::convert::Infallible>(&mut |part| Ok(part.renamed(other)));
        match parts {
            Ok(expr) => expr,
            Err(never) => match never {},
        }
    }

    /// The same expression of other parts.
    pub(crate) fn with_parts<E>(&self, part: &mut dyn FnMut(&Self) -> Result<Self, E>) -> Result<Self, E> {
        let kind = match &*self.kind {
            Kind::Name(_) | Kind::Literal(_) => return Ok(self.clone()),
            Kind::List(items) => Kind::List(items.iter().map(&mut *part).collect::<Result<_, _>>()?),
            Kind::Pairs(pairs) => {
                Kind::Pairs(pairs.iter().map(|(key, value)| Ok((part(key)?, part(value)?))).collect::<Result<_, E>>()?)
            }
            Kind::Unary(operator, operand) => Kind::Unary(*operator, part(operand)?),
            Kind::Binary(operator, left, right) => Kind::Binary(*operator, part(left)?, part(right)?),
            Kind::Call(name, arguments) => {
                let mut of =
                    |argument: &Argument| Ok(Argument { name: argument.name.clone(), value: part(&argument.value)? });
                Kind::Call(name.clone(), arguments.iter().map(&mut of).collect::<Result<_, E>>()?)
            }
            Kind::Index(vector, axes) => Kind::Index(part(vector)?, axes.clone()),
        };
        if kind == *self.kind {
            return Ok(self.clone());
        }
        // The text it was read from names other columns now.
        Ok(Self::new(kind))
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
