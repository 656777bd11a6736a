//! Our runs under the `linux` personality, laid beside what Linux 6.18 did with the same script on the same wire.
//!
//! `tests/kernel/NAME.txt` is the kernel's record, `tests/kernel/NAME.ron` the scenario. `tests/kernel/table.txt` says
//! of each whether they are equal; one that is not is listed with the place of the first difference and the reason,
//! and has to differ there, so that nothing is skipped and an improvement is noticed.

mod capture;
mod compare;
