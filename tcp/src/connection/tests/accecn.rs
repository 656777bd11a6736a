//! AccECN on a connection (RFC 9768): both ends of a handshake by hand, and what comes after it. The figures are
//! those of the public scripts of Linux 7 (tcp_accecn_*).

use super::*;
use crate::accecn::Mode;
use crate::config::{AccEcnOption, Ecn};
use crate::isn::IsnSecret;
use crate::listener::{Incoming, Listener};
use crate::segment::{AccEcnFields, Options};
use EcnCodepoint::{Ce, Ect0, Ect1, NotEct};

fn accurate() -> Config {
    Config { ecn: Ecn::Accurate, timestamps: false, ..Config::linux() }
}
fn option(fields: [u32; 3]) -> Option<AccEcnFields> {
    Some(AccEcnFields::new(false, fields, 3))
}
/// Flags without ACK, ACE as a digit, codepoint, and the option as e1b, ceb, e0b.
fn spell(outgoing: &Outgoing) -> String {
    let s = &outgoing.segment;
    let fields =
        s.options.accecn.as_ref().map(|a| a.fields().map(|f| f.to_string()).collect::<Vec<_>>().join("/"));
    format!(
        "{} {} {:?} {}",
        s.flags.without(Flags::of_ace(7)),
        s.flags.ace(),
        outgoing.ecn,
        fields.unwrap_or_default()
    )
}
fn spelt(out: &mut Out) -> Vec<String> {
    out.notes.clear();
    out.segments.drain(..).map(|outgoing| spell(&outgoing)).collect()
}

/// A client in SYN-SENT that gets this SYN-ACK.
fn client(config: Config, ace: u8, ecn: EcnCodepoint, accecn: Option<AccEcnFields>) -> (Lone, Vec<String>) {
    let mut end = Lone::syn_sent(config);
    end.out.segments.clear();
    let mut syn_ack = end.segment(Flags::SYN | Flags::ACK | Flags::of_ace(ace), 0, 1);
    syn_ack.options =
        Options { mss: Some(1460), sack_permitted: true, wscale: Some(8), accecn, ..Options::default() };
    syn_ack.wnd = 65_535;
    end.now = ms(50);
    end.tcb.on_segment(end.now, &syn_ack, ecn, &mut end.out);
    let said = spelt(&mut end.out);
    (end, said)
}

/// A listener whose half-open request is shown segments by hand.
struct Server {
    listener: Listener,
    tcb: Option<Tcb>,
    out: Out,
    now: Time,
    iss: SeqNum,
}

impl Server {
    fn new(config: Config) -> Server {
        let listener = Listener::new(Arc::new(config), 5);
        Server { listener, tcb: None, out: Out::default(), now: ms(1), iss: SeqNum(0) }
    }
    fn syn(&mut self, ace: u8, ecn: EcnCodepoint) -> Vec<String> {
        let options =
            Options { mss: Some(1050), sack_permitted: true, wscale: Some(8), ..Options::default() };
        let syn =
            Segment { flags: Flags::SYN | Flags::of_ace(ace), seq: SeqNum(0), options, ..Segment::default() };
        self.give(syn, ecn)
    }
    fn segment(&self, ace: u8, seq: u32, len: u32, accecn: Option<AccEcnFields>) -> Segment {
        Segment {
            flags: Flags::ACK | Flags::of_ace(ace),
            seq: SeqNum(seq),
            ack: self.iss.add(1),
            wnd: 257,
            options: Options { accecn, ..Options::default() },
            payload: Payload::Pattern { stream: 9, offset: u64::from(seq), len },
            ..Segment::default()
        }
    }
    fn give(&mut self, segment: Segment, ecn: EcnCodepoint) -> Vec<String> {
        let tuple = tuple().reversed();
        let segment = Segment { src: 40_000, dst: 80, ..segment };
        match &mut self.tcb {
            Some(tcb) => tcb.on_segment(self.now, &segment, ecn, &mut self.out),
            None => {
                let incoming = Incoming { tuple, mtu: 1500, segment: &segment, ecn, reopens: None };
                self.tcb = self.listener.on_segment(self.now, &incoming, &IsnSecret([1, 2]), &mut self.out);
            }
        }
        if let Some(syn_ack) = self.out.segments.iter().find(|o| o.segment.has(Flags::SYN)) {
            self.iss = syn_ack.segment.seq;
        }
        spelt(&mut self.out)
    }
    fn wait(&mut self, until: Time) -> Vec<String> {
        self.now = until;
        while self.listener.on_deadline(until, &mut self.out).is_some() {}
        spelt(&mut self.out)
    }
    fn accurate(&self) -> &crate::accecn::AccEcn {
        match &self.tcb {
            Some(Tcb::Open(connection)) => connection.ecn.accurate.as_deref().expect("AccECN"),
            _ => panic!("not open"),
        }
    }
}

/// 9768/3.1.1-SYN, 9768/3.1.4.1-RTX, 9768/3.2.3.2-NOSYN: 111 twice, then 000; the script multiple_syn_drop.
#[test]
fn syns_that_are_lost() {
    let mut end = Lone::syn_sent(accurate());
    let syns = |out: &mut Out| {
        out.segments
            .drain(..)
            .map(|o| (o.segment.flags.ace(), o.segment.seq, o.ecn, o.segment.options.accecn.is_some()))
            .collect::<Vec<_>>()
    };
    let mut sent = syns(&mut end.out);
    for _ in 0..3 {
        end.now = end.tcb.deadline();
        end.tcb.on_deadline(end.now, &mut end.out);
        sent.extend(syns(&mut end.out));
    }
    assert_eq!(sent, [7, 7, 0, 0].map(|ace| (ace, SeqNum(ISS_A), NotEct, false)));
}

/// 9768/3.2.2.1-HSENC, 9768/3.2.2.1-PUREFIRST, 9768/3.2.3.2-SYNACK: what the SYN-ACK had is told by a pure ACK, whose
/// option goes with it if one came; the scripts synack_ect0, synack_ect1, synack_ce.
#[test]
fn the_ack_of_a_syn_ack() {
    for (ecn, ace) in [(NotEct, 2), (Ect1, 3), (Ect0, 4), (Ce, 6)] {
        let (mut end, said) = client(accurate(), 2, ecn, option([1, 0, 1]));
        assert_eq!(said, [format!(". {ace} Ect0 1/0/1")]);
        // 9768/3.2.2.2-SACE: a marked SYN-ACK counts, once.
        end.write(100);
        let cep = if ecn == Ce { 6 } else { 5 };
        let (_, said) = end.call(|t, now, out| {
            t.send(now, Payload::Pattern { stream: 1, offset: 100, len: 100 }, SendFlags::default(), out)
        });
        assert!(said.iter().all(|line| line.contains("P.")), "{said:?}");
        assert_eq!(end.connection().ecn.accurate.as_ref().unwrap().tells.ace().ace(), cep);
    }
    // No option came: none goes.
    let (_, said) = client(accurate(), 2, NotEct, None);
    assert_eq!(said, [". 2 Ect0 "]);
}

/// 9768/3.1.2-CLASSIC: SYN-ACKs that leave AccECN.
#[test]
fn other_answers() {
    for (ace, mode, said_ace) in
        [(0, Mode::Off, 0), (1, Mode::Classic, 0), (7, Mode::Off, 0), (5, Mode::Accurate, 2)]
    {
        let (end, said) = client(accurate(), ace, NotEct, None);
        assert_eq!(end.connection().ecn.mode(), mode, "{ace}");
        let ect = if mode == Mode::Accurate { Ect0 } else { NotEct };
        assert_eq!(said, [format!(". {said_ace} {ect:?} ")]);
    }
    // 9768/3.2.2.3-MANGLE: the SYN went out as Not-ECT and is said to have come as ECT(0): feedback, but no ECT.
    let (_, said) = client(accurate(), 4, NotEct, option([1, 0, 1]));
    assert_eq!(said, [". 2 NotEct 1/0/1"]);
}

/// 9768/3.2.2.1-RTXHS, 9768/3.1.5-FEEDLATEST, 9768/3.1.5-ESTIGN: the script 3rd_ack_after_synack_rxmt.
#[test]
fn the_syn_ack_comes_again() {
    let (mut end, _) = client(accurate(), 2, NotEct, option([1, 0, 1]));
    let mut again = end.segment(Flags::SYN | Flags::ACK, 0, 1);
    end.now = ms(150);
    end.tcb.on_segment(end.now, &again, Ect0, &mut end.out);
    assert_eq!(spelt(&mut end.out), [". 4 Ect0 1/0/1"]);
    end.now = ms(1000);
    again.flags |= Flags::of_ace(1);
    end.tcb.on_segment(end.now, &again, NotEct, &mut end.out);
    assert_eq!(spelt(&mut end.out), [". 2 Ect0 1/0/1"]);
    assert_eq!(end.connection().ecn.mode(), Mode::Accurate);
}

/// 9768/3.1.1-SYNACK, 9768/3.1.1-NOTUNLESS, 9768/3.2.2.2-SYNCE: each codepoint, and SYNs that ask for less.
#[test]
fn syns_are_answered() {
    for (ecn, ace) in [(NotEct, 2), (Ect1, 3), (Ect0, 4), (Ce, 6)] {
        let mut server = Server::new(accurate());
        assert_eq!(server.syn(7, ecn), [format!("S. {ace} NotEct 1/0/1")]);
        let ack = server.segment(2, 1, 0, option([1, 0, 1]));
        assert_eq!(server.give(ack, Ect0), [""; 0]);
        assert_eq!(server.accurate().tells.ace().ace(), 5, "a marked SYN does not count");
    }
    assert_eq!(Server::new(accurate()).syn(3, NotEct), ["S. 1 NotEct "]);
    assert_eq!(Server::new(accurate()).syn(0, NotEct), ["S. 0 NotEct "]);
    assert_eq!(
        Server::new(Config { accecn_option: AccEcnOption::Off, ..accurate() }).syn(7, NotEct),
        ["S. 2 NotEct "]
    );
}

/// 9768/3.2.3.2.2-FALLBACK, 9768/3.1.4.2-SYNACKRTX, 9768/3.1.5-NOECT: without the option, then without flags, still in
/// AccECN mode but without ECT; the script multiple_syn_ack_drop.
#[test]
fn syn_acks_that_are_lost() {
    let mut server = Server::new(accurate());
    let mut said = server.syn(7, NotEct);
    for _ in 0..3 {
        let at = server.listener.deadline();
        said.extend(server.wait(at));
    }
    assert_eq!(said, ["S. 2 NotEct 1/0/1", "S. 2 NotEct ", "S. 0 NotEct ", "S. 0 NotEct "]);
    let ack = server.segment(2, 1, 0, option([1, 0, 1]));
    server.give(ack, Ect0);
    let data = server.segment(5, 1, 1000, None);
    assert_eq!(server.give(data, Ect0), [". 5 NotEct 1/0/1001"]);
}

/// 9768/3.1.5-SYN000, 9768/3.1.5-FEEDLATEST, 9768/3.1.5-MIXRST, 9768/3.1.5-NOMIX
#[test]
fn the_syn_comes_again() {
    let mut server = Server::new(accurate());
    server.syn(7, NotEct);
    server.now = ms(1000);
    assert_eq!(server.syn(7, Ce), ["S. 6 NotEct "]);
    server.now = ms(3000);
    assert_eq!(server.syn(0, NotEct), ["S. 2 NotEct "]);
    let ack = server.segment(2, 1, 0, None);
    server.give(ack, NotEct);
    assert_eq!(server.accurate().mute, Some(crate::accecn::Mute::GotNone));
    for (first, second) in [(7, 3), (3, 7)] {
        let strict = Config { accecn_mixed_reset: true, ..accurate() };
        for (config, resets) in [(strict, true), (accurate(), false)] {
            let mut server = Server::new(config);
            server.syn(first, NotEct);
            server.now = ms(1000);
            assert_eq!(server.syn(second, NotEct)[0].starts_with("R. 0"), resets);
            assert_eq!(server.listener.requests().count(), usize::from(!resets));
        }
    }
}

/// 9768/3.2-CEP, 9768/3.2-BYTES, 9768/3.2-LATEST, 9768/3.2.2.5.1-CHANGE: the script ecn_field_updates_opt.
#[test]
fn marks_are_told() {
    let mut server = Server::new(accurate());
    server.syn(7, NotEct);
    let ack = server.segment(2, 1, 0, option([1, 0, 1]));
    server.give(ack, Ect0);
    for (n, (ecn, said)) in [
        (Ce, ". 6 Ect0 1/1000/1"),
        (Ect0, ". 6 Ect0 1/1000/1001"),
        (Ce, ". 7 Ect0 1/2000/1001"),
        (Ect1, ". 7 Ect0 1001/2000/1001"),
        (Ce, ". 0 Ect0 1001/3000/1001"),
    ]
    .into_iter()
    .enumerate()
    {
        server.now = ms(100 + 50 * n as u64);
        let data = server.segment(5, 1 + 1000 * n as u32, 1000, option([1, 0, 1]));
        assert_eq!(server.give(data, ecn), [said]);
    }
}

/// 9768/3.2.2.1-SRVDEC, 9768/3.2.2.4-ZERO, 9768/3.1.5-ALWAYSFEED: an ACE field of zero stops ECT, not feedback.
#[test]
fn something_clears_the_field() {
    let mut server = Server::new(accurate());
    server.syn(7, NotEct);
    let ack = server.segment(0, 1, 0, None);
    server.give(ack, Ect0);
    let data = server.segment(0, 1, 1000, None);
    assert_eq!(server.give(data, Ce), [". 6 NotEct "]);
}

/// 9768/3.2.2.5.1-INCR, 9768/3.2.2.5.1-AOA: by the letter two marks with data, three without; Linux leaves pure ACKs
/// alone.
#[test]
fn acks_after_so_many_marks() {
    let letter = Config { accecn_ack_after: None, ..accurate() };
    for (config, answered) in [(letter, [false, false, true]), (accurate(), [false; 3])] {
        let (mut end, _) = client(config, 2, Ce, None);
        end.write(5000);
        let answers = [1, 2, 3].map(|n| {
            let ack = end.segment(Flags::ACK | Flags::of_ace(5), 1, 1 + 1000 * n);
            end.tcb.on_segment(end.now, &ack, Ce, &mut end.out);
            let pure = end.out.segments.iter().filter(|o| o.segment.payload.is_empty());
            let answer = pure.inspect(|o| assert!(o.segment.options.sack.is_empty())).count() > 0;
            end.out.segments.clear();
            answer
        });
        // The SYN-ACK was marked too, and told with the first data.
        assert_eq!(answers, answered);
    }
}

/// The window goes down by what ACE tells, once a round trip; nothing is said by CWR (9768/3.1.5-NOCWR); ECE in AccECN
/// mode is a bit of a counter. 9768/3.2.2.2-ACKCE: with the knob, a marked SYN makes the first window one segment.
#[test]
fn the_sender_responds() {
    let (mut end, _) = client(accurate(), 2, NotEct, option([1, 0, 1]));
    end.write(14_000);
    end.now = ms(100);
    let before = end.connection().snd.queue.cwnd();
    let mut ack = end.segment(Flags::ACK | Flags::of_ace(5), 1, 2001);
    end.show(&ack);
    assert!(end.connection().snd.queue.cwnd() >= before, "101 is no ECE");
    ack = end.segment(Flags::ACK | Flags::of_ace(6), 1, 3001);
    end.show(&ack);
    let after = end.connection().snd.queue.ssthresh();
    assert_eq!(
        after,
        before * 7 / 10 / 1460 * 1460 + 1460 * u64::from(after != before * 7 / 10 / 1460 * 1460)
    );
    assert!(end.write(1000).iter().all(|line| !line.contains('W') || line.contains("6")));
    let strict = Config { accecn_syn_response: true, ecn_fallback: false, ..accurate() };
    for (config, segments) in [(strict, 1), (Config { ecn_fallback: false, ..accurate() }, 10)] {
        let (end, _) = client(config, 6, NotEct, None);
        assert_eq!(end.connection().snd.queue.cwnd(), segments * 1460);
    }
}

/// Both open at once (9768/3.1.2-SIMUL): each answers the other's SYN as a server does.
#[test]
fn simultaneous_open() {
    for (a, b, mode) in [
        (Ecn::Accurate, Ecn::Accurate, Mode::Accurate),
        (Ecn::Accurate, Ecn::On, Mode::Classic),
        (Ecn::Accurate, Ecn::Off, Mode::Off),
    ] {
        let config = |ecn| Config { ecn, ..accurate() };
        let mut pair = Pair::simultaneous(config(a), config(b));
        pair.run_for(100);
        assert_eq!([pair.connection('a').ecn.mode(), pair.connection('b').ecn.mode()], [mode; 2]);
    }
}

/// RFC 9768, section 3.1.4.2: both ends open at once. The SYN-ACK says with what codepoint the SYN came, and has the option; the
/// third time it says nothing any more, and no data goes with ECT then.
#[test]
fn both_ends_open_at_once() {
    for (repeats, ect) in [(0, Ect0), (1, Ect0), (2, NotEct)] {
        let mut end = Lone::syn_sent(accurate());
        end.out.segments.clear();
        let mut syn = end.segment(Flags::SYN | Flags::of_ace(7), 0, 0);
        syn.options = Options { mss: Some(1460), sack_permitted: true, ..Options::default() };
        end.now = ms(50);
        end.tcb.on_segment(end.now, &syn, NotEct, &mut end.out);
        for _ in 0..repeats {
            end.now = end.tcb.deadline();
            end.tcb.on_deadline(end.now, &mut end.out);
        }
        let said = spelt(&mut end.out);
        let expected = ["S. 2 NotEct 1/0/1", "S. 2 NotEct 1/0/1", "S. 0 NotEct "];
        assert_eq!(said, expected[..=repeats]);
        let mut ack = end.segment(Flags::ACK | Flags::of_ace(2), 1, 1);
        ack.wnd = 1000;
        end.tcb.on_segment(end.now, &ack, NotEct, &mut end.out);
        end.out.segments.clear();
        let data = Payload::Pattern { stream: 1, offset: 0, len: 10 };
        end.tcb.send(end.now, data, SendFlags::default(), &mut end.out).expect("open");
        assert_eq!(end.out.segments[0].ecn, ect, "{repeats}");
    }
}

/// 9768/3.2.3.3-SACKFIRST: where timestamps and three SACK blocks leave no room for an AccECN option that is due, the third block
/// stays behind; two have precedence, and the option is as long as what is left.
#[test]
fn two_sack_blocks_have_precedence() {
    let mut end = Lone::established(Config::linux());
    let Tcb::Open(connection) = &mut end.tcb else { panic!("not open") };
    let mut accurate = crate::accecn::AccEcn::new(NotEct);
    accurate.told.see(&option([1, 0, 1]).expect("fields"));
    connection.ecn.accurate = Some(Box::new(accurate));
    for (n, blocks) in [(1, 1), (2, 2), (3, 2), (4, 2)] {
        end.now = ms(100 * n);
        let data = end.data(1 + 200 * n as i64, 100, 1);
        end.tcb.on_segment(end.now, &data, Ect1, &mut end.out);
        let ack = end.out.segments.pop().expect("an ACK").segment.options;
        assert_eq!(ack.sack.len(), blocks, "{ack:?}");
        assert!(ack.accecn.is_some() && ack.wire_len() <= 40, "{ack:?}");
        let newest = SeqNum(ISS_B).add(1 + 200 * n as u32);
        assert_eq!(ack.sack.as_slice()[0].0, newest, "the latest first");
    }
}
