//! Machines that make calls while the test plays the peer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tcp::{Duration, EcnCodepoint, Errno, Flags, Options, Payload, Segment, SeqNum, Time};

use super::call::*;
use super::{Machine, Outcome, Returned, Setup, abi::*};
use crate::packet::{Body, IpHeader};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1));
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A machine and the peer's numbers.
struct Bench {
    machine: Machine,
    /// Port of the machine, once it has sent anything, and its ISN.
    port: u16,
    iss: SeqNum,
}

fn ms(n: u64) -> Time {
    Time::ZERO + Duration::from_millis(n)
}

impl Bench {
    fn new() -> Bench {
        Bench { machine: Machine::new(&Setup::default()), port: 8080, iss: SeqNum(0) }
    }
    fn call(&mut self, call: Call) -> Result<i64, Errno> {
        self.reply(call).result
    }
    fn reply(&mut self, call: Call) -> Reply {
        match self.machine.call(&call) {
            Outcome::Returned(reply) => reply,
            other => panic!("{call:?}: {other:?}"),
        }
    }
    fn socket(&mut self) -> Fd {
        let call = Call::Socket { family: AF_INET, kind: SOCK_STREAM, protocol: IPPROTO_TCP };
        self.call(call).unwrap() as Fd
    }
    /// A segment from the peer; numbers relative to its ISN 0 and to ours.
    fn deliver(&mut self, flags: Flags, seq: u32, len: u32, ack: u32) {
        self.deliver_wnd(flags, seq, len, ack, 50_000);
    }
    fn deliver_wnd(&mut self, flags: Flags, seq: u32, len: u32, ack: u32, wnd: u16) {
        let syn = flags.contains(Flags::SYN);
        let options = Options { mss: syn.then_some(1000), sack_permitted: syn, ..Options::default() };
        let segment = Segment {
            src: 4000,
            dst: self.port,
            seq: SeqNum(seq),
            ack: if flags.contains(Flags::ACK) { self.iss.add(ack) } else { SeqNum(0) },
            flags,
            wnd,
            options,
            payload: Payload::from_bytes(&vec![0; len as usize]),
            ..Segment::default()
        };
        let ip = IpHeader {
            src: PEER,
            dst: HOST,
            ttl: 64,
            ecn: EcnCodepoint::NotEct,
            dscp: 0,
            df: true,
            ident: 0,
        };
        self.machine.deliver(ip, Body::Tcp(segment));
    }
    /// What was sent: flags, relative number, length.
    fn sent(&mut self) -> Vec<(String, u32, u32)> {
        let mut sent = Vec::new();
        while let Some(next) = self.machine.take_sent() {
            let Body::Tcp(segment) = &next.packet.body else { panic!("{next:?}") };
            if segment.has(Flags::SYN) {
                (self.port, self.iss) = (segment.src, segment.seq);
            }
            sent.push((
                segment.flags.to_string(),
                segment.seq.distance_from(self.iss),
                segment.payload.len(),
            ));
        }
        sent
    }
    /// A listener at 3, and its accepted connection at 4.
    fn accepted() -> Bench {
        let mut bench = Bench::listening(|_| {});
        bench.deliver(Flags::ACK, 1, 0, 1);
        assert_eq!(bench.call(Call::Accept { fd: 3, flags: 0 }), Ok(4));
        bench
    }
    /// A listener at 3 that has answered a SYN.
    fn listening(prepare: impl FnOnce(&mut Machine)) -> Bench {
        let mut bench = Bench::new();
        prepare(&mut bench.machine);
        let fd = bench.socket();
        bench.call(Call::Bind { fd, addr: any(8080) }).unwrap();
        bench.call(Call::Listen { fd, backlog: 1 }).unwrap();
        bench.deliver(Flags::SYN, 0, 0, 0);
        assert_eq!(bench.sent(), [("S.".to_owned(), 0, 0)]);
        bench
    }
    fn nonblock(&mut self, fd: Fd) {
        self.call(Call::Fcntl { fd, command: F_SETFL, arg: O_RDWR | O_NONBLOCK }).unwrap();
    }
}

fn any(port: u16) -> Addr {
    Addr::Inet(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
}
fn peer() -> Addr {
    Addr::Inet(SocketAddr::new(PEER, 4000))
}
fn write(fd: Fd, len: usize) -> Call {
    Call::Send { fd, data: vec![Source::Data(Payload::from_bytes(&vec![0; len]))], flags: 0, to: None }
}
fn read(fd: Fd, len: u32) -> Call {
    Call::Recv { fd, room: vec![Room::Bytes(len)], flags: 0, control: false }
}

#[test]
fn blocking_accept_and_read() {
    let mut bench = Bench::new();
    let fd = bench.socket();
    bench.call(Call::Bind { fd, addr: any(8080) }).unwrap();
    bench.call(Call::Listen { fd, backlog: 1 }).unwrap();
    let Outcome::Blocked(ticket) = bench.machine.call(&Call::Accept { fd, flags: 0 }) else { panic!() };
    bench.machine.advance(ms(100));
    bench.deliver(Flags::SYN, 0, 0, 0);
    bench.sent();
    assert_eq!(bench.machine.take_returned(), None);
    bench.machine.advance(ms(200));
    bench.deliver(Flags::ACK, 1, 0, 1);
    let reply = Reply::with(4, Detail::Peer(SocketAddr::new(PEER, 4000)));
    assert_eq!(bench.machine.take_returned(), Some(Returned { ticket, at: ms(200), reply }));

    let Outcome::Blocked(ticket) = bench.machine.call(&read(4, 2000)) else { panic!() };
    bench.machine.advance(ms(300));
    bench.deliver(Flags::ACK | Flags::PSH, 1, 500, 1);
    let returned = bench.machine.take_returned().unwrap();
    assert_eq!((returned.ticket, returned.at, returned.reply.result), (ticket, ms(300), Ok(500)));
}

#[test]
fn connect_without_waiting() {
    let mut bench = Bench::new();
    let fd = bench.socket();
    bench.nonblock(fd);
    assert_eq!(bench.call(Call::Connect { fd, addr: peer() }), Err(Errno::EINPROGRESS));
    assert_eq!(bench.call(Call::Connect { fd, addr: peer() }), Err(Errno::EALREADY));
    assert_eq!(bench.call(write(fd, 1)), Err(Errno::EAGAIN));
    assert_eq!(bench.call(read(fd, 1)), Err(Errno::EAGAIN));
    assert_eq!(bench.sent(), [("S".to_owned(), 0, 0)]);
    bench.deliver(Flags::SYN | Flags::ACK, 0, 0, 1);
    assert_eq!(bench.call(Call::Connect { fd, addr: peer() }), Ok(0));
    assert_eq!(bench.call(Call::Connect { fd, addr: peer() }), Err(Errno::EISCONN));
    assert_eq!(bench.call(write(fd, 1)), Ok(1));
}

/// The SYN is refused: the socket can be connected anew.
#[test]
fn refused_and_again() {
    let mut bench = Bench::new();
    let fd = bench.socket();
    let Outcome::Blocked(_) = bench.machine.call(&Call::Connect { fd, addr: peer() }) else { panic!() };
    bench.sent();
    bench.deliver(Flags::RST | Flags::ACK, 0, 0, 1);
    let returned = bench.machine.take_returned().unwrap();
    assert_eq!(returned.reply, Reply::err(Errno::ECONNREFUSED));
    let Outcome::Blocked(_) = bench.machine.call(&Call::Connect { fd, addr: peer() }) else { panic!() };
    assert_eq!(bench.sent(), [("S".to_owned(), 0, 0)]);
}

/// connect(2) to AF_UNSPEC resets the connection; the error of the socket says so (Linux tcp_disconnect).
#[test]
fn unspecified_address_takes_the_connection_apart() {
    let mut bench = Bench::accepted();
    assert_eq!(bench.call(Call::Connect { fd: 4, addr: Addr::Unspec }), Ok(0));
    assert_eq!(bench.sent(), [("R.".to_owned(), 1, 0)]);
    assert_eq!(bench.call(write(4, 1)), Err(Errno::ECONNRESET));
    assert_eq!(bench.call(write(4, 1)), Err(Errno::EPIPE));
    assert_eq!(bench.call(read(4, 1)), Err(Errno::ENOTCONN));
}

#[test]
fn bad_addresses() {
    let mut bench = Bench::accepted();
    let bad = Call::Send { fd: 4, data: vec![Source::Bad(1000)], flags: 0, to: None };
    assert_eq!(bench.call(bad), Err(Errno::EFAULT));
    bench.deliver(Flags::ACK, 1, 100, 1);
    let bad = |flags| Call::Recv { fd: 4, room: vec![Room::Bad(1000)], flags, control: false };
    assert_eq!(bench.call(bad(0)), Err(Errno::EFAULT));
    assert_eq!(bench.call(read(4, 1000)), Ok(100));
}

#[test]
fn peeked_data_stays() {
    let mut bench = Bench::accepted();
    bench.deliver(Flags::ACK, 1, 100, 1);
    let peek = Call::Recv { fd: 4, room: vec![Room::Bytes(60)], flags: MSG_PEEK, control: false };
    assert_eq!(bench.call(peek.clone()), Ok(60));
    assert_eq!(bench.call(peek), Ok(60));
    let count = Call::Recv { fd: 4, room: vec![Room::Bytes(90)], flags: MSG_TRUNC, control: false };
    let reply = bench.reply(count);
    assert_eq!(reply, Reply::with(90, Detail::Message(Message::default())));
    assert_eq!(bench.call(read(4, 1000)), Ok(10));
}

#[test]
fn shutdown_and_its_errors() {
    let mut bench = Bench::accepted();
    assert_eq!(bench.call(Call::Shutdown { fd: 4, how: 3 }), Err(Errno::EINVAL));
    assert_eq!(bench.call(Call::Shutdown { fd: 4, how: SHUT_RD }), Ok(0));
    assert_eq!(bench.call(read(4, 10)), Ok(0));
    assert_eq!(bench.call(Call::Shutdown { fd: 4, how: SHUT_WR }), Ok(0));
    assert_eq!(bench.call(write(4, 10)), Err(Errno::EPIPE));
    let fresh = bench.socket();
    assert_eq!(bench.call(Call::Shutdown { fd: fresh, how: SHUT_WR }), Err(Errno::ENOTCONN));
}

/// SO_SNDBUF and SO_RCVBUF are doubled, bounded and have a minimum (sock.c).
#[test]
fn buffers_are_doubled() {
    let mut bench = Bench::new();
    let fd = bench.socket();
    for (name, asked, is) in [
        (SO_SNDBUF, 10_000, 20_000),
        (SO_SNDBUF, 1000, 4608),
        (SO_SNDBUF, 2_000_000, 4_000_000),
        (SO_SNDBUF, -1, 8_388_608),
        (SO_RCVBUF, 10_000, 20_000),
        (SO_RCVBUF, 1, 2304),
    ] {
        let value = OptionValue::Int(asked);
        assert_eq!(bench.call(Call::SetOption { fd, level: SOL_SOCKET, name, value, len: 4 }), Ok(0));
        let reply = bench.reply(Call::GetOption { fd, level: SOL_SOCKET, name, len: 4 });
        assert_eq!(reply, Reply::with(0, Detail::Option(OptionValue::Int(is))), "{name} {asked}");
    }
}

#[test]
fn sysctls() {
    let mut machine = Machine::new(&Setup::default());
    machine.set_sysctl("net.ipv4.tcp_sack", "0").unwrap();
    machine.set_sysctl("/proc/sys/net/ipv4/tcp_wmem", "4096 50000 4194304").unwrap();
    for name in ["net/ipv4/tcp_nonsense", "tcp_nonsense"] {
        let error = machine.set_sysctl(name, "1").unwrap_err();
        assert_eq!(error.to_string(), "sysctl tcp_nonsense is not modelled");
    }
    let error = machine.set_sysctl("tcp_sack", "yes").unwrap_err();
    assert_eq!(error.to_string(), "sysctl tcp_sack does not take the value \"yes\"");
}

/// A write finds room as long as the memory of what is queued, skbs included, is below the buffer; the last skb is
/// filled beyond it. Numbers of tcp.c with a buffer of 50,000: skbs of half the peer's window, the first of them cut
/// where cwnd ended.
#[test]
fn write_is_bounded_by_memory() {
    for (lowat, written) in [(0, 58_000), (32_000, 42_000)] {
        let mut bench =
            Bench::listening(|machine| machine.set_sysctl("tcp_wmem", "4096 50000 4194304").unwrap());
        bench.deliver_wnd(Flags::ACK, 1, 0, 1, 32_896);
        bench.call(Call::Accept { fd: 3, flags: SOCK_NONBLOCK }).unwrap();
        let value = OptionValue::Int(lowat);
        let name = TCP_NOTSENT_LOWAT;
        bench.call(Call::SetOption { fd: 4, level: SOL_TCP, name, value, len: 4 }).unwrap();
        assert_eq!(bench.call(write(4, 59_000)), Ok(written));
        assert_eq!(bench.call(write(4, 1)), Err(Errno::EAGAIN));
        let mut fds = vec![PollFd { fd: 4, events: POLLOUT, revents: 0 }];
        let poll = |fds: &Vec<PollFd>| Call::Poll { fds: fds.clone(), timeout: 0 };
        assert_eq!(bench.call(poll(&fds)), Ok(0));
        bench.deliver_wnd(Flags::ACK, 1, 0, 10_001, 32_896);
        assert_eq!(bench.call(poll(&fds)), Ok(0), "a third has to be free");
        bench.deliver_wnd(Flags::ACK, 1, 0, 26_001, 32_896);
        assert_eq!(bench.call(poll(&fds)), Ok(1));
        fds[0].revents = POLLOUT;
        let info = bench.machine.tcp_info(4).unwrap();
        assert_eq!(info.bytes_sent + info.notsent_bytes, written as u64);
    }
}

/// Time in which the peer's window was the limit, and in which anything was to be done at all (tcp_chrono_start).
#[test]
fn times_of_limits() {
    let mut bench = Bench::accepted();
    bench.deliver_wnd(Flags::ACK, 1, 0, 1, 0);
    bench.machine.advance(ms(100));
    assert_eq!(bench.call(write(4, 1000)), Ok(1000));
    bench.machine.advance(ms(200));
    let info = bench.machine.tcp_info(4).unwrap();
    assert_eq!((info.busy_time, info.rwnd_limited, info.sndbuf_limited), (100_000, 100_000, 0));
    bench.deliver_wnd(Flags::ACK, 1, 0, 1, 5000);
    bench.machine.advance(ms(230));
    bench.deliver_wnd(Flags::ACK, 1, 0, 1001, 5000);
    bench.machine.advance(ms(300));
    let info = bench.machine.tcp_info(4).unwrap();
    assert_eq!((info.busy_time, info.rwnd_limited, info.sndbuf_limited), (130_000, 100_000, 0));
    assert_eq!((info.delivered, info.data_segs_out, info.bytes_sent), (2, 1, 1000));
}

/// The last octet of a write is reported when it is handed down, sent and acknowledged (timestamping.rst); the error
/// queue is empty after that.
#[test]
fn stamps_of_a_write() {
    let mut bench = Bench::accepted();
    let value = OptionValue::Int((SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK).into());
    let (level, name) = (SOL_SOCKET, SO_TIMESTAMPING);
    bench.call(Call::SetOption { fd: 4, level, name, value, len: 4 }).unwrap();
    let flags = SOF_TIMESTAMPING_TX_ACK
        | SOF_TIMESTAMPING_SOFTWARE
        | SOF_TIMESTAMPING_OPT_ID
        | SOF_TIMESTAMPING_TX_SCHED;
    let value = OptionValue::Int(flags.into());
    bench.call(Call::SetOption { fd: 4, level, name, value, len: 4 }).unwrap();
    bench.machine.advance(ms(20));
    bench.call(write(4, 100)).unwrap();
    bench.machine.advance(ms(30));
    bench.deliver(Flags::ACK, 1, 0, 101);
    let look = Call::Recv { fd: 4, room: vec![Room::Bytes(0)], flags: MSG_ERRQUEUE, control: true };
    for (what, at) in [(SCM_TSTAMP_SCHED, 20), (SCM_TSTAMP_ACK, 30)] {
        let reply = bench.reply(look.clone());
        let Detail::Message(message) = reply.detail else { panic!("{reply:?}") };
        assert_eq!((reply.result, message.flags), (Ok(0), MSG_ERRQUEUE | MSG_TRUNC));
        assert_eq!(message.control[0].data, ControlData::Timestamp(Duration::from_millis(at)));
        let ControlData::Error(error) = message.control[1].data else { panic!("{message:?}") };
        assert_eq!((error.errno, error.info, error.data), (Errno::ENOMSG.number(), what as u32, 99));
    }
    assert_eq!(bench.call(look), Err(Errno::EAGAIN));
}

/// A bare ACK does not complete the handshake while data is waited for; data does (tcp(7), TCP_DEFER_ACCEPT).
#[test]
fn data_completes_a_deferred_handshake() {
    let mut bench = Bench::listening(|_| {});
    let value = OptionValue::Int(5);
    bench.call(Call::SetOption { fd: 3, level: SOL_TCP, name: TCP_DEFER_ACCEPT, value, len: 4 }).unwrap();
    let reply = bench.reply(Call::GetOption { fd: 3, level: SOL_TCP, name: TCP_DEFER_ACCEPT, len: 4 });
    assert_eq!(reply.detail, Detail::Option(OptionValue::Int(7)), "three repetitions take seven seconds");
    bench.nonblock(3);
    bench.deliver(Flags::ACK, 1, 0, 1);
    assert_eq!(bench.call(Call::Accept { fd: 3, flags: 0 }), Err(Errno::EAGAIN));
    assert_eq!(bench.machine.counter("TcpExtTCPDeferAcceptDrop"), Some(1));
    bench.deliver(Flags::ACK | Flags::PSH, 1, 4, 1);
    assert_eq!(bench.call(Call::Accept { fd: 3, flags: 0 }), Ok(4));
    assert_eq!(bench.call(read(4, 10)), Ok(4));
}

/// A socket buffer that is full takes no more than the kernel has memory for: the segment is dropped, counted, and the
/// window closed until the program has read (tcp_data_queue).
#[test]
fn no_memory_closes_the_window() {
    let mut bench = Bench::accepted();
    bench.deliver(Flags::ACK, 1, 30_000, 1);
    bench.sent();
    let value = OptionValue::Int(2000);
    bench.call(Call::SetOption { fd: 4, level: SOL_SOCKET, name: SO_RCVBUF, value, len: 4 }).unwrap();
    bench.deliver(Flags::ACK, 30_001, 1000, 1);
    let last = bench.machine.take_sent().unwrap();
    let Body::Tcp(segment) = &last.packet.body else { panic!("{last:?}") };
    assert_eq!((segment.ack, segment.wnd), (SeqNum(30_001), 0));
    assert_eq!(bench.machine.counter("TcpExtTCPRcvQDrop"), Some(1));
    bench.deliver(Flags::ACK, 30_001, 1, 1);
    assert_eq!(bench.machine.counter("TcpExtTCPZeroWindowDrop"), Some(1));
    assert_eq!(bench.call(read(4, 100_000)), Ok(30_000));
}

/// Edge-triggered: each arrival is told once, whether the socket was drained or not (epoll(7)).
#[test]
fn edges_are_told_once() {
    let mut bench = Bench::accepted();
    let epfd = bench.call(Call::EpollCreate { flags: 0 }).unwrap() as Fd;
    let event = EpollEvent { events: EPOLLIN | EPOLLET, data: 7 };
    bench.call(Call::EpollCtl { epfd, op: EPOLL_CTL_ADD, fd: 4, event }).unwrap();
    let wait = Call::EpollWait { epfd, max: 8, timeout: 0 };
    assert_eq!(bench.call(wait.clone()), Ok(0));
    bench.deliver(Flags::ACK, 1, 100, 1);
    let events = Detail::Epoll(vec![EpollEvent { events: EPOLLIN, data: 7 }]);
    assert_eq!(bench.reply(wait.clone()), Reply::with(1, events));
    assert_eq!(bench.call(wait.clone()), Ok(0));
    bench.call(read(4, 10)).unwrap();
    assert_eq!(bench.call(wait.clone()), Ok(0));
    bench.deliver(Flags::ACK, 101, 100, 1);
    assert_eq!(bench.call(wait), Ok(1));
}
