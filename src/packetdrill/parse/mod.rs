//! From words to a script.

mod call;
mod options;
mod packet;
mod tcp_options;

use super::ast::{Action, Event, Script, Shell, Span, When};
use super::lex::{self, Kind, Symbols, Token};
use super::{code, shell};
use crate::scenario::{Diagnostics, Problem};

/// Reads a script; `path` is what errors call it.
///
/// # Errors
/// The first thing that is wrong with it, with its place.
pub fn script(path: &str, text: &str, symbols: &Symbols) -> Result<Script, Diagnostics> {
    read(path, text, symbols).map_err(|problem| Diagnostics {
        path: path.to_owned(),
        text: text.to_owned(),
        problems: vec![problem],
    })
}

fn read(path: &str, text: &str, symbols: &Symbols) -> Result<Script, Problem> {
    let (options, symbols, rest) = options::read(text, symbols)?;
    let mut tokens = lex::tokens(&text[rest..], &symbols)?;
    for token in &mut tokens {
        token.span = token.span.start + rest..token.span.end + rest;
    }
    let mut words = Words { tokens: &tokens, at: 0 };
    let init = words.shell()?;
    let mut events = Vec::new();
    let mut cleanup = None;
    while words.peek() != &Kind::End {
        if matches!(words.peek(), Kind::Command(_)) && !events.is_empty() {
            cleanup = words.shell()?;
            if words.peek() != &Kind::End {
                return Err(words.unexpected("the end of the script behind its clean-up command"));
            }
            break;
        }
        events.push(words.event()?);
    }
    if events.is_empty() {
        return Err(words.unexpected("an event: a time, then a packet, a call, a `command` or %{ code }%"));
    }
    if !matches!(events[0].time, When::At(0) | When::After(0)) {
        return Err(Problem {
            message: "the first event is not at time 0".into(),
            span: events[0].span.clone(),
            label: "expected to begin with `0` or `+0`".into(),
            help: None,
        });
    }
    Ok(Script { path: path.to_owned(), text: text.to_owned(), options, init, events, cleanup })
}

/// The words of a script, and how far they are read.
struct Words<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Words<'a> {
    fn peek(&self) -> &'a Kind {
        self.peek_at(0)
    }
    /// The word so many further on.
    fn peek_at(&self, n: usize) -> &'a Kind {
        self.tokens.get(self.at + n).map_or(&Kind::End, |token| &token.kind)
    }
    /// Place of the next word.
    fn span(&self) -> Span {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0..0, |token| token.span.clone())
    }
    /// End of the last word that was read.
    fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(0, |token| token.span.end)
    }
    fn bump(&mut self) -> &'a Kind {
        let kind = self.peek();
        self.at = (self.at + 1).min(self.tokens.len());
        kind
    }
    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Word(w) if w == word)
    }
    fn is_punct(&self, c: char) -> bool {
        self.peek() == &Kind::Punct(c)
    }
    /// Reads this word if it comes next.
    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        if is {
            self.bump();
        }
        is
    }
    fn take(&mut self, c: char) -> bool {
        let is = self.is_punct(c);
        if is {
            self.bump();
        }
        is
    }
    fn expect(&mut self, c: char, place: &str) -> Result<(), Problem> {
        if self.take(c) { Ok(()) } else { Err(self.unexpected(&format!("`{c}` {place}"))) }
    }
    /// A number that fits between these.
    fn number(&mut self, what: &str, least: i64, most: i64) -> Result<i64, Problem> {
        let n = match self.peek() {
            Kind::Int(n) | Kind::Hex(n) => *n,
            _ => return Err(self.unexpected(what)),
        };
        if !(least..=most).contains(&n) {
            return Err(
                self.wrong(format!("{n} is out of range"), format!("expected {what}, {least} to {most}"))
            );
        }
        self.bump();
        Ok(n)
    }
    /// A complaint about the next word.
    fn unexpected(&self, expected: &str) -> Problem {
        let message = match self.peek() {
            Kind::End => "the script ends too early".to_owned(),
            found => format!("unexpected {}", found.describe()),
        };
        self.wrong(message, format!("expected {expected}"))
    }
    fn wrong(&self, message: String, label: String) -> Problem {
        Problem { message, span: self.span(), label, help: None }
    }

    /// A shell command, if one comes next.
    fn shell(&mut self) -> Result<Option<Shell>, Problem> {
        let Kind::Command(line) = self.peek() else { return Ok(None) };
        let span = self.span();
        let program = shell::parse(line).map_err(|(message, place)| {
            let start = (span.start + 1 + place).min(span.end.saturating_sub(1));
            Problem { message, span: start..start + 1, label: "in this shell command".into(), help: None }
        })?;
        self.bump();
        Ok(Some(Shell { program, span }))
    }

    fn event(&mut self) -> Result<Event, Problem> {
        let start = self.span();
        let time = self.time()?;
        let timed = self.end();
        let action = self.action()?;
        let outbound = matches!(action, Action::Out(_));
        let plain = matches!(time, When::At(_) | When::After(_));
        if !outbound && !plain {
            let form = if time == When::Any { "`*`" } else { "a range of time" };
            return Err(Problem {
                message: format!("{form} stands before something that the runner does"),
                span: start.start..timed,
                label: "only an expected packet (`>`) can come at any time, or within a range".into(),
                help: None,
            });
        }
        Ok(Event { time, action, span: start.start..self.end() })
    }

    fn time(&mut self) -> Result<When, Problem> {
        const WHAT: &str = "a time: `0.1`, `+0.1`, `+0.1~+0.2` or `*`";
        if self.take('*') {
            return Ok(When::Any);
        }
        let relative = self.take('+');
        let from = self.micros(WHAT)?;
        if !self.take('~') {
            return Ok(if relative { When::After(from) } else { When::At(from) });
        }
        if relative {
            self.expect('+', "before the end of a relative range of time")?;
        }
        let span = self.span();
        let to = self.micros("the end of the range of time")?;
        if to < from {
            return Err(Problem {
                message: "a range of time runs backwards".into(),
                span,
                label: "expected a time no earlier than its beginning".into(),
                help: None,
            });
        }
        Ok(if relative { When::AfterRange(from, to) } else { When::AtRange(from, to) })
    }

    /// A time in seconds, as microseconds.
    fn micros(&mut self, what: &str) -> Result<u64, Problem> {
        let micros = match self.peek() {
            Kind::Float { negative: false, micros } => *micros,
            Kind::Int(seconds) if *seconds >= 0 => match (*seconds as u64).checked_mul(1_000_000) {
                Some(micros) => micros,
                None => return Err(self.wrong("a time is too large".into(), format!("expected {what}"))),
            },
            Kind::Float { negative: true, .. } | Kind::Int(_) => {
                return Err(self.wrong("a time is negative".into(), format!("expected {what}")));
            }
            _ => return Err(self.unexpected(what)),
        };
        self.bump();
        Ok(micros)
    }

    fn action(&mut self) -> Result<Action, Problem> {
        match self.peek() {
            Kind::Punct('<') => {
                self.bump();
                Ok(Action::In(self.packet(true)?))
            }
            Kind::Punct('>') => {
                self.bump();
                Ok(Action::Out(self.packet(false)?))
            }
            Kind::Command(_) => match self.shell()? {
                Some(shell) => Ok(Action::Shell(shell)),
                None => Err(self.unexpected("a shell command")),
            },
            Kind::Code(text) => {
                let span = self.span();
                let block = code::parse(text, span.start + 2)?;
                self.bump();
                Ok(Action::Code(block))
            }
            Kind::Ellipsis => {
                self.bump();
                let end = self.micros("the time at which the call returns")?;
                Ok(Action::Call(self.call(Some(end))?))
            }
            Kind::Word(_) => Ok(Action::Call(self.call(None)?)),
            _ => Err(self.unexpected("`<` or `>` and a packet, a call, a `command` or %{ code }%")),
        }
    }
}
