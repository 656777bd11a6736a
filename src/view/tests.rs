use std::io::Write;

use sim::Record;

use super::*;
use crate::Names;

/// What a view writes, without colours.
fn plain(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> String {
    let mut text = Vec::new();
    write(&mut text).expect("a vector takes everything");
    anstream::adapter::strip_str(std::str::from_utf8(&text).expect("views write UTF-8")).to_string()
}

type WriteView = fn(&Story<'_>, Show, &mut dyn Write) -> std::io::Result<()>;

fn view(write: WriteView, records: &[Record], names: &Names) -> String {
    let story = Story::read(records, names);
    plain(|out| write(&story, Show::default(), out))
}

#[test]
fn trace_of_a_lost_final_ack() {
    insta::assert_snapshot!(view(trace::write, &sample::lost_final_ack(), &sample::two_hosts()));
}

#[test]
fn trace_of_one_of_each() {
    insta::assert_snapshot!(view(trace::write, &sample::one_of_each(), &sample::with_router()));
}

#[test]
fn states_of_a_lost_final_ack() {
    insta::assert_snapshot!(view(states::write, &sample::lost_final_ack(), &sample::two_hosts()));
}

#[test]
fn why_of_a_lost_final_ack() {
    insta::assert_snapshot!(view(why::write, &sample::lost_final_ack(), &sample::two_hosts()));
}

#[test]
fn why_of_one_of_each() {
    insta::assert_snapshot!(view(why::write, &sample::one_of_each(), &sample::with_router()));
}

#[test]
fn ladder_of_a_lost_final_ack() {
    insta::assert_snapshot!(view(ladder::write, &sample::lost_final_ack(), &sample::two_hosts()));
}

#[test]
fn ladder_of_one_of_each() {
    insta::assert_snapshot!(view(ladder::write, &sample::one_of_each(), &sample::with_router()));
}

#[test]
fn ladder_of_crossing_packets() {
    insta::assert_snapshot!(view(ladder::write, &sample::simultaneous_open(), &sample::two_hosts()));
}

#[test]
fn json_of_one_of_each() {
    insta::assert_snapshot!(view(json::write, &sample::one_of_each(), &sample::with_router()));
}

/// Checked against tcpdump 4.99 itself: its output on captures of this kind is the same, line for line.
#[test]
fn tcpdump_of_a_lost_final_ack() {
    insta::assert_snapshot!(view(tcpdump::write, &sample::lost_final_ack(), &sample::two_hosts()));
}

#[test]
fn tcpdump_of_one_of_each() {
    insta::assert_snapshot!(view(tcpdump::write, &sample::one_of_each(), &sample::with_router()));
}
