//! From what was typed to axes and combinations, with what is wrong about it, each at its place.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::file::{self, Literal, Ordered};
use super::super::{play, range};
use super::{Axis, Value, choices};
use crate::scenario::locate::{Node, Seg};
use crate::scenario::set::{Culprit, Misfit};
use crate::scenario::units::{Complaint, Span};
use crate::scenario::{self, Diagnostics, Problem, Scenario, error};

/// Most combinations that are told apart; beyond that a sweep is a mistake.
const MOST_CELLS: u128 = 1_000_000;

/// Reads what was typed, and collects what is wrong with it.
pub struct Reader<'a> {
    pub tree: Option<Node>,
    pub text: &'a str,
    pub problems: Vec<Problem>,
    pub folder: Option<&'a Path>,
}

impl Reader<'_> {
    /// The bytes of a value.
    fn span(&self, path: &[Seg]) -> Range<usize> {
        self.tree.as_ref().map_or(0..0, |tree| tree.find(path).0.span.clone())
    }
    /// The bytes of a name in braces.
    fn name(&self, path: &[Seg]) -> Range<usize> {
        let Some((last, outer)) = path.split_last() else { return 0..0 };
        let kid = self.tree.as_ref().and_then(|tree| tree.find(outer).0.kid(last));
        kid.and_then(|kid| kid.name.clone()).unwrap_or_else(|| self.span(path))
    }
    fn wrong(&mut self, span: Range<usize>, message: String, label: &str, help: Option<String>) {
        self.problems.push(Problem { message, span, label: label.to_owned(), help });
    }
    fn complain(&mut self, path: &[Seg], message: Complaint, label: &str, help: Option<String>) {
        let span = self.span(path);
        self.wrong(span, message, label, help);
    }

    /// The scenario, and the name of its file.
    pub fn base(
        &mut self,
        path: &str,
        typed: &Literal,
    ) -> Result<(Option<Scenario>, Option<String>), Diagnostics> {
        let place = [named("scenario")];
        if typed.0.starts_with('"') {
            let name = scenario::file::options().from_str::<String>(&typed.0).unwrap_or_default();
            let file = self.folder.map_or_else(|| PathBuf::from(&name), |folder| folder.join(&name));
            if let Err(error) = std::fs::metadata(&file) {
                let message = format!("cannot read {}: {error}", file.display());
                self.complain(&place, message, "the scenario's file", None);
                return Ok((None, None));
            }
            return Ok((Some(scenario::load(file)?), Some(name)));
        }
        if !typed.0.trim_start_matches(char::is_alphabetic).starts_with('(') {
            let message = "expected a scenario, or the name of its file in quotes".to_owned();
            self.complain(&place, message, "expected a scenario", None);
            return Ok((None, None));
        }
        Scenario::parse(path, &typed.0).map(|scenario| (Some(scenario), None)).map_err(|mut wrong| {
            // Told at its place in the sweep.
            let start = self.span(&place).start;
            for problem in &mut wrong.problems {
                problem.span = problem.span.start + start..problem.span.end + start;
            }
            Diagnostics { text: self.text.to_owned(), ..wrong }
        })
    }

    /// The scenario with the changes that hold in all runs.
    pub fn fixed(&mut self, base: Scenario, typed: &Ordered<Literal>) -> (Scenario, Vec<(String, String)>) {
        let mut scenario = base;
        let mut fixed = Vec::new();
        for (path, value) in typed.iter() {
            let (name, span) = {
                let place = [named("set"), named(path)];
                (self.name(&place), self.span(&place))
            };
            match scenario.change(path, &argument(&value.0)) {
                Ok(changed) => scenario = changed,
                Err(misfit) => self.misfit(path, name, span, misfit),
            }
            fixed.push((path.clone(), argument(&value.0)));
        }
        (scenario, fixed)
    }

    /// Tells of a change that does not fit: at its path or at its value.
    fn misfit(&mut self, path: &str, path_span: Range<usize>, value: Range<usize>, misfit: Misfit) {
        let Misfit { culprit, diagnostics, first } = misfit;
        let Some(problem) = diagnostics.problems.get(first).cloned() else { return };
        match culprit {
            Culprit::Word(word) => {
                // The quotes of the path are no part of it.
                let at = self.text.get(path_span.clone()).and_then(|typed| typed.find(path));
                let start = path_span.start + at.unwrap_or(0);
                let span = find_word(path, &word).map(|word| word.start + start..word.end + start);
                let label = if problem.label.is_empty() { "no such place" } else { &problem.label };
                self.wrong(span.unwrap_or(path_span), problem.message, label, problem.help);
            }
            Culprit::Value => self.wrong(value, problem.message, &problem.label, problem.help),
            Culprit::Elsewhere => {
                let (line, column) = diagnostics.place(&problem);
                let message = format!("{} (line {line}, column {column} of the scenario)", problem.message);
                self.wrong(value, message, "with this value", problem.help);
            }
        }
    }

    pub fn axes(&mut self, base: &Scenario, typed: &Ordered<file::Axis>) -> Vec<Axis> {
        let mut axes: Vec<Axis> = Vec::new();
        for (name, axis) in typed.iter() {
            if let Some(axis) = self.axis(base, name, axis, &axes) {
                axes.push(axis);
            }
        }
        if axes.len() == typed.len() {
            self.leads(typed, &mut axes);
        }
        axes
    }

    /// One axis: every value is tried at every path.
    fn axis(&mut self, base: &Scenario, name: &str, typed: &file::Axis, others: &[Axis]) -> Option<Axis> {
        let at = |field: &str| [named("axes"), named(name), named(field)];
        if matches!(name, "run" | "seed" | "trace" | "failed" | "args" | "") {
            let message =
                format!("an axis cannot be called `{name}`: a table of results has a column of that name");
            let span = self.name(&[named("axes"), named(name)]);
            self.wrong(span, message, "another name, please", None);
        }
        let before = self.problems.len();
        let (literals, spans) = self.literals(&at("values"), &typed.values);
        if !typed.names.is_empty() && typed.names.len() != literals.len() && !literals.is_empty() {
            let message = format!("{} names for {} values", typed.names.len(), literals.len());
            self.complain(&at("names"), message, "one name for each value", None);
        }
        if typed.set.0.is_empty() {
            self.complain(&at("set"), format!("the axis `{name}` goes nowhere"), "expected a path", None);
        }
        for path in &typed.set.0 {
            let span = self.path_span(&at("set"), &typed.set.0, path);
            if path.trim() == "seed" {
                let help = Some("`seeds: \"1..30\"` runs each combination with each seed".to_owned());
                self.wrong(span, "seeds are no axis".to_owned(), "the seed", help);
                continue;
            }
            if let Some(other) = others.iter().find(|other| other.paths.contains(path)) {
                let message = format!("the axis `{}` sets this as well", other.name);
                self.wrong(span, message, "set twice", None);
                continue;
            }
            for (literal, value) in literals.iter().zip(&spans) {
                if let Err(misfit) = base.change(path, &argument(literal)) {
                    let of_path = matches!(misfit.culprit, Culprit::Word(_));
                    self.misfit(path, span.clone(), value.clone(), misfit);
                    if of_path {
                        break;
                    }
                }
            }
        }
        let labels = literals.iter().enumerate();
        let labels: Vec<String> = labels
            .map(|(i, literal)| typed.names.get(i).cloned().unwrap_or_else(|| label(literal)))
            .collect();
        for (i, label) in labels.iter().enumerate() {
            if labels[..i].contains(label) {
                let message = format!("the value `{label}` is there twice");
                self.wrong(spans[i].clone(), message, "a second time", None);
            }
        }
        let values =
            literals.iter().zip(labels).map(|(literal, label)| Value { label, argument: argument(literal) });
        (self.problems.len() == before && !literals.is_empty()).then(|| Axis {
            name: name.to_owned(),
            paths: typed.set.0.clone(),
            values: values.collect(),
            lead: None,
        })
    }

    /// The values of an axis, each with its place.
    fn literals(&mut self, place: &[Seg], typed: &Literal) -> (Vec<String>, Vec<Range<usize>>) {
        let whole = self.span(place);
        if typed.0.starts_with('"') {
            let text = scenario::file::options().from_str::<String>(&typed.0).unwrap_or_default();
            return match range::values(&text) {
                Ok(values) => {
                    // As if typed: numbers stand bare, the others in quotes.
                    let literal = |value: &String| {
                        if value.chars().all(|c| c.is_ascii_digit()) {
                            value.clone()
                        } else {
                            format!("\"{value}\"")
                        }
                    };
                    (values.iter().map(literal).collect(), vec![whole; values.len()])
                }
                Err(complaint) => {
                    self.wrong(whole, complaint, "expected a range, or a list in brackets", None);
                    (Vec::new(), Vec::new())
                }
            };
        }
        let kids = Node::of(&typed.0).filter(|_| typed.0.starts_with('[')).map(|node| node.kids);
        let Some(kids) = kids else {
            let message = "expected a list of values in brackets, or a range in quotes".to_owned();
            let help = Some("as in [\"0%\", \"1%\"] or \"10ms..50ms by 10ms\"".to_owned());
            self.wrong(whole, message, "expected [ ... ]", help);
            return (Vec::new(), Vec::new());
        };
        if kids.is_empty() {
            self.wrong(
                whole.clone(),
                "an axis without values: there would be no run".to_owned(),
                "empty",
                None,
            );
        }
        let spans: Vec<Range<usize>> = kids
            .iter()
            .map(|kid| kid.node.span.start + whole.start..kid.node.span.end + whole.start)
            .collect();
        (kids.iter().map(|kid| typed.0[kid.node.span.clone()].to_owned()).collect(), spans)
    }

    /// The bytes of one path of an axis, with its quotes.
    fn path_span(&self, place: &[Seg], all: &[String], path: &str) -> Range<usize> {
        let node = self.tree.as_ref().map(|tree| tree.find(place).0);
        let number = all.iter().position(|other| other == path).unwrap_or(0);
        let kid = node.and_then(|node| node.kids.get(number)).map(|kid| kid.node.span.clone());
        kid.unwrap_or_else(|| self.span(place))
    }

    /// Who goes along with whom.
    fn leads(&mut self, typed: &Ordered<file::Axis>, axes: &mut [Axis]) {
        for (i, (name, axis)) in typed.iter().enumerate() {
            let Some(with) = &axis.with else { continue };
            let place = [named("axes"), named(name), named("with")];
            let names = typed.iter().map(|(name, _)| name.as_str()).filter(|other| other != name);
            let Some(lead) = typed.iter().position(|(other, _)| other == with && other != name) else {
                let help = error::suggest(with, names, "axes");
                self.complain(&place, format!("no other axis is named `{with}`"), "no such axis", help);
                continue;
            };
            if let Some(first) = &typed[lead].1.with {
                let message = format!("`{with}` goes along with `{first}` itself");
                let help = Some(format!("both can go along with `{first}`"));
                self.complain(&place, message, "not an axis of its own", help);
            } else if axes[lead].values.len() != axes[i].values.len() {
                let message = format!(
                    "`{name}` has {} values, and `{with}`, with which it goes along, {}",
                    axes[i].values.len(),
                    axes[lead].values.len()
                );
                self.complain(&place, message, "as many values, please", None);
            } else {
                axes[i].lead = Some(lead);
            }
        }
    }

    /// Combinations to leave out: for each, axes with one of their values.
    pub fn exclude(&mut self, axes: &[Axis], typed: &[Ordered<Literal>]) -> Vec<Vec<(usize, usize)>> {
        let mut all = Vec::new();
        for (i, combination) in typed.iter().enumerate() {
            let here = [named("exclude"), Seg::Index(i)];
            if combination.is_empty() {
                self.complain(&here, "this leaves out everything".to_owned(), "names no axis", None);
            }
            let mut picked = Vec::new();
            for (name, value) in combination.iter() {
                let place = [here[0].clone(), here[1].clone(), named(name)];
                let Some(axis) = axes.iter().position(|axis| axis.name == *name) else {
                    let help = error::suggest(name, axes.iter().map(|axis| axis.name.as_str()), "axes");
                    let span = self.name(&place);
                    self.wrong(span, format!("no axis is named `{name}`"), "no such axis", help);
                    continue;
                };
                let (wanted, labelled) = (argument(&value.0), label(&value.0));
                let is = |value: &Value| value.argument == wanted || value.label == labelled;
                match axes[axis].values.iter().position(is) {
                    Some(value) => picked.push((axis, value)),
                    None => {
                        let labels = axes[axis].values.iter().map(|value| value.label.as_str());
                        let help = error::suggest(&labelled, labels, "values");
                        let message = format!("`{labelled}` is no value of `{name}`");
                        self.complain(&place, message, "no such value", help);
                    }
                }
            }
            all.push(picked);
        }
        all
    }

    /// A warm-up that takes all of the time leaves nothing to count. An axis of ends has its own.
    pub fn warmup(&mut self, base: &Scenario, axes: &[Axis], typed: Option<Span>) {
        let (Some(warmup), end) = (typed, base.spec().until.as_nanos()) else { return };
        let moves = axes.iter().any(|axis| axis.paths.iter().any(|path| path == "until"));
        if warmup.0 >= end && !moves {
            let end = tcp::Duration::from_nanos(end);
            let message = format!("nothing is left to count: the scenario ends after {end}");
            self.complain(&[named("warmup")], message, "not before its end", None);
        }
    }

    pub fn figures(&mut self, base: &Scenario, typed: &[String]) {
        let known = play::names(base);
        for (i, name) in typed.iter().enumerate() {
            let place = [named("figures"), Seg::Index(i)];
            if typed[..i].contains(name) {
                self.complain(&place, format!("the figure `{name}` is there twice"), "a second time", None);
            } else if !known.contains(name) {
                let help = error::suggest(name, known.iter().map(String::as_str), "figures");
                self.complain(&place, format!("no figure is named `{name}`"), "no such figure", help);
            }
        }
    }

    /// The combinations that are left.
    pub fn cells(&mut self, axes: &[Axis], exclude: &[Vec<(usize, usize)>]) -> Vec<u64> {
        let counts = axes.iter().filter(|axis| axis.lead.is_none()).map(|axis| axis.values.len() as u128);
        let product = counts.clone().try_fold(1u128, u128::checked_mul).unwrap_or(u128::MAX);
        let place = [named("axes")];
        if product > MOST_CELLS {
            let counts: Vec<String> = counts.map(|count| count.to_string()).collect();
            let message = format!(
                "{} combinations ({}), and {MOST_CELLS} are the most",
                if product == u128::MAX { "countless".to_owned() } else { product.to_string() },
                counts.join(" × ")
            );
            let span = self.span(&place);
            self.wrong(span.start..(span.start + 1).min(span.end), message, "too many values", None);
            return Vec::new();
        }
        let left_out = |code: &u64| {
            let choices = choices(axes, *code);
            exclude.iter().any(|picked| picked.iter().all(|(axis, value)| choices[*axis] == *value))
        };
        let cells: Vec<u64> = (0..product as u64).filter(|code| !left_out(code)).collect();
        if cells.is_empty() {
            self.complain(
                &[named("exclude")],
                "nothing is left".to_owned(),
                "leaves out every combination",
                None,
            );
        }
        cells
    }
}

fn named(name: &str) -> Seg {
    Seg::Name(name.to_owned())
}

/// Where a path has this word.
fn find_word(path: &str, word: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for part in path.split('.') {
        if part.trim() == word.trim() {
            return Some(start..start + part.len());
        }
        start += part.len() + 1;
    }
    None
}

/// A value as `--set` takes it: a text that is one plain word stands without its quotes.
fn argument(literal: &str) -> String {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = |text: &&str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '%' | '-' | '_' | ':'))
    };
    inner.filter(plain).unwrap_or(literal).to_owned()
}

/// What a value is called, unless it is given a name.
fn label(literal: &str) -> String {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let one_line: Vec<&str> = inner.unwrap_or(literal).split_whitespace().collect();
    one_line.join(" ")
}
