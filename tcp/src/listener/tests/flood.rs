//! Full queues, and cookies.

use super::*;

/// The capture backlog_full: listen(1) holds two connections, further SYNs are dropped in silence.
#[test]
fn full_accept_queue_drops_syns() {
    let mut listener = listener(1, |_| {});
    connects(&mut listener, 1);
    connects(&mut listener, 2);
    let third = Client::new(3);
    assert_eq!(give(&mut listener, AT, &third.syn()).dropped(), Rule::AcceptQueueFull);
    assert_eq!((listener.accept(), listener.waiting()), (Some(tuple(1)), 1));
    connects(&mut listener, 3);
}

/// The capture accept_queue_overflow: the third ACK is dropped, the SYN-ACK repeated, and the next ACK completes.
#[test]
fn full_accept_queue_drops_third_acks() {
    let mut listener = listener(0, |_| {});
    let (first, second) = (Client::new(1), Client::new(2));
    let one = half_open(&mut listener, &first);
    // Without a place left among the requests the second would get a cookie.
    listener.set_backlog(1);
    let two = half_open(&mut listener, &second);
    listener.set_backlog(0);
    give(&mut listener, after(20), &first.ack(&one, b""));
    assert_eq!(give(&mut listener, after(20), &second.ack(&two, b"")).dropped(), Rule::AcceptQueueFull);
    assert_eq!(runs(&mut listener, after(1500)), [(1000, Rule::SynAckRetransmit)]);
    listener.accept();
    assert!(give(&mut listener, after(1600), &second.ack(&two, b"")).tcb.is_some());
}

#[test]
fn abort_on_overflow_resets() {
    let mut listener = listener(0, |config| config.abort_on_overflow = true);
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    listener.accepted.push_back(tuple(9));
    let reaction = give(&mut listener, after(20), &client.ack(&syn_ack, b""));
    assert_eq!((reaction.only().flags, reaction.only().seq), (Flags::RST, syn_ack.seq.add(1)));
    assert_eq!(listener.requests().count(), 0);
}

/// 4987/3.2-BACKLOG, 4987/3.6-COOKIE, 3.6-ONLYPRESS; the capture syn_flood_cookies: listen(16) keeps 17 requests, the
/// others get cookies. SYN-ACKs are repeated twice only while the queue is more than half full of old requests.
#[test]
fn flood_and_cookies() {
    let mut listener = listener(16, |_| {});
    for port in 1..=80 {
        let reaction = give(&mut listener, AT, &Client::new(port).syn());
        let expected = if port <= 17 { Rule::SynAnswered } else { Rule::SynCookieSent };
        assert_eq!(reaction.why(), [expected]);
    }
    assert_eq!(listener.requests().count(), 17);
    let client = Client::new(100);
    let syn_ack = half_open(&mut listener, &client);
    assert_eq!(
        (syn_ack.wnd, syn_ack.options.wscale, syn_ack.options.sack_permitted),
        (65_160, Some(10), true)
    );
    let tcb = give(&mut listener, after(20), &client.ack(&syn_ack, b"")).tcb.expect("a connection");
    let info = tcb.info(after(20));
    assert_eq!(
        (info.state, info.sack, info.timestamps, info.wscale),
        (State::Established, true, true, Some((10, 10)))
    );
    assert_eq!(runs(&mut listener, after(6999)).len(), 34);
    assert_eq!(runs(&mut listener, after(7000)).len(), 8);
    assert_eq!(listener.requests().count(), 8);
}

/// 4987/3.6-VALID, 3.6-OPTS, 3.6-LOSTACK; the capture syncookies_always.
#[test]
fn cookie_acks() {
    let always = |config: &mut Config| config.syn_cookies = SynCookies::Always;
    let mut listener = listener(5, always);
    let client = Client::new(1);
    let syn_ack = half_open(&mut listener, &client);
    assert_eq!((listener.requests().count(), listener.deadline()), (0, Time::NEVER));
    // The ACK was lost: the first data brings the cookie.
    let tcb = give(&mut listener, after(500), &client.ack(&syn_ack, b"hello")).tcb.expect("a connection");
    assert_eq!(tcb.readable(), (5, false));
    // Wrong by a little, from elsewhere, too old.
    let good = client.ack(&syn_ack, b"");
    let wrong = Segment { ack: good.ack.add(5), ..good.clone() };
    assert_eq!(give(&mut listener, AT, &wrong).why(), [Rule::SynCookieInvalid]);
    let other = Segment { src: 2, ..good.clone() };
    assert_eq!(give(&mut listener, AT, &other).why(), [Rule::SynCookieInvalid]);
    assert_eq!(give(&mut listener, after(127_900), &good).why(), [Rule::SynCookieInvalid]);
    assert_eq!(give(&mut listener, after(128_000), &good).why(), [Rule::ListenGotAck]);
    // Without timestamps nothing but the MSS is remembered, so nothing else is offered.
    let plain = Client::without_timestamps(3);
    let syn_ack = half_open(&mut listener, &plain);
    assert_eq!(syn_ack.options, Options { mss: Some(1460), ..Options::default() });
    let tcb = give(&mut listener, after(20), &plain.ack(&syn_ack, b"")).tcb.expect("a connection");
    assert_eq!((tcb.info(AT).sack, tcb.info(AT).wscale), (false, None));
}

/// 9768/5.1-COOKIE: nothing is kept of the SYN, so the ACE field of the ACK tells whether AccECN was agreed on, with or
/// without timestamps; classic ECN comes back by a timestamp only.
#[test]
fn cookies_bring_accurate_ecn_back() {
    let config = |config: &mut Config| {
        (config.syn_cookies, config.ecn) = (SynCookies::Always, Ecn::Accurate);
    };
    for (asked, code, stamped, expected) in [
        (0b111, 0b010, true, Mode::Accurate),
        (0b111, 0b010, false, Mode::Accurate),
        (0b011, 0, true, Mode::Classic),
        (0b011, 0, false, Mode::Off),
        (0, 0, true, Mode::Off),
    ] {
        let mut listener = listener(5, config);
        let client = if stamped { Client::new(1) } else { Client::without_timestamps(1) };
        let mut syn = client.syn();
        syn.flags |= Flags::of_ace(asked);
        let syn_ack = give(&mut listener, AT, &syn).only().clone();
        assert_eq!(listener.requests().count(), 0);
        let mut ack = client.ack(&syn_ack, b"");
        ack.flags |= Flags::of_ace(code);
        let Some(Tcb::Open(connection)) = give(&mut listener, after(20), &ack).tcb else {
            panic!("no connection")
        };
        assert_eq!(connection.ecn_mode(), expected, "asked {asked:03b}, timestamps {stamped}");
    }
}

/// Cookies switched off: what does not fit is dropped.
#[test]
fn without_cookies_the_queue_is_the_limit() {
    let mut small = listener(16, |config| config.syn_cookies = SynCookies::Off);
    let mut large = listener(4096, |config| {
        config.syn_cookies = SynCookies::Off;
        config.max_syn_backlog = 128;
    });
    for port in 1..=200 {
        let syn = Client::new(port).syn();
        give(&mut small, AT, &syn);
        give(&mut large, AT, &syn);
    }
    assert_eq!((small.requests().count(), large.requests().count()), (17, 96));
    assert_eq!(give(&mut small, AT, &Client::new(201).syn()).dropped(), Rule::RequestQueueFull);
}
