//! Where in a file a value stands: a tree of positions over RON, found by the value's path (`links.0.delay`).
//!
//! RON tells positions only through its own errors. This reads the shape of a text (names, brackets, strings,
//! comments), not its meaning, so that errors of meaning, expectations and `--set` find their place too.

use std::ops::Range;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seg {
    /// A field, or a name in braces.
    Name(String),
    /// An element, counted from zero.
    Index(usize),
}

impl Seg {
    /// The name, unless it is a number.
    pub fn name(&self) -> Option<&str> {
        match self {
            Seg::Name(name) => Some(name),
            Seg::Index(_) => None,
        }
    }
}

/// A path as people write it: `links.0.delay`.
pub fn show(path: &[Seg]) -> String {
    let words = path.iter().map(|seg| match seg {
        Seg::Name(name) => name.clone(),
        Seg::Index(i) => i.to_string(),
    });
    words.collect::<Vec<_>>().join(".")
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Bytes of the whole value, its variant's name included.
    pub span: Range<usize>,
    /// Bytes of its opening bracket, if it has one.
    pub open: Option<usize>,
    /// Fields and elements.
    pub kids: Vec<Kid>,
}

/// A field or an element.
#[derive(Clone, Debug)]
pub struct Kid {
    /// Its name, or its number.
    pub seg: Seg,
    /// Bytes of the name, where there is one.
    pub name: Option<Range<usize>>,
    /// Whether the text is still well-formed without it: a field, an entry, or an element of a list.
    pub removable: bool,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The tree of a text; `None` if its brackets do not fit, or lie too deep.
    pub fn of(text: &str) -> Option<Node> {
        let mut reader = Reader { text, at: 0 };
        let node = reader.value(0)?;
        reader.blank();
        (reader.at == text.len()).then_some(node)
    }

    /// The field or element of this name or number, looking through the parentheses of a variant.
    pub fn kid(&self, seg: &Seg) -> Option<&Kid> {
        let found = self.kids.iter().find(|kid| kid.seg == *seg);
        found.or_else(|| match self.kids.as_slice() {
            [only] if only.name.is_none() && only.node.open.is_some() && matches!(seg, Seg::Name(_)) => {
                only.node.kid(seg)
            }
            _ => None,
        })
    }

    /// The value at a path, or the nearest one around it, and how many steps were found.
    pub fn find(&self, path: &[Seg]) -> (&Node, usize) {
        let mut node = self;
        for (found, seg) in path.iter().enumerate() {
            match node.kid(seg) {
                Some(kid) => node = &kid.node,
                None => return (node, found),
            }
        }
        (node, path.len())
    }

    /// The names and values around a byte, from the outermost in.
    pub fn around(&self, byte: usize) -> Vec<&Kid> {
        let mut chain = Vec::new();
        let mut node = self;
        while let Some(kid) = node.kids.iter().find(|kid| {
            let start = kid.name.as_ref().map_or(kid.node.span.start, |name| name.start);
            (start..kid.node.span.end).contains(&byte)
        }) {
            chain.push(kid);
            node = &kid.node;
        }
        chain
    }
}

/// Deepest nesting that is followed; RON itself is read no deeper than 64.
const DEEPEST: usize = 80;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    fn eat(&mut self, text: &str) -> bool {
        let here = self.rest().starts_with(text);
        if here {
            self.at += text.len();
        }
        here
    }
    /// Moves behind the first `end`, or to the end of the text.
    fn skip_past(&mut self, end: &str) -> Option<()> {
        self.at += self.rest().find(end)? + end.len();
        Some(())
    }

    /// White space, comments and `#![enable(...)]`.
    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if self.eat("//") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if self.eat("/*") {
                let mut depth = 1;
                while depth > 0 {
                    match self.rest().find(['/', '*']) {
                        Some(next) => self.at += next,
                        None => return self.at = self.text.len(),
                    }
                    if self.eat("*/") {
                        depth -= 1;
                    } else if self.eat("/*") {
                        depth += 1;
                    } else {
                        self.at += 1;
                    }
                }
            } else if self.eat("#![") {
                if self.skip_past("]").is_none() {
                    return self.at = self.text.len();
                }
            } else {
                return;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        self.blank();
        let start = self.at;
        if self.string()? {
            return Some(Node { span: start..self.at, open: None, kids: Vec::new() });
        }
        let word = self.word();
        let end_of_word = self.at;
        self.blank();
        let open = self.at;
        let kids = match self.peek() {
            Some('(') => self.kids(')', depth)?,
            Some('[') if word.is_empty() => self.kids(']', depth)?,
            Some('{') if word.is_empty() => self.kids('}', depth)?,
            _ if word.is_empty() => return None,
            _ => {
                self.at = end_of_word;
                return Some(Node { span: start..self.at, open: None, kids: Vec::new() });
            }
        };
        Some(Node { span: start..self.at, open: Some(open), kids })
    }

    /// A string, byte string or character; `Some(false)` if there is none here, `None` if it does not end.
    fn string(&mut self) -> Option<bool> {
        let rest = self.rest();
        let raw = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r');
        let hashes = raw.map_or(0, |raw| raw.len() - raw.trim_start_matches('#').len());
        if raw.is_some_and(|raw| raw[hashes..].starts_with('"')) {
            self.skip_past("\"")?;
            self.skip_past(&format!("\"{}", "#".repeat(hashes)))?;
            return Some(true);
        }
        if rest.starts_with('\'') {
            self.at += 1;
            self.eat("\\");
            self.at += self.peek()?.len_utf8();
            self.skip_past("'")?;
            return Some(true);
        }
        if !rest.strip_prefix('b').unwrap_or(rest).starts_with('"') {
            return Some(false);
        }
        self.skip_past("\"")?;
        loop {
            match self.peek()? {
                '"' => {
                    self.at += 1;
                    return Some(true);
                }
                '\\' => {
                    self.at += 1;
                    self.at += self.peek()?.len_utf8();
                }
                other => self.at += other.len_utf8(),
            }
        }
    }

    /// A name or a number.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-' | '#');
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// What stands between brackets.
    fn kids(&mut self, close: char, depth: usize) -> Option<Vec<Kid>> {
        self.at += 1;
        let mut kids = Vec::new();
        loop {
            self.blank();
            if self.peek()? == close {
                self.at += 1;
                return Some(kids);
            }
            kids.push(self.one(kids.len(), close, depth)?);
            self.blank();
            if self.peek()? == close {
                continue;
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    /// A field, an entry in braces, or an element.
    fn one(&mut self, index: usize, close: char, depth: usize) -> Option<Kid> {
        let first = self.value(depth + 1)?;
        let end = self.at;
        self.blank();
        if close != ']' && self.eat(":") {
            let name = first.span;
            let text = &self.text[name.clone()];
            let text = text.strip_prefix("r#").unwrap_or(text).trim_matches('"');
            let node = self.value(depth + 1)?;
            return Some(Kid { seg: Seg::Name(text.to_owned()), name: Some(name), removable: true, node });
        }
        self.at = end;
        Some(Kid { seg: Seg::Index(index), name: None, removable: close == ']', node: first })
    }
}
