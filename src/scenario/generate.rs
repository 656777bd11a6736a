//! Scenario files from the tables of fields: every form that a file can have, chosen by numbers that a test gives.

use super::file::table::{Described, Field, Variant};
use super::schema::ALL;

/// Chooses one of several by the next of a list of numbers.
pub struct Dice<'a> {
    numbers: &'a [u8],
    next: usize,
}

impl<'a> Dice<'a> {
    pub fn new(numbers: &'a [u8]) -> Dice<'a> {
        Dice { numbers, next: 0 }
    }
    fn roll(&mut self, sides: usize) -> usize {
        let number = self.numbers.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(number) % sides.max(1)
    }

    /// A file whose form is right, whatever it means.
    pub fn scenario(&mut self) -> String {
        format!("Scenario{}", self.value("Scenario", "()", 0))
    }

    fn value(&mut self, kind: &str, example: &str, depth: usize) -> String {
        let kind = &kind.replace(' ', "");
        let inside = |outer: &str| kind.strip_prefix(outer)?.strip_prefix('<')?.strip_suffix('>');
        if let Some(inner) = inside("Option") {
            return self.value(inner, example, depth);
        }
        if let Some(inner) = inside("Maybe") {
            return if self.roll(3) == 0 { "None".to_owned() } else { self.value(inner, example, depth) };
        }
        let described = |name: &str| ALL.iter().find(|described| described.name == name);
        if let Some(inner) = inside("Vec").filter(|inner| described(inner).is_some()) {
            let count = if depth > 5 { 0 } else { self.roll(4) };
            let items: Vec<String> = (0..count).map(|_| self.value(inner, example, depth + 1)).collect();
            return format!("[{}]", items.join(", "));
        }
        if let Some(inner) = inside("Named") {
            let names = ["a", "b", "router one", "ü"];
            let count = self.roll(names.len() + 1);
            let items: Vec<String> = names
                .iter()
                .take(count)
                .map(|name| format!("{name:?}: {}", self.value(inner, "()", depth + 1)))
                .collect();
            return format!("{{{}}}", items.join(", "));
        }
        match described(kind) {
            Some(Described { fields, variants: [], .. }) => self.fields(fields, depth),
            Some(Described { variants, .. }) => {
                let variant = self.roll(variants.len());
                self.variant(&variants[variant], example, depth)
            }
            None => example.to_owned(),
        }
    }

    fn fields(&mut self, fields: &[Field], depth: usize) -> String {
        let mut typed = Vec::new();
        for field in fields {
            if field.default.is_none() || self.roll(3) == 0 {
                typed.push(format!(
                    "{}: {}",
                    field.typed(),
                    self.value(field.kind, field.example, depth + 1)
                ));
            }
        }
        format!("({})", typed.join(", "))
    }

    fn variant(&mut self, variant: &Variant, example: &str, depth: usize) -> String {
        if !variant.fields.is_empty() {
            return format!("{}{}", variant.name, self.fields(variant.fields, depth));
        }
        let held: Vec<String> = variant.holds.iter().map(|kind| self.held(kind, example, depth)).collect();
        match variant.holds {
            [] => variant.name.to_owned(),
            // A structure's parentheses are those of the variant.
            [one] if ALL.iter().any(|described| described.name == *one && described.variants.is_empty()) => {
                format!("{}{}", variant.name, held.concat())
            }
            _ => format!("{}({})", variant.name, held.join(", ")),
        }
    }

    /// What stands in a variant's parentheses has no example of its own.
    fn held(&mut self, kind: &str, _: &str, depth: usize) -> String {
        let example = match kind {
            "Vec<Span>" => r#"["1ms", "1.5ms"]"#,
            "Vec<(Size, Percent)>" => r#"[(0, "0%"), ("10kB", "100%")]"#,
            "String" => r#""text \"with\" \\ and \n""#,
            "bool" => "true",
            "Span" => "\"1.25ms\"",
            "Option<Span>" => "\"0s\"",
            "Size" => "\"3KiB\"",
            "Endpoint" => "\"[2001:db8::1]:80\"",
            "i64" => "-3",
            _ => "7",
        };
        self.value(kind, example, depth + 1)
    }
}
