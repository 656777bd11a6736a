//! What a call or a connection can fail with, by the names that programs see.

use std::fmt;

/// Calls the macro `$then` with the names of all errnos, so that the list stands here and nowhere else.
#[macro_export]
macro_rules! with_errnos {
    ($then:ident) => {
        $then! {
            EACCES = 13,
            EADDRINUSE = 98,
            EADDRNOTAVAIL = 99,
            EAFNOSUPPORT = 97,
            EAGAIN = 11,
            EALREADY = 114,
            EBADF = 9,
            ECONNABORTED = 103,
            ECONNREFUSED = 111,
            ECONNRESET = 104,
            EDESTADDRREQ = 89,
            EDOM = 33,
            EEXIST = 17,
            EFAULT = 14,
            EHOSTDOWN = 112,
            EHOSTUNREACH = 113,
            EINPROGRESS = 115,
            EINVAL = 22,
            EISCONN = 106,
            EMFILE = 24,
            EMSGSIZE = 90,
            ENETUNREACH = 101,
            ENOENT = 2,
            ENOMSG = 42,
            ENONET = 64,
            ENOPROTOOPT = 92,
            ENOTCONN = 107,
            ENOTSOCK = 88,
            ENOTTY = 25,
            EOPNOTSUPP = 95,
            EPERM = 1,
            EPIPE = 32,
            EPROTO = 71,
            EPROTONOSUPPORT = 93,
            ESOCKTNOSUPPORT = 94,
            ETIMEDOUT = 110,
        }
    };
}
macro_rules! errnos {
    ($($name:ident = $number:literal,)*) => {
        /// An error as a program sees it: the name of an errno.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are the documentation: errno(3)")]
        pub enum Errno { $($name,)* }

        impl Errno {
            /// All of them.
            pub const ALL: &[Errno] = &[$(Errno::$name,)*];
            /// Its number on Linux, most architectures.
            pub const fn number(self) -> i32 {
                match self { $(Errno::$name => $number,)* }
            }
        }
    };
}
with_errnos!(errnos);

impl Errno {
    /// The errno of this name; `EWOULDBLOCK` is EAGAIN.
    pub fn from_name(name: &str) -> Option<Errno> {
        match name {
            "EWOULDBLOCK" => Some(Errno::EAGAIN),
            "ENOTSUP" => Some(Errno::EOPNOTSUPP),
            name => Errno::ALL.iter().copied().find(|errno| format!("{errno:?}") == name),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
impl std::error::Error for Errno {}
