//! What a program may ask for that changes nothing which could be seen here, each with the reason.
//!
//! Socket options and flags that are neither modelled nor in this table are refused ([`Outcome::Unsupported`]): passing
//! over one that could be seen would be a lie about the kernel.
//!
//! [`Outcome::Unsupported`]: super::Outcome::Unsupported

use super::abi::*;

/// Something that is taken without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// Its name, as programs spell it.
    pub name: &'static str,
    /// Why it has no effect that could be seen.
    pub why: &'static str,
    what: What,
}

/// Where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// setsockopt(2): level and name.
    Option(i32, i32),
    /// A flag of send(2) and its kin.
    Send(i32),
    /// A flag of recv(2) and its kin.
    Receive(i32),
    /// A flag of epoll_ctl(2).
    Epoll(i32),
    /// A flag of socket(2), accept4(2), epoll_create1(2), pipe2(2), open(2).
    Open(i32),
    /// A flag of fcntl(2) with `F_SETFL`.
    Status(i32),
    /// A flag of splice(2).
    Splice(i32),
    /// A sysctl below `net.ipv4`: its values from the first to the second.
    Sysctl(i64, i64),
}

const fn unseen(name: &'static str, what: What, why: &'static str) -> Unseen {
    Unseen { name, why, what }
}

/// All of it.
pub const UNSEEN: &[Unseen] = &[
    unseen(
        "SO_PRIORITY",
        What::Option(SOL_SOCKET, SO_PRIORITY),
        "picks a band of a queueing discipline; the link has one band",
    ),
    unseen("SO_MARK", What::Option(SOL_SOCKET, SO_MARK), "picks a routing table; there is one route"),
    unseen("SO_BROADCAST", What::Option(SOL_SOCKET, SO_BROADCAST), "is about datagrams"),
    unseen("SO_BSDCOMPAT", What::Option(SOL_SOCKET, SO_BSDCOMPAT), "is of no effect in Linux since 2.4"),
    unseen("SO_NO_CHECK", What::Option(SOL_SOCKET, SO_NO_CHECK), "is about datagrams"),
    unseen("SO_DEBUG", What::Option(SOL_SOCKET, SO_DEBUG), "only writes to the kernel's log"),
    unseen(
        "IP_FREEBIND",
        What::Option(SOL_IP, IP_FREEBIND),
        "allows addresses that are not the host's; bind(2) to one fails here all the same",
    ),
    unseen("MSG_NOSIGNAL", What::Send(MSG_NOSIGNAL), "keeps SIGPIPE away; the process has no signals"),
    unseen("MSG_DONTROUTE", What::Send(MSG_DONTROUTE), "Linux's TCP does not look at it"),
    unseen("MSG_CONFIRM", What::Send(MSG_CONFIRM), "Linux's TCP does not look at it"),
    unseen("MSG_PROBE", What::Send(MSG_PROBE), "Linux's TCP does not look at it"),
    unseen("MSG_TRUNC", What::Send(MSG_TRUNC), "Linux's TCP does not look at it when it sends"),
    unseen("MSG_PEEK", What::Send(MSG_PEEK), "Linux's TCP does not look at it when it sends"),
    unseen("MSG_WAITALL", What::Send(MSG_WAITALL), "Linux's TCP does not look at it when it sends"),
    unseen("MSG_NOSIGNAL", What::Receive(MSG_NOSIGNAL), "receiving raises no signal"),
    unseen(
        "MSG_CMSG_CLOEXEC",
        What::Receive(MSG_CMSG_CLOEXEC),
        "is about descriptors received over Unix sockets",
    ),
    unseen("MSG_DONTROUTE", What::Receive(MSG_DONTROUTE), "Linux's TCP does not look at it"),
    unseen("EPOLLWAKEUP", What::Epoll(EPOLLWAKEUP), "keeps the machine from going to sleep"),
    unseen("EPOLLEXCLUSIVE", What::Epoll(EPOLLEXCLUSIVE), "picks one of several processes; there is one"),
    unseen("SOCK_CLOEXEC", What::Open(SOCK_CLOEXEC), "the process runs no other program"),
    unseen("O_LARGEFILE", What::Open(O_LARGEFILE), "offsets have 64 bits"),
    unseen("O_LARGEFILE", What::Status(O_LARGEFILE), "offsets have 64 bits"),
    unseen("O_RDWR", What::Status(O_RDWR), "the access mode is passed over by F_SETFL (fcntl(2))"),
    unseen("O_WRONLY", What::Status(O_WRONLY), "the access mode is passed over by F_SETFL (fcntl(2))"),
    unseen("SPLICE_F_MOVE", What::Splice(SPLICE_F_MOVE), "is a hint without effect since Linux 2.6.21"),
    unseen(
        "tcp_no_metrics_save",
        What::Sysctl(1, 255),
        "nothing is remembered of past connections (0, which asks for that, is refused)",
    ),
    unseen("tcp_fack", What::Sysctl(0, 255), "is of no effect since Linux 4.15"),
    unseen("tcp_low_latency", What::Sysctl(0, 255), "is of no effect since Linux 4.14"),
    unseen("SPLICE_F_GIFT", What::Splice(SPLICE_F_GIFT), "is of no use to splice(2)"),
];

/// Whether this socket option is taken without effect.
pub(super) fn option(level: i32, name: i32) -> bool {
    UNSEEN.iter().any(|unseen| unseen.what == What::Option(level, name))
}

/// Whether this setting with this value is taken without effect.
pub(super) fn sysctl(name: &str, value: i64) -> bool {
    let fits = |what| matches!(what, What::Sysctl(least, most) if (least..=most).contains(&value));
    UNSEEN.iter().any(|unseen| unseen.name == name && fits(unseen.what))
}

/// The first of these flags that is neither handled by the call nor in the table, as words.
fn unknown(flags: i32, handled: i32, bit: impl Fn(What) -> Option<i32>) -> Option<String> {
    let passed = UNSEEN.iter().filter_map(|unseen| bit(unseen.what)).fold(0, |all, bit| all | bit);
    let left = flags & !(handled | passed);
    (left != 0).then(|| format!("the flags {left:#x}"))
}
/// A flag of send(2) that has no meaning here.
pub(super) fn unknown_send(flags: i32) -> Option<String> {
    let handled = MSG_OOB | MSG_MORE | MSG_EOR | MSG_DONTWAIT | MSG_FASTOPEN | MSG_ZEROCOPY;
    unknown(flags, handled, |what| if let What::Send(bit) = what { Some(bit) } else { None })
        .map(|flags| format!("sending with {flags}"))
}
/// A flag of recv(2) that has no meaning here.
pub(super) fn unknown_receive(flags: i32) -> Option<String> {
    let handled = MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT | MSG_WAITALL | MSG_ERRQUEUE;
    unknown(flags, handled, |what| if let What::Receive(bit) = what { Some(bit) } else { None })
        .map(|flags| format!("receiving with {flags}"))
}
/// An event or flag of epoll_ctl(2) that has no meaning here.
pub(super) fn unknown_epoll(events: i32) -> Option<String> {
    let handled = EPOLLIN
        | EPOLLPRI
        | EPOLLOUT
        | EPOLLERR
        | EPOLLHUP
        | EPOLLRDNORM
        | EPOLLRDBAND
        | EPOLLWRNORM
        | EPOLLWRBAND
        | EPOLLMSG
        | EPOLLRDHUP
        | EPOLLET
        | EPOLLONESHOT;
    unknown(events, handled, |what| if let What::Epoll(bit) = what { Some(bit) } else { None })
        .map(|flags| format!("epoll_ctl(2) with {flags}"))
}
/// A flag of a call that opens a file which has no meaning here.
pub(super) fn unknown_open(flags: i32) -> Option<String> {
    unknown(flags, SOCK_NONBLOCK, |what| if let What::Open(bit) = what { Some(bit) } else { None })
        .map(|flags| format!("a file with {flags}"))
}
/// A status flag of fcntl(2) that has no meaning here.
pub(super) fn unknown_status(flags: i32) -> Option<String> {
    unknown(flags, O_NONBLOCK, |what| if let What::Status(bit) = what { Some(bit) } else { None })
        .map(|flags| format!("fcntl(2) F_SETFL with {flags}"))
}
/// A flag of splice(2) that has no meaning here.
pub(super) fn unknown_splice(flags: i32) -> Option<String> {
    let handled = SPLICE_F_NONBLOCK | SPLICE_F_MORE;
    unknown(flags, handled, |what| if let What::Splice(bit) = what { Some(bit) } else { None })
        .map(|flags| format!("splice(2) with {flags}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reason for each, and each once.
    #[test]
    fn each_has_a_reason_of_its_own() {
        for (i, unseen) in UNSEEN.iter().enumerate() {
            assert!(unseen.why.len() > 10, "{}", unseen.name);
            let same = |other: &Unseen| (other.name, other.what) == (unseen.name, unseen.what);
            assert!(!UNSEEN[..i].iter().any(same), "{} twice", unseen.name);
            let named = matches!(unseen.what, What::Sysctl(..)) || constant(unseen.name).is_some();
            assert!(named, "{} is no constant", unseen.name);
        }
    }

    /// What is neither handled nor in the table is named.
    #[test]
    fn what_is_not_there_is_refused() {
        assert_eq!(unknown_send(MSG_NOSIGNAL | MSG_MORE), None);
        assert_eq!(unknown_send(MSG_RST | MSG_MORE).as_deref(), Some("sending with the flags 0x1000"));
        assert_eq!(unknown_receive(MSG_MORE).as_deref(), Some("receiving with the flags 0x8000"));
        assert_eq!(unknown_status(O_RDWR | O_NONBLOCK), None);
        assert_eq!(unknown_status(O_ASYNC).as_deref(), Some("fcntl(2) F_SETFL with the flags 0x2000"));
        assert!(!option(SOL_SOCKET, SO_DONTROUTE));
    }
}
