//! A scenario's text in pieces: what may be taken out of it, numbers that may be rounder, names.
//!
//! Nothing here knows what the pieces mean: what is left is read again, and what is no scenario any more is left alone.

use std::ops::Range;

/// Texts with one element less (a field, an item of a list) or the second half of a long string, the largest gap first.
pub(super) fn with_less(text: &str) -> Vec<String> {
    let mut pieces = elements(text);
    let halves = strings(text).into_iter().map(|string| string.start + string.len() / 2..string.end);
    pieces.extend(halves.filter(|half| half.len() >= 4 && text.is_char_boundary(half.start)));
    pieces.sort_by_key(|piece| (std::cmp::Reverse(piece.len()), piece.start));
    pieces.into_iter().map(|piece| replaced(text, piece, "")).collect()
}

/// Texts with one number rounder than it was: to the nearest with one digit that counts, with two.
pub(super) fn with_rounder(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for number in numbers(text) {
        for rounder in rounder(&text[number.clone()]) {
            texts.push(replaced(text, number.clone(), &rounder));
        }
    }
    texts
}

/// The text with other names for hosts: in quotes, alone, before a colon, or joined by a dash as links' names are.
pub(super) fn with_names(text: &str, names: &[(String, String)]) -> String {
    let new = |name: &str| names.iter().find(|(old, _)| old == name).map(|(_, new)| new.as_str());
    let mut out = String::new();
    let mut end = 0;
    for string in strings(text) {
        out += &text[end..string.start];
        let said = &text[string.clone()];
        let (name, rest) = said.find(':').map_or((said, ""), |colon| said.split_at(colon));
        let joined: Vec<&str> = name.split('-').map(|part| new(part).unwrap_or(part)).collect();
        let known = name.split('-').all(|part| new(part).is_some());
        out += &if known { joined.join("-") } else { name.to_owned() };
        out += rest;
        end = string.end;
    }
    out + &text[end..]
}

fn replaced(text: &str, piece: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..piece.start], &text[piece.end..])
}

/// What stands between brackets and commas, with the comma behind it, however deep.
fn elements(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    let mut quoted = strings(text).into_iter().peekable();
    for (at, byte) in text.bytes().enumerate() {
        if let Some(string) = quoted.peek() {
            if string.contains(&at) {
                continue;
            }
            if at >= string.end {
                quoted.next();
            }
        }
        match byte {
            b'(' | b'[' | b'{' => open.push(at + 1),
            b',' => {
                if let Some(begin) = open.last_mut() {
                    found.push(*begin..at + 1);
                    *begin = at + 1;
                }
            }
            b')' | b']' | b'}' => {
                let begin = open.pop().unwrap_or(at);
                if !text[begin..at].trim().is_empty() {
                    found.push(begin..at);
                }
            }
            _ => {}
        }
    }
    found
}

/// What stands in quotes, without them.
fn strings(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut begin, mut escaped) = (Vec::new(), None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (byte, begin) {
            _ if std::mem::take(&mut escaped) => {}
            (b'\\', Some(_)) => escaped = true,
            (b'"', Some(start)) => {
                found.push(start..at);
                begin = None;
            }
            (b'"', None) => begin = Some(at + 1),
            _ => {}
        }
    }
    found
}

/// Whole numbers, alone or at the beginning of a quantity in quotes.
fn numbers(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begin = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        if begin == at {
            at += 1;
            continue;
        }
        let before = begin.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let part_of_more = |byte: u8| byte.is_ascii_alphanumeric() || b".:_\"".contains(&byte);
        let unit = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'%').count();
        let after = bytes.get(at + unit).copied().unwrap_or(b' ');
        // A quantity fills its quotes; a number without is no part of a word, an address or a fraction.
        let whole = if before == b'"' { after == b'"' } else { unit == 0 && !part_of_more(after) };
        if whole && (before == b'"' || !part_of_more(before)) {
            found.push(begin..at);
        }
    }
    found
}

/// Numbers near this one with fewer digits that count, the roundest first.
fn rounder(number: &str) -> Vec<String> {
    let Ok(value) = number.parse::<u64>() else { return Vec::new() };
    let digits = number.trim_start_matches('0').trim_end_matches('0').len();
    let mut found = Vec::new();
    for keep in 1..digits.min(3) {
        let unit = 10_u64.pow((number.len() - keep) as u32);
        for rounded in [value / unit * unit, value.div_ceil(unit).saturating_mul(unit)] {
            found.push(rounded.to_string());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_is_taken_out_once() {
        let text = r#"(a: "x, (y", b: [1, 2], c: (d: 3))"#;
        let less = with_less(text);
        for expected in [
            r#"( b: [1, 2], c: (d: 3))"#,
            r#"(a: "x, (y", c: (d: 3))"#,
            r#"(a: "x, (y", b: [ 2], c: (d: 3))"#,
            r#"(a: "x, (y", b: [1,], c: (d: 3))"#,
            r#"(a: "x, (y", b: [1, 2],)"#,
            r#"(a: "x, (y", b: [1, 2], c: ())"#,
        ] {
            assert_eq!(less.iter().filter(|text| *text == expected).count(), 1, "{expected} in {less:#?}");
        }
        assert_eq!(less.len(), 6);
    }

    #[test]
    fn numbers_become_rounder() {
        assert_eq!(rounder("1043"), ["1000", "2000", "1000", "1100"]);
        assert_eq!(rounder("43"), ["40", "50"]);
        assert!(rounder("40000").is_empty() && rounder("7").is_empty());
        let text = r#"(delay: "1043us", len: 43, addr: "10.0.12.1", to: "b:8080", rate: "1.25Mbit", x11: "loss 12")"#;
        let found: Vec<&str> = numbers(text).into_iter().map(|number| &text[number]).collect();
        assert_eq!(found, ["1043", "43"]);
    }

    #[test]
    fn names_change_wherever_they_stand() {
        let names = [("a".to_owned(), "client".to_owned()), ("b".to_owned(), "server".to_owned())];
        let text = r#"{ "a": (), "b": () }, (link: "a-b", to: "b:80", about: "a b", from: "ab")"#;
        let expected = r#"{ "client": (), "server": () }, (link: "client-server", to: "server:80", about: "a b", from: "ab")"#;
        assert_eq!(with_names(text, &names), expected);
    }
}
