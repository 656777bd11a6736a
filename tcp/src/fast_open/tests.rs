use super::*;

fn hex(cookie: TfoCookie) -> String {
    format!("{cookie:?}")
}

/// 7413/4.1.2-MAC; the values of Linux, IPv4 and IPv6.
#[test]
fn cookies_of_linux() {
    let [Some(key), None] = parse_keys("a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4").unwrap() else { panic!() };
    let (client, server) = ([192, 0, 2, 1].into(), [192, 168, 0, 1].into());
    assert_eq!(hex(cookie(key, client, server)), "3021b9d889017eeb");
    assert_eq!(hex(cookie([0; 16], client, server)), "b7c12350a90dc8f5");
    assert_ne!(cookie(key, [192, 0, 2, 2].into(), server), cookie(key, client, server));
    let [_, second] = parse_keys("1-2-3-4,a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4").unwrap();
    assert_eq!(second, Some(key));
    for wrong in ["", "1-2-3", "1-2-3-4-5", "x-2-3-4", "1-2-3-4,"] {
        assert_eq!(parse_keys(wrong), None, "{wrong}");
    }
}
