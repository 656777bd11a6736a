//! Classic ECN on a connection (RFC 3168), and DCTCP's reading of it (RFC 8257).

use super::*;
use crate::Rule;
use crate::config::{Congestion, Ecn};

/// 8257/3.6-ECTCTRL, 8257/4.1-KNOB: everything of a DCTCP connection is ECN-capable, SYN, retransmission and reset too,
/// unless the knob says otherwise.
#[test]
fn dctcp_marks_everything_as_capable() {
    for knob in [true, false] {
        let config = Config { congestion: Congestion::Dctcp, ect_on_control: knob, ..Config::linux() };
        let end = Lone::syn_sent(config.clone());
        assert!(end.out.segments[0].segment.has(Flags::SYN | Flags::ECE | Flags::CWR));
        let mut seen = vec![end.out.segments[0].ecn];
        let mut end = Lone::established(config);
        match &mut end.tcb {
            Tcb::Open(connection) => connection.ecn.on = true,
            _ => unreachable!(),
        }
        let capable =
            |end: &mut Lone| std::mem::take(&mut end.out).segments.iter().map(|o| o.ecn).collect::<Vec<_>>();
        let hello = Payload::from_bytes(b"hello");
        let _ = end.tcb.send(end.now, hello, SendFlags::default(), &mut end.out);
        assert_eq!(capable(&mut end), [EcnCodepoint::Ect0], "new data is always");
        end.now = ms(5000);
        end.tcb.on_deadline(end.now, &mut end.out);
        seen.extend(capable(&mut end));
        end.tcb.abort(end.now, Rule::AbortCall, &mut end.out);
        seen.extend(capable(&mut end));
        let expected = if knob { EcnCodepoint::Ect0 } else { EcnCodepoint::NotEct };
        assert_eq!(seen, [expected; 3], "SYN, retransmission, reset");
    }
}

/// 8257/3.2-ECE, 3.2-TWOACK, 3.2-CWRCE: ECE on an ACK tells whether what it acknowledges was marked; a change is
/// acknowledged at once, what waited before it first, as it was. CWR does not matter.
#[test]
fn dctcp_receiver() {
    let dctcp = Config { ecn: Ecn::On, congestion: Congestion::Dctcp, ..Config::freebsd() };
    let mut end = Lone::established(dctcp);
    match &mut end.tcb {
        Tcb::Open(connection) => connection.ecn.on = true,
        _ => unreachable!(),
    }
    let acks = |end: &mut Lone, segment: Segment, mark| {
        let told = |line: String| {
            let flags = line.split(' ').next().unwrap_or_default().to_owned();
            let ack = line.split(' ').find_map(|word| word.strip_prefix('a')?.parse::<u32>().ok());
            (ack.unwrap_or(0), flags.contains('E'))
        };
        end.show_marked(&segment, mark).into_iter().map(told).collect::<Vec<_>>()
    };
    let (ce, not) = (EcnCodepoint::Ce, EcnCodepoint::Ect0);
    let script = [
        (ce, 0, vec![(11, true)]),
        (ce, 0, vec![]),
        (not, 0, vec![(21, true), (31, false)]),
        (not, 0, vec![]),
        (ce, 1, vec![(41, false), (51, true)]),
    ];
    for (i, (mark, cwr, expected)) in script.into_iter().enumerate() {
        let mut segment = end.data(1 + 10 * i as i64, 10, 1);
        if cwr == 1 {
            segment.flags |= Flags::CWR;
        }
        assert_eq!(acks(&mut end, segment, mark), expected, "packet {i}");
    }
}

/// 3168/6.1.3: ECE on every ACK from CE until CWR; CE on the packet with CWR starts anew.
#[test]
fn ecn_receiver() {
    let mut end = Lone::established(Config { ecn: Ecn::On, ..Config::linux() });
    match &mut end.tcb {
        Tcb::Open(connection) => connection.ecn.on = true,
        _ => unreachable!(),
    }
    let ece = |end: &mut Lone, segment: Segment, mark| {
        let said = end.show_marked(&segment, mark);
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].starts_with("E.") || said[0].starts_with(".E")
    };
    let one = end.data(1, 10, 1);
    assert!(!ece(&mut end, one, EcnCodepoint::Ect0));
    let two = end.data(11, 10, 1);
    assert!(ece(&mut end, two, EcnCodepoint::Ce));
    let three = end.data(21, 10, 1);
    assert!(ece(&mut end, three, EcnCodepoint::Ect0));
    let mut four = end.data(31, 10, 1);
    four.flags |= Flags::CWR;
    assert!(!ece(&mut end, four, EcnCodepoint::Ect0));
    let mut five = end.data(41, 10, 1);
    five.flags |= Flags::CWR;
    assert!(ece(&mut end, five, EcnCodepoint::Ce));
    // Outside the window CE means nothing.
    let mut six = end.data(51, 10, 1);
    six.flags |= Flags::CWR;
    assert!(!ece(&mut end, six, EcnCodepoint::Ect0));
    let old = end.data(-40, 10, 1);
    assert!(!ece(&mut end, old, EcnCodepoint::Ce));
}

/// ECE on a segment that finds nothing outstanding tells of no packet under way: Linux lets its window be (the script
/// `ece_of_an_idle_peer`), by the letter of RFC 3168 (3168/6.1.2-HALVE) it goes down.
#[test]
fn ece_where_nothing_is_outstanding() {
    for (config, reduces) in [(Config::linux(), false), (Config::rfc(), true), (Config::freebsd(), true)] {
        let mut end = Lone::established(config);
        match &mut end.tcb {
            Tcb::Open(connection) => connection.ecn.on = true,
            _ => unreachable!(),
        }
        let mut data = end.data(1, 1000, 1);
        data.flags |= Flags::ECE;
        end.show(&data);
        assert_eq!(end.connection().snd.queue.ssthresh() < u64::MAX, reduces);
        let hello = Payload::from_bytes(b"hello");
        end.tcb.send(end.now, hello, SendFlags::default(), &mut end.out).expect("open");
        let sent = std::mem::take(&mut end.out.segments);
        assert_eq!(sent.last().expect("sent").segment.has(Flags::CWR), reduces);
    }
}

/// 3168/6.1.2: ECT on new data only, CWR on the next new data after ECE, once.
#[test]
fn ecn_sender() {
    let mut end = Lone::established(Config { ecn: Ecn::On, ..Config::linux() });
    match &mut end.tcb {
        Tcb::Open(connection) => connection.ecn.on = true,
        _ => unreachable!(),
    }
    let data = Payload::Pattern { stream: 1, offset: 0, len: 14_480 };
    let mut out = Out::default();
    end.tcb.send(end.now, data.clone(), SendFlags::default(), &mut out).unwrap();
    assert!(out.segments.iter().all(|o| o.ecn == EcnCodepoint::Ect0 && !o.segment.has(Flags::CWR)));
    end.tcb.send(end.now, data, SendFlags::default(), &mut out).unwrap();
    out.segments.clear();
    end.now = ms(30);
    let mut cwr = 0;
    for n in 1..=10 {
        let mut ack = end.segment(Flags::ACK | Flags::ECE, 1, 1 + 1448 * n);
        ack.options.timestamps = ack.options.timestamps.map(|ts| Timestamps { ecr: ISS_A + 1, ..ts });
        end.tcb.on_segment(end.now, &ack, EcnCodepoint::NotEct, &mut out);
        cwr += out.segments.iter().filter(|o| o.segment.has(Flags::CWR)).count();
        assert!(out.segments.iter().all(|o| !o.segment.payload.is_empty() && o.ecn == EcnCodepoint::Ect0));
        out.segments.clear();
    }
    assert_eq!(cwr, 1);
    // 3168/5.2-LOSSDET: nobody would notice that these are lost.
    for n in 0..20 {
        let data = end.data(1 + 1000 * n, 1000, 1 + 14_480);
        end.tcb.on_segment(end.now, &data, EcnCodepoint::Ect0, &mut out);
    }
    let alone = out.segments.iter().filter(|o| o.segment.payload.is_empty());
    assert!(alone.clone().count() >= 10 && alone.clone().all(|o| o.ecn == EcnCodepoint::NotEct));
}

/// 3168/6.1.2-CWR: a timeout reduces the window too, so that the next new data carries CWR, once, and the
/// retransmission does not (3168/6.1.2-CWRRTX).
#[test]
fn congestion_window_reduced_after_a_timeout() {
    for config in [Config::linux(), Config::rfc()] {
        let mut end = Lone::established(Config { tail_loss_probe: false, ..config });
        match &mut end.tcb {
            Tcb::Open(connection) => connection.ecn.on = true,
            _ => panic!("not open"),
        }
        end.write(100);
        let at = end.tcb.deadline();
        end.now = at;
        end.tcb.on_deadline(at, &mut end.out);
        let again = std::mem::take(&mut end.out.segments);
        assert_eq!(again.len(), 1);
        assert!(!again[0].segment.has(Flags::CWR) && again[0].ecn == EcnCodepoint::NotEct);
        let ack = end.segment(Flags::ACK, 1, 101);
        end.show(&ack);
        for cwr in [true, false] {
            let data = Payload::Pattern { stream: 1, offset: 0, len: 1448 };
            end.tcb.send(end.now, data, SendFlags::default(), &mut end.out).expect("send");
            let sent = std::mem::take(&mut end.out.segments);
            assert_eq!(sent[0].segment.has(Flags::CWR), cwr);
            let edge = if cwr { 1549 } else { 2997 };
            let ack = end.segment(Flags::ACK, 1, edge);
            end.show(&ack);
        }
    }
}

/// Linux: data that is not ECT after data that was is a retransmission, and its sender waits for the ACK.
#[test]
fn not_ect_after_ect_is_acknowledged_at_once() {
    let mut end = Lone::established(Config { ecn: Ecn::On, ..Config::linux() });
    match &mut end.tcb {
        Tcb::Open(connection) => {
            connection.ecn.on = true;
            connection.ack.ato = Duration::from_millis(40);
        }
        _ => panic!("not open"),
    }
    let first = end.data(1, 100, 1);
    assert_eq!(end.show_marked(&first, EcnCodepoint::Ect0).len(), 0, "delayed");
    let second = end.data(101, 100, 1);
    assert_eq!(end.show_marked(&second, EcnCodepoint::NotEct).len(), 1, "at once");
}
