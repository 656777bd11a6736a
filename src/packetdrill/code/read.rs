//! From the text of a code block to its statements.

use super::{Block, Expr, Op, Relation, Statement, StatementKind};
use crate::packetdrill::ast::Span;
use crate::scenario::Problem;

/// Depth of brackets and signs that is read: enough for people, too little for the stack.
const DEEPEST: usize = 64;

/// Reads a block; `offset` is the place of its first byte in the script.
///
/// # Errors
/// What is no statement of those that are known here.
pub fn parse(text: &str, offset: usize) -> Result<Block, Problem> {
    let words = words(text, offset)?;
    let mut reader = Reader { words: &words, at: 0, end: offset + text.len(), depth: 0 };
    let mut statements = Vec::new();
    loop {
        while reader.take("\n") || reader.take(";") {}
        if reader.peek().is_none() {
            return Ok(Block { statements });
        }
        statements.push(reader.statement()?);
        match reader.peek() {
            None | Some("\n" | ";") => {}
            Some(_) => return Err(reader.unexpected("`;` or the end of the line behind this statement")),
        }
    }
}

/// A word and its place.
type Word<'a> = (&'a str, Span);

/// The words of a block; line ends within brackets and behind `\` are none.
fn words(text: &str, offset: usize) -> Result<Vec<Word<'_>>, Problem> {
    const LONG: [&str; 10] = ["==", "!=", "<=", ">=", "<<", ">>", "//", "+=", "-=", "*="];
    let mut words = Vec::new();
    let (mut at, mut brackets) = (0, 0u32);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let run = |such: fn(char) -> bool| rest.find(|c| !such(c)).unwrap_or(rest.len());
        let len = match c {
            '\\' if rest[1..].trim_start_matches([' ', '\t', '\r']).starts_with('\n') => {
                at += rest.find('\n').unwrap_or(0) + 1;
                continue;
            }
            '#' => {
                at += run(|c| c != '\n');
                continue;
            }
            '\n' if brackets == 0 => 1,
            _ if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' | '\'' => match rest[1..].find(c) {
                Some(end) => end + 2,
                None => {
                    let span = offset + at..offset + at + 1;
                    return Err(wrong("a text does not end", span, "begun here"));
                }
            },
            _ if c.is_ascii_alphanumeric() || c == '_' => {
                run(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
            }
            _ => LONG.iter().find(|op| rest.starts_with(**op)).map_or(c.len_utf8(), |op| op.len()),
        };
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        words.push((&rest[..len], offset + at..offset + at + len));
        at += len;
    }
    Ok(words)
}

fn wrong(message: &str, span: Span, label: &str) -> Problem {
    Problem { message: message.into(), span, label: label.into(), help: None }
}

struct Reader<'a> {
    words: &'a [Word<'a>],
    at: usize,
    end: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(|(word, _)| *word)
    }
    fn peek_second(&self) -> Option<&'a str> {
        self.words.get(self.at + 1).map(|(word, _)| *word)
    }
    fn span(&self) -> Span {
        self.words.get(self.at).map_or(self.end..self.end, |(_, span)| span.clone())
    }
    fn take(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        self.at += usize::from(is);
        is
    }
    fn expect(&mut self, word: &str) -> Result<(), Problem> {
        if self.take(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }
    fn unexpected(&self, expected: &str) -> Problem {
        let message = match self.peek() {
            None => "the code block ends too early".to_owned(),
            Some("\n") => "the line ends too early".to_owned(),
            Some(word) => format!("unexpected `{word}`"),
        };
        let help = "code blocks here know assert, print, assignments and integer expressions".to_owned();
        let problem = wrong(&message, self.span(), &format!("expected {expected}"));
        Problem { help: Some(help), ..problem }
    }

    fn statement(&mut self) -> Result<Statement, Problem> {
        let start = self.span().start;
        let kind = if self.take("assert") {
            let condition = self.expr()?;
            if self.take(",") {
                // What would be said. Nobody reads it: the report has the values.
                while !matches!(self.peek(), None | Some("\n" | ";")) {
                    self.at += 1;
                }
            }
            StatementKind::Assert(condition)
        } else if self.peek() == Some("print") {
            self.print()?
        } else {
            self.assignment()?
        };
        let last = self.at.checked_sub(1).and_then(|i| self.words.get(i));
        Ok(Statement { kind, span: start..last.map_or(start, |(_, span)| span.end) })
    }

    fn print(&mut self) -> Result<StatementKind, Problem> {
        self.expect("print")?;
        let bracket = self.take("(");
        let mut exprs = Vec::new();
        while !matches!(self.peek(), None | Some("\n" | ";" | ")")) {
            if self.peek().is_some_and(|word| word.starts_with(['"', '\''])) {
                self.at += 1;
            } else {
                exprs.push(self.expr()?);
            }
            if !self.take(",") {
                break;
            }
        }
        if bracket {
            self.expect(")")?;
        }
        Ok(StatementKind::Print(exprs))
    }

    fn assignment(&mut self) -> Result<StatementKind, Problem> {
        let op = match self.peek_second() {
            Some("=") => None,
            Some("+=") => Some(Op::Add),
            Some("-=") => Some(Op::Subtract),
            Some("*=") => Some(Op::Multiply),
            _ => return Err(self.unexpected("a statement: `assert …` or `name = …`")),
        };
        let Some(name) = self.peek().filter(|name| is_name(name)) else {
            return Err(self.unexpected("the name of a variable"));
        };
        let span = self.span();
        self.at += 2;
        let value = self.expr()?;
        let value = match op {
            None => value,
            Some(op) => Expr::Binary(op, Box::new(Expr::Name(name.to_owned(), span)), Box::new(value)),
        };
        Ok(StatementKind::Assign(name.to_owned(), value))
    }

    fn expr(&mut self) -> Result<Expr, Problem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong("brackets are nested too deeply", self.span(), "this is one too many"));
        }
        let expr = self.or();
        self.depth -= 1;
        expr
    }
    fn or(&mut self) -> Result<Expr, Problem> {
        let mut left = self.and()?;
        while self.take("or") {
            left = Expr::Binary(Op::Or, Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }
    fn and(&mut self) -> Result<Expr, Problem> {
        let mut left = self.not()?;
        while self.take("and") {
            left = Expr::Binary(Op::And, Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }
    fn not(&mut self) -> Result<Expr, Problem> {
        if !self.take("not") {
            return self.comparison();
        }
        Ok(Expr::Not(Box::new(self.comparison()?)))
    }
    fn comparison(&mut self) -> Result<Expr, Problem> {
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(relation) = self.peek().and_then(relation) {
            self.at += 1;
            rest.push((relation, self.binary(0)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }
    /// Operators of this rank and those that bind more.
    fn binary(&mut self, rank: usize) -> Result<Expr, Problem> {
        const RANKS: [&[(&str, Op)]; 6] = [
            &[("|", Op::BitOr)],
            &[("^", Op::BitXor)],
            &[("&", Op::BitAnd)],
            &[("<<", Op::ShiftLeft), (">>", Op::ShiftRight)],
            &[("+", Op::Add), ("-", Op::Subtract)],
            &[("*", Op::Multiply), ("//", Op::Divide), ("%", Op::Modulo)],
        ];
        let Some(ops) = RANKS.get(rank) else { return self.operand() };
        let mut left = self.binary(rank + 1)?;
        while let Some((_, op)) = ops.iter().find(|(word, _)| self.peek() == Some(word)) {
            self.at += 1;
            left = Expr::Binary(*op, Box::new(left), Box::new(self.binary(rank + 1)?));
        }
        Ok(left)
    }
    fn operand(&mut self) -> Result<Expr, Problem> {
        const WHAT: &str = "a number, a name or `(`";
        let span = self.span();
        let Some(word) = self.peek() else { return Err(self.unexpected(WHAT)) };
        if self.take("(") {
            let expr = self.expr()?;
            self.expect(")")?;
            return Ok(expr);
        }
        if self.take("-") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(wrong("too many signs", span, "this is one too many"));
            }
            let of = self.operand()?;
            self.depth -= 1;
            return Ok(Expr::Negate(Box::new(of)));
        }
        if is_name(word) && !matches!(word, "and" | "or" | "not" | "assert") {
            self.at += 1;
            return Ok(Expr::Name(word.to_owned(), span));
        }
        let number = match word.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(hex, 16),
            None => word.parse(),
        };
        match number {
            Ok(n) if !word.starts_with('+') => {
                self.at += 1;
                Ok(Expr::Int(n))
            }
            _ => Err(self.unexpected(WHAT)),
        }
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !word.contains('.')
}

fn relation(word: &str) -> Option<Relation> {
    Some(match word {
        "==" => Relation::Equal,
        "!=" => Relation::NotEqual,
        "<" => Relation::Less,
        "<=" => Relation::LessOrEqual,
        ">" => Relation::Greater,
        ">=" => Relation::GreaterOrEqual,
        _ => return None,
    })
}
