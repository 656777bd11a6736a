//! To be written.
#![allow(missing_docs)]
#[derive(Clone, Debug)]
pub struct TimeWait {}
