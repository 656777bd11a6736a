//! System calls: `write(4, ..., 1000) = -1 EPIPE (Broken pipe)`.

use super::Words;
use crate::packetdrill::ast::{Call, Expr, ExprKind, Field};
use crate::packetdrill::lex::Kind;
use crate::scenario::Problem;

impl Words<'_> {
    /// A call; `end` is when it returns, if it blocks.
    pub(super) fn call(&mut self, end: Option<u64>) -> Result<Call, Problem> {
        let name_span = self.span();
        let Kind::Word(name) = self.peek() else { return Err(self.unexpected("the name of a system call")) };
        self.bump();
        self.expect('(', "and the arguments of the call")?;
        let args = self.list(')')?;
        self.expect('=', "and the result of the call")?;
        let start = self.span().start;
        let result = self.expr()?;
        let errno = match self.peek() {
            // A word, unless it begins the next event (none begins with a word).
            Kind::Word(errno) => {
                self.bump();
                Some(errno.clone())
            }
            _ => None,
        };
        let result_span = start..self.end();
        if self.is_punct('(') {
            self.note()?;
        }
        Ok(Call { end, name: name.clone(), name_span, args, result, errno, result_span })
    }

    /// What a person may add in parentheses: `(Broken pipe)`, `(flags O_RDWR|O_NONBLOCK)`.
    fn note(&mut self) -> Result<(), Problem> {
        self.expect('(', "before a note")?;
        loop {
            match self.peek() {
                Kind::Punct(')') => {
                    self.bump();
                    return Ok(());
                }
                Kind::Word(_)
                | Kind::Int(_)
                | Kind::Hex(_)
                | Kind::Punct('|' | ',' | '\'' | '-' | '.' | '/') => {
                    self.bump();
                }
                _ => return Err(self.unexpected("a word or `)` in this note")),
            }
        }
    }

    /// Expressions up to the closing mark, which is read.
    fn list(&mut self, close: char) -> Result<Vec<Expr>, Problem> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(self.expr()?);
            if self.take(close) {
                return Ok(items);
            }
            self.expect(',', &format!("or `{close}`"))?;
        }
    }

    pub(super) fn expr(&mut self) -> Result<Expr, Problem> {
        let start = self.span().start;
        let mut expr = self.operand()?;
        while self.take('|') {
            let right = self.operand()?;
            let kind = ExprKind::Or(Box::new(expr), Box::new(right));
            expr = Expr { kind, span: start..self.end() };
        }
        Ok(expr)
    }

    fn operand(&mut self) -> Result<Expr, Problem> {
        let start = self.span().start;
        let kind = match self.peek() {
            Kind::Ellipsis => {
                self.bump();
                ExprKind::Ellipsis
            }
            Kind::Int(n) | Kind::Hex(n) => {
                self.bump();
                ExprKind::Int(*n)
            }
            Kind::Word(word) => {
                self.bump();
                if self.take('(') {
                    ExprKind::Apply(word.clone(), self.list(')')?)
                } else {
                    ExprKind::Word(word.clone())
                }
            }
            Kind::Str(_) => ExprKind::Str(self.texts()),
            Kind::Punct('[') => {
                self.bump();
                ExprKind::List(self.list(']')?)
            }
            Kind::Punct('{') => {
                self.bump();
                ExprKind::Struct(self.fields()?)
            }
            _ => {
                return Err(
                    self.unexpected("a value: a number, a name, a \"text\", `[...]`, `{...}` or `...`")
                );
            }
        };
        Ok(Expr { kind, span: start..self.end() })
    }

    /// Texts in a row are one; `...` behind one is a part of it.
    fn texts(&mut self) -> String {
        let mut all = String::new();
        while let Kind::Str(text) = self.peek() {
            all.push_str(text);
            self.bump();
        }
        if self.peek() == &Kind::Ellipsis {
            self.bump();
        }
        all
    }

    /// The parts of a structure up to `}`, which is read.
    fn fields(&mut self) -> Result<Vec<Field>, Problem> {
        let mut fields = Vec::new();
        if self.take('}') {
            return Ok(fields);
        }
        loop {
            fields.push(self.field()?);
            if self.take('}') {
                return Ok(fields);
            }
            self.expect(',', "or `}`")?;
        }
    }

    fn field(&mut self) -> Result<Field, Problem> {
        let name = match self.peek() {
            Kind::Word(name) if self.peek_at(1) == &Kind::Punct('=') => name,
            // `msg_iov(1)=[…]`; a plain application has no `=` behind it.
            Kind::Word(name)
                if self.peek_at(1) == &Kind::Punct('(')
                    && self.peek_at(3) == &Kind::Punct(')')
                    && self.peek_at(4) == &Kind::Punct('=') =>
            {
                name
            }
            _ => return Ok(Field { name: None, arg: None, value: self.expr()? }),
        };
        self.bump();
        let arg = if self.take('(') {
            let arg = self.expr()?;
            self.expect(')', "behind the number of elements")?;
            Some(arg)
        } else {
            None
        };
        self.expect('=', "and the value of the field")?;
        Ok(Field { name: Some(name.clone()), arg, value: self.expr()? })
    }
}
