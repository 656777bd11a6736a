//! From a text to what was typed, and from RON's errors to ours.

use std::ops::Range;

use ron::error::{Error, Position, SpannedError};

use serde::de::DeserializeOwned;

use super::error::{Problem, suggest};
use super::file::options;
use super::locate::{Kid, Node, Seg};

/// How many errors of form are looked for in one file.
const MOST: usize = 12;

/// Reads a text. Where a field is wrong, it is taken away and reading goes on, so that several errors show at once.
///
/// # Errors
/// What is wrong with the form of the text, in order of place.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Problem>> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut taken: Vec<Range<usize>> = Vec::new();
    let mut rest = text.to_owned();
    while taken.len() < MOST {
        let error = match options().from_str::<T>(&rest) {
            Ok(typed) if taken.is_empty() => return Ok(typed),
            Ok(_) => break,
            Err(error) => error,
        };
        let tree = Node::of(&rest);
        let (problem, culprit) = explain(&rest, tree.as_ref(), &error);
        // What is missing only because its field was taken away is no error of its own.
        let ours = matches!(error.code, Error::MissingStructField { .. })
            && taken.iter().any(|taken| {
                culprit.as_ref().is_none_or(|all| all.start <= taken.start && taken.end <= all.end)
            });
        if !ours {
            problems.push(problem);
        }
        match culprit.and_then(|culprit| Some((without(&rest, culprit.clone())?, culprit))) {
            Some((shorter, culprit)) => {
                rest = shorter;
                taken.push(culprit);
            }
            None => break,
        }
    }
    problems.sort_by_key(|problem| problem.span.start);
    Err(problems)
}

/// The text with these bytes, and the comma behind them, blanked out: places stay what they are.
fn without(text: &str, span: Range<usize>) -> Option<String> {
    let mut end = span.end;
    let behind = &text[end..];
    let gap = behind.len() - behind.trim_start().len();
    if behind[gap..].starts_with(',') {
        end += gap + 1;
    }
    let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
    let blanks: String =
        text[span.start..end].chars().flat_map(|c| std::iter::repeat_n(blank(c), c.len_utf8())).collect();
    let mut shorter = text.to_owned();
    shorter.replace_range(span.start..end, &blanks);
    (shorter != text).then_some(shorter)
}

/// The byte at a line and column of RON's.
fn byte(text: &str, position: Position) -> usize {
    let line_start = match position.line {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    let rest = &text[line_start..];
    line_start + rest.char_indices().nth(position.col.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// What can be taken away without making another error: the innermost field, or element of a list, around a place.
fn removable(chain: &[&Kid]) -> Option<Range<usize>> {
    let whole =
        |kid: &Kid| kid.name.as_ref().map_or(kid.node.span.start, |name| name.start)..kid.node.span.end;
    chain.iter().rev().find(|kid| kid.removable).map(|kid| whole(kid))
}

/// An error of RON's in our words, and what to take away to go on.
fn explain(text: &str, tree: Option<&Node>, error: &SpannedError) -> (Problem, Option<Range<usize>>) {
    let start = byte(text, error.span.start);
    let end = byte(text, error.span.end).max(start);
    let chain = tree.map(|tree| tree.around(value_near(text, tree, start, end))).unwrap_or_default();
    let outer =
        |outer: &Option<String>| outer.as_ref().map(|name| format!(" in `{name}`")).unwrap_or_default();
    match &error.code {
        Error::NoSuchStructField { expected, found, outer: of } => {
            let kid = word_near(text, found, start, end);
            let culprit = removable(&chain_for(tree, kid.start));
            let problem = Problem {
                message: format!("no field is named `{found}`{}", outer(of)),
                span: kid,
                label: "no such field".to_owned(),
                help: suggest(found, expected.iter().copied(), "fields"),
            };
            (problem, culprit)
        }
        Error::NoSuchEnumVariant { expected, found, outer: of } => {
            let kid = word_near(text, found, start, end);
            let culprit = removable(&chain_for(tree, kid.start));
            let problem = Problem {
                message: format!("`{found}` is no {}", of.as_deref().unwrap_or("choice")),
                span: kid,
                label: "not one of the choices".to_owned(),
                help: suggest(found, expected.iter().copied(), "choices"),
            };
            (problem, culprit)
        }
        Error::MissingStructField { field, outer: of } => {
            // RON stops at the closing bracket of the structure that lacks it.
            let chain = chain_for(tree, end + text[end..].len() - text[end..].trim_start().len());
            let span = chain.last().map_or(start..end, |kid| first_line(text, kid.node.span.clone()));
            let problem = Problem {
                message: format!("the field `{field}` is missing{}", outer(of)),
                span,
                label: format!("has no `{field}`"),
                help: None,
            };
            (problem, removable(&chain))
        }
        Error::DuplicateStructField { field, .. } => {
            let span = word_near(text, field, start, end);
            let culprit = removable(&chain_for(tree, span.start));
            let label = "a second time".to_owned();
            (
                Problem { message: format!("the field `{field}` is there twice"), span, label, help: None },
                culprit,
            )
        }
        Error::InvalidValueForType { expected, found } => {
            let span = chain.last().map_or(start..end, |kid| first_line(text, kid.node.span.clone()));
            let problem = Problem {
                message: format!("expected {}, found {}", lower(expected), lower(found)),
                span,
                label: format!("expected {}", lower(expected)),
                help: None,
            };
            (problem, removable(&chain))
        }
        Error::Message(message) => {
            let span = chain.last().map_or(start..end, |kid| first_line(text, kid.node.span.clone()));
            let (message, help) = match message.split_once("; did you mean ") {
                Some((message, near)) => (message, Some(format!("did you mean {near}"))),
                None => (message.as_str(), None),
            };
            let twice = message.ends_with("is there twice");
            let named = chain.iter().rev().find_map(|kid| kid.name.clone());
            let (span, label) = match named.filter(|_| twice) {
                Some(name) => (name, "a second time"),
                None => (span, "not understood"),
            };
            (Problem { message: message.to_owned(), span, label: label.to_owned(), help }, removable(&chain))
        }
        Error::ExceededRecursionLimit => {
            let problem = Problem {
                message: "nested too deep".to_owned(),
                span: start..end,
                label: "more than 64 levels".to_owned(),
                help: None,
            };
            (problem, None)
        }
        Error::IntegerOutOfBounds => {
            let span = chain.last().map_or(start..end, |kid| kid.node.span.clone());
            let message = format!("`{}` does not fit{}", &text[span.clone()], for_field(&chain));
            let problem = Problem { message, span, label: "too large, or below zero".to_owned(), help: None };
            (problem, removable(&chain))
        }
        Error::Eof => {
            let end = text.trim_end().len();
            let problem = Problem {
                message: "the file ends too early".to_owned(),
                span: end.saturating_sub(1)..end,
                label: "and then nothing".to_owned(),
                help: Some("a bracket or a quote is not closed".to_owned()),
            };
            (problem, None)
        }
        // Only comments: there is nothing that could be wrong.
        _ if tree.is_none() && text[start..].trim().is_empty() => {
            let help = "a scenario is `Scenario(hosts: { ... }, links: [ ... ], ...)`; `timewait schema` tells of its fields";
            let problem = Problem {
                message: "there is no scenario in this file".to_owned(),
                span: end..end,
                label: "here it would begin".to_owned(),
                help: Some(help.to_owned()),
            };
            (problem, None)
        }
        Error::TrailingCharacters => {
            let start = text.len() - text[start..].trim_start().len();
            let problem = Problem {
                message: "something follows behind the end".to_owned(),
                span: first_line(text, start..text.trim_end().len()),
                label: "not part of it".to_owned(),
                help: Some("all of a file stands in one pair of parentheses".to_owned()),
            };
            (problem, None)
        }
        code => syntax(text, tree, &chain, code, start..end),
    }
}

/// Errors of syntax, and values of another kind than was expected.
fn syntax(
    text: &str,
    tree: Option<&Node>,
    chain: &[&Kid],
    code: &Error,
    span: Range<usize>,
) -> (Problem, Option<Range<usize>>) {
    let what = match code {
        Error::ExpectedString => "expected a text in quotes".to_owned(),
        Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } => "expected a whole number".to_owned(),
        Error::ExpectedBoolean => "expected true or false".to_owned(),
        Error::ExpectedArray => "expected a list in brackets: [ ... ]".to_owned(),
        Error::ExpectedMap => "expected names in braces: { \"name\": ( ... ) }".to_owned(),
        Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => {
            "expected parentheses: ( ... )".to_owned()
        }
        code => lower(&code.to_string()),
    };
    let value = chain.last().filter(|_| tree.is_some());
    let span = value.map_or(span, |kid| first_line(text, kid.node.span.clone()));
    let typed = &text[span.clone()];
    let bare = typed.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_alphabetic());
    let help = match code {
        Error::ExpectedString if bare => {
            Some(format!("it stands in quotes: \"{}\"", typed.trim_end_matches([',', ')'])))
        }
        _ if tree.is_none() => Some("a bracket, quote or comma is missing here or before".to_owned()),
        _ => None,
    };
    let problem = Problem { message: format!("{what}{}", for_field(chain)), span, label: what, help };
    (problem, removable(chain))
}

/// The field that a value stands in, for a sentence.
fn for_field(chain: &[&Kid]) -> String {
    match chain.last().map(|kid| &kid.seg) {
        Some(Seg::Name(name)) => format!(" for `{name}`"),
        _ => String::new(),
    }
}

/// RON begins its sentences with a capital letter.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A value of several lines is marked on its first one.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let end = text[span.clone()].find('\n').map_or(span.end, |line| span.start + line);
    span.start..end
}

/// Where `word` stands: at the error, or as near before it as there is one.
fn word_near(text: &str, word: &str, start: usize, end: usize) -> Range<usize> {
    if text[start..].starts_with(word) {
        return start..start + word.len();
    }
    let until = (end + word.len()).min(text.len());
    let until = (until..=text.len()).find(|byte| text.is_char_boundary(*byte)).unwrap_or(text.len());
    text[..until].rfind(word).map_or(start..end, |at| at..at + word.len())
}

fn chain_for(tree: Option<&Node>, byte: usize) -> Vec<&Kid> {
    tree.map(|tree| tree.around(byte)).unwrap_or_default()
}

/// The byte of the value that an error between these is about: RON stops behind it as often as before it.
fn value_near(text: &str, tree: &Node, start: usize, end: usize) -> usize {
    let inside = |byte: usize| {
        let chain = tree.around(byte);
        chain.last().is_some_and(|kid| kid.node.open.is_none() && kid.node.span.contains(&byte))
    };
    if inside(start) {
        return start;
    }
    let before = text[..end.min(text.len())]
        .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | ']'));
    let last = before.len().saturating_sub(1);
    if inside(last) { last } else { start }
}
