//! Properties of reading and writing, on generated files and on files that were spoilt.

use proptest::prelude::*;

use super::file::options;
use super::generate::Dice;
use super::{Scenario, file};

const GALLERY: &[&str] = &[
    include_str!("../../tests/errors/right.ron"),
    include_str!("../../scenarios/handshake.ron"),
    include_str!("../../scenarios/lost_final_ack.ron"),
    include_str!("../../scenarios/syn_flood.ron"),
    include_str!("../../scenarios/path_mtu_discovery.ron"),
];

/// What can happen to a text at a place.
#[derive(Clone, Debug)]
enum Spoil {
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Put(usize, &'static str),
}

fn spoils() -> impl Strategy<Value = Vec<Spoil>> {
    const PIECES: &[&str] = &[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        ",",
        ":",
        "'",
        "r#\"",
        "/*",
        "//",
        "-1",
        "0",
        "99999999999999999999",
        "\"0s\"",
        "\"1000000%\"",
        "None",
        "Some(",
        "\u{0}",
        "ü",
        "#![enable(x)]",
        "\"18446744073709551615ns\"",
        "\"::1\"",
        "1e400",
        "\\",
    ];
    let place = || any::<usize>();
    let one = prop_oneof![
        (place(), 0..40usize).prop_map(|(at, len)| Spoil::Remove(at, len)),
        (place(), 0..200usize, place()).prop_map(|(from, len, to)| Spoil::Copy(from, len, to)),
        (place(), proptest::sample::select(PIECES)).prop_map(|(at, piece)| Spoil::Put(at, piece)),
    ];
    proptest::collection::vec(one, 1..6)
}

fn spoilt(text: &str, spoils: &[Spoil]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for spoil in spoils {
        let size = letters.len() + 1;
        match spoil {
            Spoil::Remove(at, len) => {
                drop(letters.drain(at % size..(at % size + len).min(size - 1).max(at % size)))
            }
            Spoil::Copy(from, len, to) => {
                let from = from % size;
                let piece: Vec<char> = letters[from..(from + len).min(size - 1).max(from)].to_vec();
                letters.splice(to % size..to % size, piece);
            }
            Spoil::Put(at, piece) => drop(letters.splice(at % size..at % size, piece.chars())),
        }
    }
    letters.into_iter().collect()
}

/// Reads a text; whatever is wrong with it can be shown.
fn read(text: &str) {
    if let Err(problems) = Scenario::parse("spoilt.ron", text) {
        assert!(!problems.problems.is_empty(), "wrong, and nothing said:\n{text}");
        assert!(!problems.render(true).is_empty());
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_as_the_same(numbers in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = Dice::new(&numbers).scenario();
        let scenario: file::Scenario = match options().from_str(&text) {
            Ok(scenario) => scenario,
            Err(error) => panic!("{error}\n{text}"),
        };
        let written = scenario.write("generated");
        let again: file::Scenario = match options().from_str(&written) {
            Ok(again) => again,
            Err(error) => panic!("{error}\n{written}"),
        };
        prop_assert_eq!(&scenario, &again, "{}", written);
        read(&text);
    }

    #[test]
    fn no_text_panics(which in 0..GALLERY.len(), spoils in spoils()) {
        read(&spoilt(GALLERY[which], &spoils));
    }

    #[test]
    fn no_generated_text_panics(numbers in proptest::collection::vec(any::<u8>(), 0..400), spoils in spoils()) {
        read(&spoilt(&Dice::new(&numbers).scenario(), &spoils));
    }

    #[test]
    fn quantities_are_written_exactly(n in any::<u64>(), small in 0..100_000u64) {
        use super::units::{Percent, Rate, Size, Span};
        for n in [n, small, small * 1000, small << 10] {
            prop_assert_eq!(Span(n).to_string().parse(), Ok(Span(n)));
            prop_assert_eq!(Rate(n).to_string().parse(), Ok(Rate(n)));
            prop_assert_eq!(Size(n).to_string().parse(), Ok(Size(n)));
            prop_assert_eq!(Percent(n).to_string().parse(), Ok(Percent(n)));
        }
    }
}

#[test]
fn quantities() {
    use super::units::{Percent, Rate, Span};
    assert_eq!("1.5s".parse(), Ok(Span(1_500_000_000)));
    assert_eq!(".5ms".parse(), Ok(Span(500_000)));
    assert_eq!("0.1%".parse(), Ok(Percent(1_000)));
    assert_eq!("1Gbps".parse(), Ok(Rate(1_000_000_000)));
    for wrong in
        ["", "s", ".s", "1..5s", "0.5ns", "1e3s", "-1s", "1 000s", "99999999999999999999s", "5000000000000d"]
    {
        assert!(wrong.parse::<Span>().is_err(), "{wrong}");
    }
}

#[test]
fn the_gallery_reads_and_writes_back() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for file in std::fs::read_dir(folder).expect("a folder").flatten() {
        if file.path().extension().is_none_or(|extension| extension != "ron") {
            continue;
        }
        let scenario = super::load(file.path()).unwrap_or_else(|problems| panic!("{problems}"));
        let written = scenario.typed.write(scenario.about());
        let again = Scenario::parse("written.ron", &written).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(again.typed, scenario.typed);
        assert_eq!(again.spec(), scenario.spec());
    }
}

/// 8200/5-1280: a link that IPv6 packets may take carries 1280 octets, between routers too, and does so for the whole run.
#[test]
fn an_ipv6_link_carries_1280() {
    let text = |client: &str, near: &str, far: &str, later: &str| {
        format!(
            "Scenario(hosts: {{ \"client\": (addr: \"{client}\"), \"server\": (addr: \"{client}2\") }},
            routers: {{ \"a\": (), \"b\": () }},
            links: [(between: (\"client\", \"a\"), mtu: {near}), (between: (\"a\", \"b\"), mtu: {far}),
                (between: (\"b\", \"server\"))],
            faults: [(at: \"1s\", do: LinkChange(link: \"a-b\", set: (mtu: {later})))])"
        )
    };
    let fine = |text: &str| Scenario::parse("mtu.ron", text).is_ok();
    assert!(fine(&text("10.0.0.1", "576", "576", "296")));
    assert!(fine(&text("2001:db8::1", "1280", "1280", "1280")));
    for (near, far, later) in [("1279", "1500", "1500"), ("1500", "1279", "1500"), ("1500", "1500", "1279")] {
        assert!(!fine(&text("2001:db8::1", near, far, later)), "{near} {far} {later}");
    }
}
