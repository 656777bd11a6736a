use std::net::IpAddr;

use super::range_names;
use super::ranges::nth_address;

#[test]
fn names_with_ranges() {
    assert_eq!(range_names("c[9-11]x").expect("a range"), ["c9x", "c10x", "c11x"]);
    assert_eq!(range_names("plain").expect("a name"), ["plain"]);
    assert_eq!(range_names("client/1[3]").expect("a name"), ["client/1[3]"]);
    assert!(range_names("c[2-1]").is_err());
    assert!(range_names("c[a-b]").is_err());
    assert!(range_names("c[0-4294967295]").is_err(), "too many");
}

#[test]
fn addresses_in_a_row() {
    let at =
        |first: &str, n| nth_address(first.parse().expect("an address"), n).map(|a: IpAddr| a.to_string());
    assert_eq!(at("10.0.0.255", 1).as_deref(), Some("10.0.1.0"));
    assert_eq!(at("255.255.255.255", 1), None);
    assert_eq!(at("2001:db8::ffff", 1).as_deref(), Some("2001:db8::1:0"));
}
