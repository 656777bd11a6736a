//! A simulated host as a process sees it: system calls with the semantics of Linux 6.18, blocking ones included.
//!
//! A [`Machine`] is one host alone, with its wire in the caller's hands: packets are given to it and taken from it, time
//! goes where the caller says. Its one process makes [`Call`]s, whose numbers ([`abi`]) and errnos are Linux's. A call
//! that has to wait is [`Outcome::Blocked`]; it goes on as packets and timers come, and [`Machine::take_returned`] tells
//! what it returned, and when.
//!
//! ```
//! use tcp::Errno;
//! use timewait_sim::sys::{Call, Machine, Outcome, Reply, Setup, abi};
//! let mut machine = Machine::new(&Setup::default());
//! let socket = Call::Socket { family: abi::AF_INET, kind: abi::SOCK_STREAM, protocol: abi::IPPROTO_TCP };
//! assert_eq!(machine.call(&socket), Outcome::Returned(Reply::ok(3)));
//! assert_eq!(machine.call(&Call::Close { fd: 4 }), Outcome::Returned(Reply::err(Errno::EBADF)));
//! ```
//!
//! What is not modelled is said so ([`Outcome::Unsupported`], [`SysctlError::Unsupported`]), never passed over.

pub mod abi;
mod call;
mod epoll;
mod files;
mod io;
mod machine;
mod opening;
mod options;
mod poll;
mod process;
mod readings;
mod sysctl;
mod tcp_info;
#[cfg(test)]
mod tests;
mod unseen;
mod zerocopy;

pub use crate::host::RouteMetrics;
pub use call::{
    Addr, Call, Control, ControlData, Detail, EpollEvent, ExtendedError, Fd, Message, OptionValue, Outcome,
    PollFd, Reply, Room, Source, Ticket,
};
pub use machine::{Machine, Returned, Sent, Setup};
pub use options::retries_within;
pub use readings::{change, readings};
pub use sysctl::SysctlError;
pub use tcp_info::{SkMeminfo, TcpInfo};
pub use unseen::{UNSEEN, Unseen};
