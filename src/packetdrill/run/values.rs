//! What arguments stand for: numbers, names of Linux's constants, flags joined by `|`.

use sim::sys::abi;

use crate::packetdrill::ast::{Expr, ExprKind, Span};
use crate::scenario::error::nearest;

/// Why an argument cannot be used: where, and what was expected.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// Its place.
    pub span: Span,
    /// What is wrong.
    pub what: String,
    /// It may be right, but means nothing here.
    pub unknown: bool,
}

/// A complaint about this argument.
pub fn wrong(expr: &Expr, expected: &str) -> Complaint {
    Complaint { span: expr.span.clone(), unknown: false, what: format!("expected {expected}, not `{expr}`") }
}

/// A number.
pub fn int(expr: &Expr) -> Result<i64, Complaint> {
    match &expr.kind {
        ExprKind::Int(n) => Ok(*n),
        ExprKind::Word(word) if word == "NULL" => Ok(0),
        ExprKind::Word(word) => abi::constant(word).ok_or_else(|| unknown(expr, word)),
        ExprKind::Or(a, b) => Ok(int(a)? | int(b)?),
        _ => Err(wrong(expr, "a number or the name of one")),
    }
}

fn unknown(expr: &Expr, word: &str) -> Complaint {
    const COMMON: [&str; 12] = [
        "SOL_SOCKET",
        "SOL_TCP",
        "IPPROTO_TCP",
        "SO_REUSEADDR",
        "SO_SNDBUF",
        "SO_RCVBUF",
        "TCP_NODELAY",
        "TCP_MAXSEG",
        "MSG_DONTWAIT",
        "O_NONBLOCK",
        "O_RDWR",
        "SOCK_STREAM",
    ];
    let near = nearest(word, COMMON).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Complaint {
        span: expr.span.clone(),
        unknown: true,
        what: format!("`{word}` is no constant that is known here{near}"),
    }
}

/// The only number in brackets: `[4]`.
pub fn bracketed(expr: &Expr) -> Result<i64, Complaint> {
    match &expr.kind {
        ExprKind::List(items) => match items.as_slice() {
            [one] => int(one),
            _ => Err(wrong(expr, "one number in brackets")),
        },
        _ => int(expr),
    }
}

/// A number that fits into a C `int`.
pub fn c_int(expr: &Expr) -> Result<i32, Complaint> {
    let n = int(expr)?;
    // Flags are typed without a sign.
    i32::try_from(n).or_else(|_| u32::try_from(n).map(u32::cast_signed)).map_err(|_| wrong(expr, "an int"))
}

/// Whether this is a null pointer.
pub fn is_null(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Int(0)) || matches!(&expr.kind, ExprKind::Word(word) if word == "NULL")
}

/// The elements of a list.
pub fn items(expr: &Expr) -> Result<&[Expr], Complaint> {
    match &expr.kind {
        ExprKind::List(items) => Ok(items),
        _ => Err(wrong(expr, "a list in brackets")),
    }
}
