//! System calls and what comes back: numbers as Linux has them ([`abi`](super::abi)), memory as values.

use std::net::SocketAddr;

use tcp::{Duration, Errno, Payload};

/// A file descriptor of the calling process.
pub type Fd = i32;

/// An address that a program passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addr {
    /// `AF_UNSPEC`: connect(2) to it takes a connection apart.
    Unspec,
    /// `AF_INET` or `AF_INET6`.
    Inet(SocketAddr),
}

/// Memory that a call reads from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// These bytes.
    Data(Payload),
    /// So many bytes at an address that the process cannot read: EFAULT when it comes to that.
    Bad(u32),
}

/// Memory that a call writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Room for so many bytes.
    Bytes(u32),
    /// So many bytes at an address that the process cannot write: EFAULT when it comes to that.
    Bad(u32),
}

/// The value of a socket option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// `int`, or `unsigned int`: [`SetOption::len`](Call::SetOption) says how many bytes of it count.
    Int(i64),
    /// `struct linger`: `l_onoff`, and `l_linger` in seconds.
    Linger {
        /// Whether close(2) lingers.
        onoff: i32,
        /// How long, in seconds; zero: close(2) resets.
        linger: i32,
    },
    /// `struct timeval`, of `SO_RCVTIMEO` and `SO_SNDTIMEO`; zero: no limit.
    Time(Duration),
    /// Characters: the name of a congestion control, a Fast Open key as hexadecimal digits.
    Text(String),
    /// An address that the process cannot read: EFAULT.
    Bad,
}

/// A control message (cmsg(3)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// `cmsg_level`.
    pub level: i32,
    /// `cmsg_type`.
    pub kind: i32,
    /// `cmsg_data`.
    pub data: ControlData,
}

/// What a control message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlData {
    /// An `int`: `TCP_CM_INQ`.
    Int(i32),
    /// `struct scm_timestamping`: software time since the start of the run. `SCM_TIMESTAMPING`.
    Timestamp(Duration),
    /// `struct sock_extended_err`, `IP_RECVERR`.
    Error(ExtendedError),
}

/// `struct sock_extended_err` (ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedError {
    /// `ee_errno`; zero: none.
    pub errno: i32,
    /// `ee_origin`.
    pub origin: u8,
    /// `ee_type`.
    pub kind: u8,
    /// `ee_code`.
    pub code: u8,
    /// `ee_info`.
    pub info: u32,
    /// `ee_data`.
    pub data: u32,
}

/// One entry of poll(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollFd {
    /// Which descriptor; negative: ignored.
    pub fd: Fd,
    /// What is asked for.
    pub events: i32,
    /// What there is: filled in by the call.
    pub revents: i32,
}

/// `struct epoll_event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpollEvent {
    /// Events and flags.
    pub events: i32,
    /// The program's own word.
    pub data: u64,
}

/// A system call.
///
/// `read` and `write` are [`Recv`](Call::Recv) and [`Send`](Call::Send) without flags; `readv`, `recvmsg`, `writev`
/// and `sendmsg` those with several buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// socket(2). `kind` may include `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
    Socket {
        /// `AF_INET` or `AF_INET6`.
        family: i32,
        /// `SOCK_STREAM`, with flags.
        kind: i32,
        /// Zero or `IPPROTO_TCP`.
        protocol: i32,
    },
    /// bind(2).
    Bind {
        /// Descriptor.
        fd: Fd,
        /// Address; an unspecified one is any, port zero any that is free.
        addr: Addr,
    },
    /// listen(2).
    Listen {
        /// Descriptor.
        fd: Fd,
        /// Backlog.
        backlog: i32,
    },
    /// accept(2), accept4(2): the new descriptor; [`Detail::Peer`].
    Accept {
        /// Descriptor.
        fd: Fd,
        /// `SOCK_NONBLOCK`, `SOCK_CLOEXEC`.
        flags: i32,
    },
    /// connect(2).
    Connect {
        /// Descriptor.
        fd: Fd,
        /// Whereto.
        addr: Addr,
    },
    /// write(2), writev(2), send(2), sendto(2), sendmsg(2): the number of bytes taken.
    Send {
        /// Descriptor.
        fd: Fd,
        /// What is to be sent, in order.
        data: Vec<Source>,
        /// `MSG_…`.
        flags: i32,
        /// Whereto; of use with `MSG_FASTOPEN`.
        to: Option<Addr>,
    },
    /// read(2), readv(2), recv(2), recvfrom(2), recvmsg(2): the number of bytes; [`Detail::Message`].
    Recv {
        /// Descriptor.
        fd: Fd,
        /// Room for what was received, in order.
        room: Vec<Room>,
        /// `MSG_…`.
        flags: i32,
        /// Whether there is room for control messages: recvmsg(2).
        control: bool,
    },
    /// sendfile(2).
    SendFile {
        /// Descriptor of the socket.
        to: Fd,
        /// Descriptor of the file.
        from: Fd,
        /// Where in the file; `None`: where it stands, which moves.
        offset: Option<u64>,
        /// At most so many bytes.
        count: u32,
    },
    /// splice(2), without offsets.
    Splice {
        /// Descriptor that is read.
        from: Fd,
        /// Descriptor that is written.
        to: Fd,
        /// At most so many bytes.
        count: u32,
        /// `SPLICE_F_…`.
        flags: i32,
    },
    /// pipe(2): [`Detail::Pipe`].
    Pipe,
    /// open(2), of a file that [`Machine::put_file`](super::Machine::put_file) has made.
    Open {
        /// Its path.
        path: String,
        /// `O_…`.
        flags: i32,
    },
    /// shutdown(2).
    Shutdown {
        /// Descriptor.
        fd: Fd,
        /// `SHUT_…`.
        how: i32,
    },
    /// close(2).
    Close {
        /// Descriptor.
        fd: Fd,
    },
    /// fcntl(2): `F_GETFL`, `F_SETFL`, `F_GETFD`, `F_SETFD`.
    Fcntl {
        /// Descriptor.
        fd: Fd,
        /// `F_…`.
        command: i32,
        /// Flags to set.
        arg: i32,
    },
    /// ioctl(2): [`Detail::Int`] holds what the call writes.
    Ioctl {
        /// Descriptor.
        fd: Fd,
        /// `SIOCINQ`, `SIOCOUTQ`, `SIOCOUTQNSD`, `SIOCATMARK`, `FIONBIO`.
        request: i32,
        /// Argument of `FIONBIO`.
        arg: i32,
    },
    /// poll(2): how many entries have events; [`Detail::Poll`].
    Poll {
        /// What to look at.
        fds: Vec<PollFd>,
        /// Time to wait in milliseconds; negative: for ever.
        timeout: i32,
    },
    /// epoll_create(2), epoll_create1(2): the new descriptor.
    EpollCreate {
        /// `O_CLOEXEC`.
        flags: i32,
    },
    /// epoll_ctl(2).
    EpollCtl {
        /// Descriptor of the epoll instance.
        epfd: Fd,
        /// `EPOLL_CTL_…`.
        op: i32,
        /// Descriptor that is watched.
        fd: Fd,
        /// Events and the program's word.
        event: EpollEvent,
    },
    /// epoll_wait(2): how many events; [`Detail::Epoll`].
    EpollWait {
        /// Descriptor of the epoll instance.
        epfd: Fd,
        /// Room for so many events.
        max: i32,
        /// Time to wait in milliseconds; negative: for ever.
        timeout: i32,
    },
    /// setsockopt(2).
    SetOption {
        /// Descriptor.
        fd: Fd,
        /// `SOL_…`, `IPPROTO_…`.
        level: i32,
        /// `SO_…`, `IP_…`, `TCP_…`.
        name: i32,
        /// The value.
        value: OptionValue,
        /// Its length in bytes, as the program states it.
        len: i32,
    },
    /// getsockopt(2): [`Detail::Option`].
    GetOption {
        /// Descriptor.
        fd: Fd,
        /// `SOL_…`, `IPPROTO_…`.
        level: i32,
        /// `SO_…`, `IP_…`, `TCP_…`.
        name: i32,
        /// Room for the value in bytes.
        len: i32,
    },
    /// getsockname(2): [`Detail::Peer`].
    GetSockName {
        /// Descriptor.
        fd: Fd,
    },
    /// getpeername(2): [`Detail::Peer`].
    GetPeerName {
        /// Descriptor.
        fd: Fd,
    },
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The return value, or what errno is set to where that is -1.
    pub result: Result<i64, Errno>,
    /// What the call writes into the program's memory.
    pub detail: Detail,
}

/// What a call writes into the program's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// An address: of the peer, or of the socket.
    Peer(SocketAddr),
    /// A number.
    Int(i64),
    /// Both ends of a pipe.
    Pipe {
        /// The end that is read.
        read: Fd,
        /// The end that is written.
        write: Fd,
    },
    /// The value of an option.
    Option(OptionValue),
    /// What was received.
    Message(Message),
    /// The entries of poll(2) with their events filled in.
    Poll(Vec<PollFd>),
    /// The events of epoll_wait(2).
    Epoll(Vec<EpollEvent>),
}

/// What recvmsg(2) brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The data; shorter than the result of the call where that counts what was discarded (`MSG_TRUNC`).
    pub data: Payload,
    /// `msg_flags`.
    pub flags: i32,
    /// Control messages.
    pub control: Vec<Control>,
}

/// How a call came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned at once.
    Returned(Reply),
    /// It blocks; [`Machine::take_returned`](super::Machine::take_returned) tells when it returns.
    Blocked(Ticket),
    /// It asks for something that is not modelled; nothing has happened. What that is, in words.
    Unsupported(String),
}

/// Names a call that blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

impl Reply {
    /// Success, with this return value and nothing else.
    pub const fn ok(value: i64) -> Reply {
        Reply { result: Ok(value), detail: Detail::None }
    }
    /// Success, and something written into the program's memory.
    pub const fn with(value: i64, detail: Detail) -> Reply {
        Reply { result: Ok(value), detail }
    }
    /// Failure.
    pub const fn err(errno: Errno) -> Reply {
        Reply { result: Err(errno), detail: Detail::None }
    }
}

impl From<Errno> for Reply {
    fn from(errno: Errno) -> Reply {
        Reply::err(errno)
    }
}
