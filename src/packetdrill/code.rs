//! `%{ assert tcpi_snd_cwnd == 10 }%`: assertions on what a socket says of itself.
//!
//! The original hands all blocks of a script to Python at its end, each behind assignments of what `TCP_INFO` said at
//! the time of the block. The blocks of public scripts need little of that language: assertions, assignments,
//! comparisons (chained, too), `and`, `or`, `not`, integers and their operators. That is what this file reads.

mod read;

use std::collections::BTreeMap;
use std::fmt;

use super::ast::Span;
pub use read::parse;

/// A code block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// A statement, with its place in the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where it stands.
    pub span: Span,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// Fails unless this holds.
    Assert(Expr),
    /// Gives a variable a value.
    Assign(String, Expr),
    /// Prints; nothing comes of it but that its names must be known.
    Print(Vec<Expr>),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Int(i128),
    /// A variable, a constant or a field of `TCP_INFO`.
    Name(String, Span),
    /// An operator and its operands.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// `a <= b < c`: each pair.
    Compare(Box<Expr>, Vec<(Relation, Expr)>),
    /// `-a`.
    Negate(Box<Expr>),
    /// `not a`.
    Not(Box<Expr>),
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "names say it")]
pub enum Op {
    And,
    Or,
    BitAnd,
    BitOr,
    BitXor,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    ShiftLeft,
    ShiftRight,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "names say it")]
pub enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Values by name.
pub type Values = BTreeMap<String, i128>;

/// Why a block did not go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// An assertion does not hold: its place, and the values of the names in it.
    Failed(Span, Vec<(String, i128)>),
    /// Nobody knows this name.
    Unknown(String, Span),
    /// A number beyond all bounds, or a division by zero.
    Arithmetic(Span),
}

/// Constants that scripts use: states of a socket, of congestion control, bits of `tcpi_options`.
const CONSTANTS: &[(&str, i128)] = &[
    ("True", 1),
    ("False", 0),
    ("TCP_ESTABLISHED", 1),
    ("TCP_SYN_SENT", 2),
    ("TCP_SYN_RECV", 3),
    ("TCP_FIN_WAIT1", 4),
    ("TCP_FIN_WAIT2", 5),
    ("TCP_TIME_WAIT", 6),
    ("TCP_CLOSE", 7),
    ("TCP_CLOSE_WAIT", 8),
    ("TCP_LAST_ACK", 9),
    ("TCP_LISTEN", 10),
    ("TCP_CLOSING", 11),
    ("TCP_CA_Open", 0),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Recovery", 3),
    ("TCP_CA_Loss", 4),
    // States in FreeBSD's words.
    ("TCPI_ESTABLISHED", 1),
    ("TCPI_SYN_SENT", 2),
    ("TCPI_SYN_RECEIVED", 3),
    ("TCPI_FIN_WAIT_1", 4),
    ("TCPI_FIN_WAIT_2", 5),
    ("TCPI_TIME_WAIT", 6),
    ("TCPI_CLOSED", 7),
    ("TCPI_CLOSE_WAIT", 8),
    ("TCPI_LAST_ACK", 9),
    ("TCPI_LISTEN", 10),
    ("TCPI_CLOSING", 11),
    ("TCPI_OPT_TIMESTAMPS", 1),
    ("TCPI_OPT_SACK", 2),
    ("TCPI_OPT_WSCALE", 4),
    ("TCPI_OPT_ECN", 8),
    ("TCPI_OPT_ECN_SEEN", 16),
    ("TCPI_OPT_SYN_DATA", 32),
];

impl Block {
    /// The names that the block reads, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for statement in &self.statements {
            match &statement.kind {
                StatementKind::Assert(expr) | StatementKind::Assign(_, expr) => expr.names(&mut names),
                StatementKind::Print(exprs) => exprs.iter().for_each(|expr| expr.names(&mut names)),
            }
        }
        names
    }
    /// Goes through the statements. `fields` is what the socket said; `variables` stay from block to block. `passed`
    /// counts the assertions that held.
    ///
    /// # Errors
    /// The first assertion that does not hold, or name that is not known.
    pub fn run(&self, fields: &Values, variables: &mut Values, passed: &mut usize) -> Result<(), Wrong> {
        for statement in &self.statements {
            let scope = Scope { fields, variables, place: &statement.span };
            match &statement.kind {
                StatementKind::Assert(expr) => {
                    if scope.value(expr)? == 0 {
                        return Err(Wrong::Failed(statement.span.clone(), scope.readings(expr)));
                    }
                    *passed += 1;
                }
                StatementKind::Assign(name, expr) => {
                    let value = scope.value(expr)?;
                    variables.insert(name.clone(), value);
                }
                StatementKind::Print(exprs) => {
                    exprs.iter().try_for_each(|expr| scope.value(expr).map(drop))?;
                }
            }
        }
        Ok(())
    }
}

/// What names stand for while a statement runs.
struct Scope<'a> {
    fields: &'a Values,
    variables: &'a Values,
    place: &'a Span,
}

impl Scope<'_> {
    fn name(&self, name: &str) -> Option<i128> {
        let constant = || CONSTANTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        self.variables.get(name).or_else(|| self.fields.get(name)).copied().or_else(constant)
    }
    fn value(&self, expr: &Expr) -> Result<i128, Wrong> {
        let arithmetic = || Wrong::Arithmetic(self.place.clone());
        match expr {
            Expr::Int(n) => Ok(*n),
            Expr::Name(name, span) => {
                self.name(name).ok_or_else(|| Wrong::Unknown(name.clone(), span.clone()))
            }
            Expr::Negate(of) => self.value(of)?.checked_neg().ok_or_else(arithmetic),
            Expr::Not(of) => Ok(i128::from(self.value(of)? == 0)),
            Expr::Compare(first, rest) => {
                let mut left = self.value(first)?;
                for (relation, expr) in rest {
                    let right = self.value(expr)?;
                    if !relation.holds(left, right) {
                        return Ok(0);
                    }
                    left = right;
                }
                Ok(1)
            }
            Expr::Binary(Op::And, a, b) => {
                if self.value(a)? == 0 {
                    Ok(0)
                } else {
                    self.value(b)
                }
            }
            Expr::Binary(Op::Or, a, b) => match self.value(a)? {
                0 => self.value(b),
                a => Ok(a),
            },
            Expr::Binary(op, a, b) => op.apply(self.value(a)?, self.value(b)?).ok_or_else(arithmetic),
        }
    }
    /// The names of an expression with their values.
    fn readings(&self, expr: &Expr) -> Vec<(String, i128)> {
        let mut names = Vec::new();
        expr.names(&mut names);
        names.into_iter().filter_map(|name| Some((name.to_owned(), self.name(name)?))).collect()
    }
}

impl Expr {
    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Expr::Int(_) => {}
            Expr::Name(name, _) => {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
            Expr::Negate(of) | Expr::Not(of) => of.names(names),
            Expr::Compare(first, rest) => {
                first.names(names);
                rest.iter().for_each(|(_, expr)| expr.names(names));
            }
            Expr::Binary(_, a, b) => {
                a.names(names);
                b.names(names);
            }
        }
    }
}

impl Op {
    /// The result; `None` beyond the bounds of the numbers here. The logical operators decide earlier.
    fn apply(self, a: i128, b: i128) -> Option<i128> {
        match self {
            Op::And => Some(i128::from(a != 0 && b != 0)),
            Op::Or => Some(i128::from(a != 0 || b != 0)),
            Op::BitAnd => Some(a & b),
            Op::BitOr => Some(a | b),
            Op::BitXor => Some(a ^ b),
            Op::Add => a.checked_add(b),
            Op::Subtract => a.checked_sub(b),
            Op::Multiply => a.checked_mul(b),
            Op::Divide => a.checked_div_euclid(b),
            Op::Modulo => a.checked_rem_euclid(b),
            Op::ShiftLeft => u32::try_from(b).ok().filter(|b| *b < 64).and_then(|b| a.checked_mul(1 << b)),
            Op::ShiftRight => u32::try_from(b).ok().map(|b| a >> b.min(127)),
        }
    }
}

impl Relation {
    fn holds(self, a: i128, b: i128) -> bool {
        match self {
            Relation::Equal => a == b,
            Relation::NotEqual => a != b,
            Relation::Less => a < b,
            Relation::LessOrEqual => a <= b,
            Relation::Greater => a > b,
            Relation::GreaterOrEqual => a >= b,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Failed(_, readings) => {
                let all: Vec<String> =
                    readings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                write!(f, "the assertion does not hold: {}", all.join(", "))
            }
            Wrong::Unknown(name, _) => write!(f, "nothing here says what {name} is"),
            Wrong::Arithmetic(_) => f.write_str("a number beyond all bounds, or a division by zero"),
        }
    }
}
