//! What ICMP says of the path MTU, and what is made of it.

use super::*;
use crate::Rule;
use crate::config::Nagle;
use crate::tcb::IcmpError;

impl Lone {
    /// A router says that the path takes `mtu` bytes; it quotes the segment at `quoted`, relative to ISS.
    fn too_big(&mut self, mtu: u16, quoted: u32) -> Vec<String> {
        self.call(|t, now, out| t.on_icmp(now, IcmpError::TooBig(mtu), SeqNum(ISS_A + quoted), out)).1
    }
    fn happened(&self, what: Rule) -> bool {
        self.out.notes.contains(&Note::Happened(what))
    }
    fn pmtu(&self) -> u16 {
        self.tcb.info(self.now).pmtu
    }
    /// An end whose full segments have arrived, and one more is in flight: octets 2897 to 4344.
    fn with_proven_path(config: Config) -> Lone {
        let mut end = Lone::established(config);
        assert_eq!(end.write(2896).len(), 2);
        end.now = ms(21);
        end.show(&end.segment(Flags::ACK, 1, 2897));
        assert_eq!(end.write(1448).len(), 1);
        end
    }
}

/// 5927/7.2-PTB: a claim below what was acknowledged is held, and forgotten once the segment that it quoted arrives.
#[test]
fn a_forged_claim_changes_nothing() {
    let mut end = Lone::with_proven_path(Config::rfc());
    assert!(end.too_big(600, 2897).is_empty());
    assert!(end.happened(Rule::PmtuHeld));
    assert_eq!(end.pmtu(), 1500);
    end.now = ms(41);
    end.show(&end.segment(Flags::ACK, 1, 4345));
    // Another segment times out: that is no proof of anything.
    assert_eq!(end.write(1448).len(), 1);
    let again = end.wait_until(ms(3_000));
    assert!(again[0].ends_with(". 4345:+1448 a1 RtoRetransmit"), "{again:?}");
    assert_eq!(end.pmtu(), 1500);
    // Linux believes at once.
    let mut end = Lone::with_proven_path(Config::linux());
    assert!(!end.too_big(600, 2897).is_empty());
    assert_eq!(end.pmtu(), 600);
}

/// 5927/7.2-PTB: a path that really has become smaller loses the segment, and the timeout confirms the claim; the next
/// claim, of a link further on, is believed at once.
#[test]
fn a_timeout_confirms_a_claim() {
    // Whatever order the routers' words come in, the one about the first segment is what the timeout confirms.
    for words in [[4345, 2897], [2897, 4345]] {
        let mut end = Lone::with_proven_path(Config::rfc());
        assert_eq!(end.write(1448).len(), 1);
        for quoted in words {
            end.too_big(1300, quoted);
        }
        end.wait_until(ms(1_500));
        assert!(end.happened(Rule::PmtuConfirmed), "{words:?}");
    }
    // But not a claim of another length, which quoted another segment.
    let mut end = Lone::with_proven_path(Config::rfc());
    assert_eq!(end.write(1448).len(), 1);
    end.too_big(1300, 2897);
    end.too_big(1200, 4345);
    end.wait_until(ms(1_500));
    assert_eq!(end.pmtu(), 1500);
    let mut end = Lone::with_proven_path(Config::rfc());
    assert_eq!(end.write(1448).len(), 1);
    end.too_big(1300, 4345);
    end.too_big(1300, 2897);
    let again = end.wait_until(ms(1_500));
    assert!(again[0].ends_with(". 2897:+1248 a1 RtoRetransmit"), "{again:?}");
    assert!(end.happened(Rule::PmtuConfirmed));
    assert_eq!(end.pmtu(), 1300);
    let again = end.too_big(1200, 2897);
    assert!(again[0].starts_with(". 2897:+1148 "), "{again:?}");
    assert_eq!(end.pmtu(), 1200);
}

/// A claim about a connection whose path nothing has shown yet is the first discovery: believed (RFC 5927, section 7.2).
#[test]
fn the_first_discovery_is_not_delayed() {
    let mut end = Lone::established(Config::rfc());
    end.write(2896);
    let again = end.too_big(1300, 1);
    assert!(again[0].starts_with(". 1:+1248 a1 PmtuRetransmit"), "{again:?}");
    // 5927/7.2-CLAIM: no path has such an MTU; what is no smaller is no news (1191/3-NOINC).
    for claim in [1, 67, 1300, 1500, 9000] {
        assert!(end.too_big(claim, 1).is_empty());
        assert_eq!(end.pmtu(), 1300, "{claim}");
    }
    // 1191/3-NOMTU: an old router says nothing, the next plateau is tried.
    end.too_big(0, 1);
    assert_eq!(end.pmtu(), 1006);
    end.too_big(68, 1);
    assert_eq!(end.pmtu(), 68, "1191/3-68: that is the least");
}

/// 8201/4-MIN1280, 8201/4-NOINC: IPv6 knows no smaller path, whatever the configuration says of IPv4.
#[test]
fn no_ipv6_path_below_1280() {
    for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
        let tuple = Tuple {
            local: "[2001:db8::1]:40000".parse().unwrap(),
            remote: "[2001:db8::2]:80".parse().unwrap(),
        };
        let config = Arc::new(config);
        let h = handshake(Time::ZERO, &config, &config, tuple, ISS_A, ISS_B);
        let tcb = Tcb::Open(Box::new(Connection::new(Time::ZERO, h)));
        let mut end = Lone { now: ms(1), tcb, out: Out::default() };
        end.write(1000);
        for claim in [68, 500, 1279, 1501] {
            end.too_big(claim, 1);
            assert_eq!(end.pmtu(), 1500, "{claim}");
        }
        end.too_big(1280, 1);
        assert_eq!(end.pmtu(), 1280);
    }
}

/// 1191/3-INC, 8201/4-INTERVAL, 8201/5.3-AGE: ten minutes after the last claim full segments are tried again, and nothing
/// is sent again for it (1191/6.3-NOUP).
#[test]
fn a_smaller_path_mtu_is_forgotten_in_time() {
    for config in [Config::linux(), Config::rfc()] {
        let mut end = Lone::established(Config { user_timeout: None, nagle: Nagle::Off, ..config });
        end.write(1448);
        end.too_big(1300, 1);
        let mut sent = 1449;
        let mut longest = |end: &mut Lone, at: Time| {
            end.now = at;
            end.show(&end.segment(Flags::ACK, 1, sent));
            let said = end.write(1448);
            sent += 1448;
            let lengths =
                said.iter().filter_map(|line| line.split(":+").nth(1)?.split(' ').next()?.parse().ok());
            lengths.max().unwrap_or(0)
        };
        assert_eq!(longest(&mut end, ms(10_000)), 1248);
        assert_eq!(longest(&mut end, ms(600_000)), 1248);
        assert_eq!(longest(&mut end, ms(600_002)), 1448);
        assert_eq!(end.pmtu(), 1500);
    }
}

/// 8201/5.2-NOTIFY: what another connection learnt counts here too, for what is sent from now on.
#[test]
fn another_connections_discovery() {
    let mut end = Lone::established(Config::rfc());
    assert_eq!(end.write(1448).len(), 1);
    assert!(end.call(|t, now, _| t.on_path_mtu(now, 1300)).1.is_empty());
    let said = end.write(1448);
    assert!(said[0].starts_with(". 1449:+1248 "), "{said:?}");
    // Where larger segments have arrived, others' words are doubted as much as a router's.
    let mut end = Lone::with_proven_path(Config::rfc());
    end.call(|t, now, _| t.on_path_mtu(now, 1300));
    assert_eq!(end.pmtu(), 1500);
}

/// What the path takes is forgotten (8201/5.3-AGE), what the own link takes is not: it has become smaller, before or after the path.
#[test]
fn a_forgotten_path_mtu_leaves_that_of_the_link() {
    for (link, longest) in [(None, 1448), (Some(1400), 1348), (Some(1200), 1148)] {
        for later in [false, true] {
            let mut end = Lone::established(Config { pmtu_expires: Duration::from_secs(5), ..Config::rfc() });
            let path = |end: &mut Lone| end.call(|t, now, _| t.on_path_mtu(now, 1300));
            if later {
                path(&mut end);
            }
            end.call(|t, _, _| link.into_iter().for_each(|mtu| t.on_link_mtu(mtu)));
            if !later {
                path(&mut end);
            }
            end.now = ms(10_000);
            let said = end.write(1448);
            assert!(said[0].contains(&format!(" 1:+{longest} ")), "{said:?}");
        }
    }
}

/// 8201/5.2-NOTIFY: what becomes known of the path before the SYN is answered counts for the data behind it, if paths are
/// discovered; what becomes known of the link counts anyway (a 6.18 kernel says `tcpi_snd_mss` 1260 with `ip_no_pmtu_disc`, too).
#[test]
fn what_is_learnt_before_the_answer() {
    let learn: [fn(&mut Tcb, Time); 2] = [|t, now| t.on_path_mtu(now, 1300), |t, _| t.on_link_mtu(1300)];
    for (learn, path_mtu_discovery, longest) in
        [(learn[0], true, 1260), (learn[0], false, 1460), (learn[1], true, 1260), (learn[1], false, 1260)]
    {
        let mut end = Lone::syn_sent(Config { path_mtu_discovery, timestamps: false, ..Config::linux() });
        end.out.segments.clear();
        end.now = ms(10);
        learn(&mut end.tcb, end.now);
        let mut syn_ack = end.segment(Flags::SYN | Flags::ACK, 0, 1);
        syn_ack.options.mss = Some(1460);
        syn_ack.wnd = 65_535;
        end.show(&syn_ack);
        let said = end.write(3000);
        assert!(said[0].contains(&format!(" 1:+{longest} ")), "{said:?}");
    }
}

/// What one skb has becomes segments anew from its beginning to its end, not each old segment for itself (Linux
/// `tcp_fragment`); what is not too long does not go again.
#[test]
fn an_skb_is_cut_anew() {
    let mut end = Lone::established(Config { nagle: Nagle::Off, ..Config::linux() });
    assert_eq!(end.write(2896).len(), 2);
    assert_eq!(end.write(1000).len(), 1);
    let said = end.too_big(1052, 1);
    let lengths: Vec<&str> = said.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(lengths, ["1:+1000", "1001:+1000", "2001:+896"], "{said:?}");
    let ends: Vec<_> = [1, 1000, 1001, 2000, 2001, 2896, 2897]
        .map(|at| end.connection().skbs().and_then(|skbs| skbs.holding(end.connection().snd.iss + at)))
        .map(|skb| skb.expect("queued").0.end.since(end.connection().snd.iss))
        .into();
    assert_eq!(ends, [1001, 1001, 2001, 2001, 2897, 2897, 3897], "each is an skb of its own");
}
