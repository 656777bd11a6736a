//! Segments as bytes: the header of RFC 9293, section 3.1, its options and its checksum.
//!
//! Needed only at the edges: capture files, live packets, and packets whose bits the network has flipped. The IP
//! header is not written here, but for the pseudo-header that the checksum covers.

mod options;
