//! What a call or a connection can fail with, by the names that programs see.

use std::fmt;

macro_rules! errnos {
    ($($name:ident)*) => {
        /// An error as a program sees it: the name of an errno.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are the documentation: errno(3)")]
        pub enum Errno { $($name,)* }

        impl Errno {
            /// All of them.
            pub const ALL: &[Errno] = &[$(Errno::$name,)*];
        }
    };
}
errnos! {
    EADDRINUSE
    EADDRNOTAVAIL
    EAGAIN
    EALREADY
    EBADF
    ECONNABORTED
    ECONNREFUSED
    ECONNRESET
    EHOSTUNREACH
    EINPROGRESS
    EINVAL
    EISCONN
    EMFILE
    EMSGSIZE
    ENETUNREACH
    ENOPROTOOPT
    ENOTCONN
    EPIPE
    EPROTO
    ETIMEDOUT
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
impl std::error::Error for Errno {}
