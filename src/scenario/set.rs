//! Quick variations: `links.0.delay=20ms` changes a value in the text of a file, or adds one that is not there.
//!
//! The change is made in the text and the whole read again, so a wrong path or value gets the same errors, with the
//! changed line, as if it had been typed.

use super::error::{Diagnostics, Problem, suggest};
use super::locate::{Node, Seg, show};
use super::{Scenario, file};

impl Scenario {
    /// The scenario with a value changed: `links.0.delay=20ms`, `hosts.client.tcp.time_wait=0s`. A link or a program
    /// is named by its number or its name; a text may stand without quotes.
    ///
    /// # Errors
    /// No such place, or what is wrong with the scenario after the change.
    pub fn set(&self, assignment: &str) -> Result<Scenario, Diagnostics> {
        let path_of_file = format!("{} with --set {assignment}", self.path);
        let wrong = |message: String, help: Option<String>| Diagnostics {
            path: path_of_file.clone(),
            text: String::new(),
            problems: vec![Problem { message, span: 0..0, label: String::new(), help }],
        };
        let Some((path, value)) = assignment.split_once('=') else {
            let message = format!("--set {assignment} has no `=`");
            return Err(wrong(message, Some("as in links.0.delay=20ms".to_owned())));
        };
        let (path, value) = (self.segments(path.trim()), value.trim());
        let typed = Node::of(value).map(|_| self.with(&path, value));
        let quoted = self.with(&path, &format!("{value:?}"));
        let parse = |text: &str| Scenario::parse(&path_of_file, text);
        let as_typed = match typed {
            Some(text) => parse(&text.map_err(|(message, help)| wrong(message, help))?),
            None => return parse(&quoted.map_err(|(message, help)| wrong(message, help))?),
        };
        let Err(problems) = as_typed else { return as_typed };
        match parse(&quoted.map_err(|(message, help)| wrong(message, help))?) {
            // That it is no text says nothing to somebody who typed none.
            Err(other) if other.problems.iter().any(|problem| problem.message.starts_with("expected")) => {
                Err(problems)
            }
            as_text => as_text,
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
            _ => None,
        };
        if let Some(number) = number {
            path[1] = Seg::Index(number);
        }
        path
    }

    /// The text with `value` at `path`; else what is wrong, and what would be right.
    fn with(&self, path: &[Seg], value: &str) -> Result<String, (String, Option<String>)> {
        let tree = Node::of(&self.text).ok_or_else(|| ("the file cannot be changed".to_owned(), None))?;
        let (node, found) = tree.find(path);
        let mut text = self.text.clone();
        if found == path.len() {
            text.replace_range(node.span.clone(), value);
            return Ok(text);
        }
        let missing = &path[found..];
        let here = show(&path[..found]);
        let names: Vec<&str> = match &path[..found] {
            [Seg::Name(list)] if list == "links" => self.spec.links.keys().map(String::as_str).collect(),
            [Seg::Name(list)] if list == "programs" => {
                self.spec.programs.iter().map(|own| &*own.name).collect()
            }
            _ => node.kids.iter().filter_map(|kid| kid.seg.name()).collect(),
        };
        let typed = show(&missing[..1]);
        let none = |what: &str| {
            let message = format!("there is no `{typed}` in `{here}`");
            Err((message, suggest(&typed, names.iter().copied(), what)))
        };
        match (node.open, node.open.and_then(|open| self.text[open..].chars().next())) {
            (Some(open), Some('(')) if missing.iter().all(|seg| seg.name().is_some()) => {
                let words: Vec<&str> = missing.iter().filter_map(Seg::name).collect();
                let opening = words.join(": (");
                let closing = ")".repeat(words.len() - 1);
                text.insert_str(open + 1, &format!("{opening}: {value}{closing}, "));
                Ok(text)
            }
            (Some(_), Some('[')) => none(if names.is_empty() { "elements" } else { "names" }),
            (Some(_), Some('{')) => none("names"),
            _ => Err((format!("`{here}` has no fields"), None)),
        }
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
        assert!(said("nonsense").contains("no `=`"));
    }
}
