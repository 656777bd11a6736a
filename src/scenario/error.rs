//! What is wrong with a scenario file, for people: where, what was expected, and the nearest valid name.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub message: String,
    /// The offending bytes of the file.
    pub span: Range<usize>,
    /// What stands under them.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// Name of the file, as it was given.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What is wrong, in order of place.
    pub problems: Vec<Problem>,
}

impl Diagnostics {
    /// For the terminal, with or without colours.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let one = |problem: &Problem| {
            if self.text.is_empty() {
                let title = self.without_place(problem);
                let title = Level::ERROR.primary_title(title.as_str());
                return renderer.render(&[annotate_snippets::Group::with_title(title)]);
            }
            let title = Level::ERROR.primary_title(problem.message.as_str());
            let mark =
                AnnotationKind::Primary.span(within(&self.text, &problem.span)).label(problem.label.as_str());
            let source = Snippet::source(self.text.as_str()).path(self.path.as_str());
            let mut group = title.element(source.annotation(mark));
            if let Some(help) = &problem.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            renderer.render(&[group])
        };
        self.problems.iter().map(one).collect::<Vec<_>>().join("\n\n")
    }

    /// All of a problem in one line, where there is no text to show it in.
    fn without_place(&self, problem: &Problem) -> String {
        let Problem { message, help, .. } = problem;
        let place = if message.contains(&self.path) { String::new() } else { format!("{}: ", self.path) };
        let help = help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{place}{message}{help}")
    }

    /// Line and column of a problem, both counted from one.
    pub fn place(&self, problem: &Problem) -> (usize, usize) {
        place(&self.text, problem.span.start)
    }
}
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}
impl std::error::Error for Diagnostics {}

/// A span that lies within the text and on the borders of characters, and is not empty where that can be helped.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let floor =
        |byte: usize| (0..=byte.min(text.len())).rev().find(|b| text.is_char_boundary(*b)).unwrap_or(0);
    let start = floor(span.start);
    let end = floor(span.end).max(start);
    if end > start {
        return start..end;
    }
    let next = text[start..].chars().next().map_or(0, char::len_utf8);
    start..start + next
}

/// Line and column of a byte, both counted from one.
pub fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..within(text, &(byte..byte)).start];
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// `did you mean`, if a name is near; the list of names otherwise, if it is short enough to read.
pub fn suggest<'a>(
    typed: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
) -> Option<String> {
    if let Some(name) = nearest(typed, names.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => Some(format!("there are no {what}")),
        1..=40 => Some(format!("{what}: {}", all.join(", "))),
        _ => None,
    }
}

/// The name that is nearest to what was typed, if one is near enough to be what was meant.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + typed.chars().count() / 4;
    let other_start = |name: &str| name.chars().next() != typed.chars().next();
    let few = typed.chars().count() < 2;
    names
        .into_iter()
        .map(|name| (distance(&typed.to_lowercase(), &name.to_lowercase()), other_start(name), name))
        .filter(|(distance, _, name)| *distance <= limit && *distance < name.chars().count().max(2))
        .filter(|(_, other, _)| !(few && *other))
        .min()
        .map(|(_, _, name)| name)
}

/// Edit distance in which neighbours that changed places count once (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
