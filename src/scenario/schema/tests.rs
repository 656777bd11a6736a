use super::*;

fn all_fields() -> impl Iterator<Item = (&'static str, &'static Field)> {
    ALL.iter().flat_map(|described| {
        let own = described.fields.iter().map(move |field| (described.name, field));
        let of_variants = described
            .variants
            .iter()
            .flat_map(|variant| variant.fields.iter().map(|field| (variant.name, field)));
        own.chain(of_variants)
    })
}

/// Types within a Rust type: `Option<Vec<Step>>` has `Step` in it.
fn types_in(rust: &str) -> Vec<String> {
    let words =
        rust.split(|c: char| !(c.is_alphanumeric() || c == ':' || c == '_')).filter(|word| !word.is_empty());
    words.map(|word| word.rsplit("::").next().unwrap_or(word).to_owned()).collect()
}

#[test]
fn every_type_is_documented() {
    let wrappers = ["Option", "Vec", "Maybe", "Named", "OneOrMany"];
    let known = |name: &str| {
        wrappers.contains(&name)
            || ALL.iter().any(|described| described.name == name)
            || VALUES.iter().any(|(rust, _, _)| *rust == name)
    };
    let kinds = all_fields().map(|(_, field)| field.kind);
    let held = ALL
        .iter()
        .flat_map(|described| described.variants.iter().flat_map(|variant| variant.holds.iter().copied()));
    for name in kinds.chain(held).flat_map(types_in) {
        assert!(known(&name), "{name} stands in a file and nobody says what it is");
    }
}

#[test]
fn every_field_says_what_it_means() {
    for (of, field) in all_fields() {
        assert!(!prose(field.doc).is_empty(), "{of}.{}", field.name);
    }
}

#[test]
fn every_example_reads() {
    for (of, field) in all_fields() {
        if let Err(error) = (field.read)(field.example) {
            panic!("{of}.{}: {} : {error}", field.name, field.example);
        }
    }
}

#[test]
fn the_introduction_is_right() {
    let example =
        INTRODUCTION.split("```ron\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    if let Err(problems) = crate::scenario::Scenario::parse("scenarios.md", example) {
        panic!("{problems}");
    }
}

#[test]
fn the_page_is_up_to_date() {
    let page = include_str!("../../../docs/scenarios.md");
    assert!(page == markdown(), "run: cargo run -- schema > docs/scenarios.md");
}
