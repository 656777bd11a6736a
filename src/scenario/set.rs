//! Quick variations: `links.0.delay=20ms` changes a value in the text of a file, or adds one that is not there.
//!
//! The change is made in the text and the whole read again, so a wrong path or value gets the same errors, with the
//! changed line, as if it had been typed.

use std::ops::Range;

use super::error::{Diagnostics, Problem, suggest};
use super::expand::expand;
use super::locate::{Node, Seg, show};
use super::{Scenario, file};

/// A change that cannot be made.
#[derive(Clone, Debug)]
pub struct Misfit {
    /// Which part of it is wrong.
    pub culprit: Culprit,
    /// What is wrong with the changed text; without a text if there is none.
    pub diagnostics: Diagnostics,
    /// Which of the problems there is that of the culprit.
    pub first: usize,
}

/// Which part of a change is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// This word of the path names nothing.
    Word(String),
    /// The value does not fit there.
    Value,
    /// With it, something else in the file does not fit any more.
    Elsewhere,
}

impl Scenario {
    /// The scenario with a value changed: `links.0.delay=20ms`, `hosts.client.tcp.time_wait=0s`. A link, a program or a
    /// population is named by its number or its name; a text may stand without quotes.
    ///
    /// # Errors
    /// No such place, or what is wrong with the scenario after the change.
    pub fn set(&self, assignment: &str) -> Result<Scenario, Diagnostics> {
        match assignment.split_once('=') {
            Some((path, value)) if !path.trim().is_empty() => {
                self.change(path, value).map_err(|misfit| misfit.diagnostics)
            }
            _ => {
                let message = "expected a path, `=` and a value".to_owned();
                let help = Some("as in links.0.delay=20ms".to_owned());
                Err(self.without_place(assignment, message, help))
            }
        }
    }

    /// The scenario with `value` at `path`, as [`set`](Scenario::set) has them on the two sides of its `=`.
    ///
    /// # Errors
    /// Which of the two is wrong, and why.
    pub fn change(&self, path: &str, value: &str) -> Result<Scenario, Misfit> {
        let assignment = format!("{path}={value}");
        let (path, value) = (self.segments(path.trim()), value.trim());
        let quoted = || self.changed(&assignment, &path, &format!("{value:?}"));
        if Node::of(value).is_none() {
            return quoted();
        }
        match self.changed(&assignment, &path, value) {
            Ok(scenario) => Ok(scenario),
            Err(problems) => match quoted() {
                // That it is no text says nothing to somebody who typed none.
                Err(other) if other.expected_other_kind() => Err(problems),
                as_text => as_text,
            },
        }
    }

    /// The text with `value` at `path`, read again.
    fn changed(&self, assignment: &str, path: &[Seg], value: &str) -> Result<Scenario, Misfit> {
        let changed = self.with(path, value).map_err(|NoPlace { word, message, help }| {
            let diagnostics = self.without_place(assignment, message, help);
            Misfit { culprit: Culprit::Word(word), diagnostics, first: 0 }
        })?;
        let name = format!("{} with --set {assignment}", self.path);
        Scenario::parse(&name, &changed.text).map_err(|diagnostics| {
            let meet = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
            let at = |part: &Range<usize>| diagnostics.problems.iter().position(|p| meet(&p.span, part));
            let (culprit, first) = match (at(&changed.value), at(&changed.words)) {
                (Some(first), _) => (Culprit::Value, first),
                (None, Some(first)) => {
                    let span = diagnostics.problems[first].span.clone();
                    (Culprit::Word(changed.text.get(span).unwrap_or_default().to_owned()), first)
                }
                (None, None) => (Culprit::Elsewhere, 0),
            };
            Misfit { culprit, diagnostics, first }
        })
    }

    fn without_place(&self, assignment: &str, message: String, help: Option<String>) -> Diagnostics {
        Diagnostics {
            path: format!("{} with --set {assignment}", self.path),
            text: String::new(),
            problems: vec![Problem { message, span: 0..0, label: String::new(), help }],
        }
    }

    /// `links.client-server.delay` with the link's number.
    fn segments(&self, path: &str) -> Vec<Seg> {
        let mut path: Vec<Seg> = path
            .split('.')
            .map(|word| word.parse().map_or_else(|_| Seg::Name(word.to_owned()), Seg::Index))
            .collect();
        let number = match path.as_slice() {
            [Seg::Name(list), Seg::Name(name), ..] if list == "links" => {
                let own = |link: &file::Link| {
                    let ends = format!("{}-{}", link.between.0, link.between.1);
                    link.name.as_ref().unwrap_or(&ends) == name
                };
                self.typed.links.iter().position(own)
            }
            [Seg::Name(list), Seg::Name(name), ..] if list == "programs" => {
                self.spec.programs.iter().position(|program| *program.name == **name)
            }
            [Seg::Name(list), Seg::Name(name), ..] if list == "populations" => {
                self.typed.populations.iter().position(|population| population.name == *name)
            }
            _ => None,
        };
        if let Some(number) = number {
            path[1] = Seg::Index(number);
        } else if let [Seg::Name(list), Seg::Name(name), ..] = path.as_slice()
            && list == "links"
            && let Some(origin) = self.origin_of_link(name)
        {
            path.splice(..2, origin);
        }
        path
    }

    /// Where the parameters of a link stand that a template or a range has made.
    fn origin_of_link(&self, name: &str) -> Option<Vec<Seg>> {
        let expanded = expand(&self.typed).ok()?;
        let own = |link: &file::Link| {
            let ends = format!("{}-{}", link.between.0, link.between.1);
            link.name.as_ref().unwrap_or(&ends) == name
        };
        let number = expanded.file.links.iter().position(own)?;
        Some(expanded.origin(vec![Seg::Name("links".to_owned()), Seg::Index(number)]))
    }

    /// The text with `value` at `path`; else what is wrong, and what would be right.
    fn with(&self, path: &[Seg], value: &str) -> Result<Changed, NoPlace> {
        let no_place = |message: String, help| NoPlace { word: show(&path[..1]), message, help };
        let tree =
            Node::of(&self.text).ok_or_else(|| no_place("the file cannot be changed".to_owned(), None))?;
        let (node, found) = tree.find(path);
        let mut text = self.text.clone();
        if found == path.len() {
            let start = node.span.start;
            text.replace_range(node.span.clone(), value);
            return Ok(Changed { text, words: start..start, value: start..start + value.len() });
        }
        let missing = &path[found..];
        let here = show(&path[..found]);
        let names: Vec<&str> = match &path[..found] {
            [Seg::Name(list)] if list == "links" => self.spec.links.keys().map(String::as_str).collect(),
            [Seg::Name(list)] if list == "programs" => {
                self.spec.programs.iter().map(|own| &*own.name).collect()
            }
            [Seg::Name(list)] if list == "populations" => {
                self.typed.populations.iter().map(|own| own.name.as_str()).collect()
            }
            _ => node.kids.iter().filter_map(|kid| kid.seg.name()).collect(),
        };
        let typed = show(&missing[..1]);
        let none = |what: &str| {
            let message = format!("there is no `{typed}` in `{here}`");
            let help = suggest(&typed, names.iter().copied(), what);
            Err(NoPlace { word: typed.clone(), message, help })
        };
        match (node.open, node.open.and_then(|open| self.text[open..].chars().next())) {
            (Some(open), Some('(')) if missing.iter().all(|seg| seg.name().is_some()) => {
                let words: Vec<&str> = missing.iter().filter_map(Seg::name).collect();
                let opening = words.join(": (");
                let closing = ")".repeat(words.len() - 1);
                text.insert_str(open + 1, &format!("{opening}: {value}{closing}, "));
                let words = open + 1..open + 1 + opening.len();
                let start = words.end + ": ".len();
                Ok(Changed { text, words, value: start..start + value.len() })
            }
            (Some(_), Some('[')) => none(if names.is_empty() { "elements" } else { "names" }),
            (Some(_), Some('{')) => none("names"),
            _ => Err(NoPlace { word: typed, message: format!("`{here}` has no fields"), help: None }),
        }
    }
}

/// A text with a change in it.
struct Changed {
    text: String,
    /// The names of fields that were not there before.
    words: Range<usize>,
    /// The value.
    value: Range<usize>,
}

/// A path that leads nowhere.
struct NoPlace {
    /// The word that names nothing.
    word: String,
    message: String,
    help: Option<String>,
}

impl Misfit {
    /// Whether another kind of value is wanted there than was given.
    fn expected_other_kind(&self) -> bool {
        self.diagnostics.problems.iter().any(|problem| problem.message.starts_with("expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"Scenario(
    hosts: { "a": (addr: "10.0.0.1"), "b": () },
    links: [(between: ("a", "b"), delay: "10ms")],
    programs: [(on: "b", run: EchoServer(port: 7)), (on: "a", run: Client(to: "b:7", steps: [Send("x"), Recv(1)]))],
)"#;

    fn set(assignment: &str) -> Result<Scenario, Diagnostics> {
        Scenario::parse("a.ron", FILE).expect("right").set(assignment)
    }

    #[test]
    fn values_change_or_appear() {
        let nanos = |scenario: &Scenario| scenario.spec().links["a-b"].ways[0].delay.as_nanos();
        assert_eq!(nanos(&set("links.0.delay=20ms").expect("by number")), 20_000_000);
        assert_eq!(nanos(&set("links.a-b.delay=\"1.5s\"").expect("by name, in quotes")), 1_500_000_000);
        assert_eq!(set("links.0.mtu=1400").expect("added").spec().links["a-b"].ways[1].mtu, 1400);
        assert_eq!(set("seed=9").expect("at the top").spec().seed, 9);
        let scenario = set("hosts.b.tcp.time_wait=0s").expect("a structure that was not there");
        let sim::spec::Node::Host(host) = &scenario.spec().nodes["b"] else { panic!("a host") };
        assert_eq!(host.tcp.time_wait, tcp::Duration::ZERO);
        set("programs.b/1.run.port=8").expect("through the variant");
        set("programs.1.run.steps.0=Send(\"y\")").expect("a step");
        set("programs.1.run.to=b:9").expect("text without quotes");
    }

    #[test]
    fn links_of_a_template_are_changed_where_they_stand() {
        let text = "Scenario(topology: Star(hosts: 3, access: (delay: \"1ms\")))";
        let scenario = Scenario::parse("a.ron", text).expect("right").set("links.h2-hub.delay=5ms");
        let spec = scenario.expect("by the name of one of them").spec().clone();
        assert!(spec.links.values().all(|link| link.ways[0].delay == tcp::Duration::from_millis(5)));
    }

    #[test]
    fn populations_have_names() {
        let text = "(topology: Star(hosts: 3), populations: [(name: \"web\", from: \"h2\", to: \"h1\", kind: LongLived)])";
        let scenario = Scenario::parse("a.ron", text).expect("right");
        let changed = scenario.set("populations.web.count=7").expect("by its name");
        assert_eq!(changed.typed.populations[0].count, Some(7));
        let wrong = scenario.set("populations.wbe.count=7").expect_err("no such population").to_string();
        assert!(wrong.contains("did you mean `web`"), "{wrong}");
    }

    #[test]
    fn errors_name_the_path() {
        let said = |assignment| set(assignment).expect_err(assignment).to_string();
        assert!(
            said("links.0.dealy=20ms").contains("did you mean `delay`"),
            "{}",
            said("links.0.dealy=20ms")
        );
        assert!(
            said("links.0.delay=20m").contains("is not a unit of a duration"),
            "{}",
            said("links.0.delay=20m")
        );
        assert!(said("links.ab.delay=1s").contains("did you mean `a-b`"), "{}", said("links.ab.delay=1s"));
        assert!(said("hosts.c.ttl=3").contains("no `c` in `hosts`"), "{}", said("hosts.c.ttl=3"));
        assert!(said("links.0.mtu=big").contains("whole number"), "{}", said("links.0.mtu=big"));
        assert!(said("links.0.mtu=20").contains("too small"), "{}", said("links.0.mtu=20"));
        assert!(said("nonsense").contains("expected a path, `=` and a value"));
    }
}
