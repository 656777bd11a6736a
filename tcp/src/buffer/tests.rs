//! Both buffers against plain vectors of bytes, the order of SACK blocks, and floods of tiny pieces.

use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::payload::pattern_byte;
use crate::segment::SackBlocks;
use crate::seq::Seq;

/// So that the wire's numbers wrap within the tests.
const BASE: u64 = (2 << 32) - 50;

fn seq(n: u64) -> Seq {
    Seq(BASE + n)
}
fn range(r: Range<u64>) -> Range<Seq> {
    seq(r.start)..seq(r.end)
}
/// `len` bytes of stream `stream` that belong at `at`, described or real.
fn data(stream: u32, at: u64, len: u32, real: bool) -> Payload {
    let pattern = Payload::Pattern { stream, offset: at, len }.slice(0, len);
    if real { Payload::from_bytes(&pattern.to_vec()) } else { pattern }
}

#[derive(Clone, Debug)]
enum Op {
    Segment { stream: u32, at: u64, len: u32, real: bool },
    Read(u32),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let segment = (0..3u32, 0..60u64, 0..15u32, any::<bool>());
    let op = prop_oneof![
        6 => segment.prop_map(|(stream, at, len, real)| Op::Segment { stream, at, len, real }),
        1 => (0..30u32).prop_map(Op::Read),
    ];
    proptest::collection::vec(op, 0..60)
}

proptest! {
    /// What came first at a place stays there, nothing is lost or made up.
    #[test]
    fn receive_buffer_is_a_vector_with_holes(ops in ops(), edge in 1..64u64) {
        let mut buffer = ReceiveBuffer::new(seq(0));
        let mut model: Vec<Option<u8>> = vec![None; 80];
        let (mut nxt, mut read) = (0, 0);
        for op in ops {
            match op {
                Op::Segment { stream, at, len, real } => {
                    let end = at + u64::from(len);
                    let place = |n: u64| model[n as usize];
                    let duplicate = (at..end).find(|n| *n < nxt || place(*n).is_some());
                    let held_before = model[nxt as usize..].iter().flatten().count() as u64;
                    for n in at.max(nxt)..end.min(edge) {
                        model[n as usize].get_or_insert(pattern_byte(stream, n));
                    }
                    let before = nxt;
                    nxt = model.iter().position(Option::is_none).unwrap_or(80) as u64;
                    let result = buffer.insert(seq(at), &data(stream, at, len, real), seq(edge));
                    prop_assert_eq!(result.advanced, nxt - before);
                    let held = model[nxt as usize..].iter().flatten().count() as u64;
                    prop_assert_eq!(buffer.held(), held);
                    prop_assert_eq!(result.held, if nxt > before { 0 } else { held - held_before });
                    prop_assert_eq!(result.duplicate.map(|d| d.start), duplicate.map(seq));
                }
                Op::Read(max) => {
                    let expected: Vec<u8> =
                        model[read..nxt as usize].iter().flatten().copied().take(max as usize).collect();
                    prop_assert_eq!(buffer.peek(seq(read as u64)), model[read].filter(|_| (read as u64) < nxt));
                    read += expected.len();
                    prop_assert_eq!(buffer.read(max).to_vec(), expected);
                }
            }
            prop_assert_eq!(buffer.nxt(), seq(nxt));
            prop_assert_eq!(buffer.unread(), nxt - read as u64);
            prop_assert_eq!(buffer.has_gap(), buffer.held() > 0);
        }
    }

    #[test]
    fn send_buffer_is_a_vector(writes in proptest::collection::vec((0..40u32, any::<bool>()), 0..20),
                               acks in proptest::collection::vec((0..300u64, 0..300u64, 0..80u32), 0..20)) {
        let mut buffer = SendBuffer::new(seq(0));
        let mut model = Vec::new();
        for (len, real) in writes {
            let piece = data(1, model.len() as u64, len, real);
            piece.extend_vec(&mut model);
            buffer.push(piece);
        }
        let mut una = 0;
        for (ack, at, len) in acks {
            buffer.ack_to(seq(ack));
            una = una.max(ack.min(model.len() as u64));
            let from = at.max(una).min(model.len() as u64) as usize;
            let to = (from + len as usize).min(model.len());
            prop_assert_eq!(buffer.slice(seq(at), len).to_vec(), &model[from..to]);
            prop_assert_eq!((buffer.start(), buffer.end()), (seq(una), seq(model.len() as u64)));
            prop_assert_eq!(buffer.len(), model.len() as u64 - una);
        }
    }
}

fn blocks(buffer: &ReceiveBuffer) -> Vec<(u64, u64)> {
    let mut blocks = SackBlocks::default();
    buffer.sack_blocks(4, &mut blocks);
    let at = |number| Seq::near(seq(0), number).0 - BASE;
    blocks.as_slice().iter().map(|(left, right)| (at(*left), at(*right))).collect()
}
fn arrives(buffer: &mut ReceiveBuffer, at: u64, len: u32) -> Inserted {
    buffer.insert(seq(at), &data(1, at, len, false), seq(100_000))
}

/// 2018/4-FIRST, 4-REPEAT: the block with what came last is first, those reported before follow.
#[test]
fn sack_blocks_in_order_of_arrival() {
    let mut buffer = ReceiveBuffer::new(seq(0));
    for at in [20, 60, 40, 80] {
        arrives(&mut buffer, at, 5);
    }
    assert_eq!(blocks(&buffer), [(80, 85), (40, 45), (60, 65), (20, 25)]);
    arrives(&mut buffer, 25, 5); // a block grows
    assert_eq!(blocks(&buffer), [(20, 30), (80, 85), (40, 45), (60, 65)]);
    arrives(&mut buffer, 45, 15); // two become one
    assert_eq!(blocks(&buffer), [(40, 65), (20, 30), (80, 85)]);
    // 2883/4: a duplicate is reported, and its block comes first.
    assert_eq!(arrives(&mut buffer, 82, 2).duplicate, Some(range(82..84)));
    assert_eq!(blocks(&buffer), [(80, 85), (40, 65), (20, 30)]);
    // The gap is filled up to the second: what was delivered is reported no more.
    let filled = arrives(&mut buffer, 0, 40);
    assert_eq!((filled.advanced, filled.filled_gap), (65, true));
    assert_eq!(filled.duplicate, Some(range(20..30)));
    assert_eq!(blocks(&buffer), [(80, 85)]);
    assert_eq!(arrives(&mut buffer, 10, 10).duplicate, Some(range(10..20)));
}

/// 2018/4: with more blocks than fit, those that were reported last are repeated.
#[test]
fn only_the_latest_blocks_are_repeated() {
    let mut buffer = ReceiveBuffer::new(seq(0));
    for i in 1..10 {
        arrives(&mut buffer, 10 * i, 5);
    }
    assert_eq!(blocks(&buffer), [(90, 95), (80, 85), (70, 75), (60, 65)]);
}

/// A segment across several gaps fills them all, and old data wins.
#[test]
fn one_segment_fills_many_gaps() {
    let mut buffer = ReceiveBuffer::new(seq(0));
    arrives(&mut buffer, 10, 5);
    arrives(&mut buffer, 20, 5);
    let other = Payload::from_bytes(&[b'x'; 30]);
    let result = buffer.insert(seq(5), &other, seq(100));
    assert_eq!((result.held, result.advanced), (20, 0));
    arrives(&mut buffer, 0, 5);
    let mut expected: Vec<u8> = (0..35).map(|n| pattern_byte(1, n)).collect();
    for n in (5..10).chain(15..20).chain(25..35) {
        expected[n] = b'x';
    }
    assert_eq!(buffer.read(100).to_vec(), expected);
}

/// SAFE/SEGSMACK: a flood of one-byte segments, out of order and in the worst orders, holds few pieces.
#[test]
fn tiny_segments_stay_bounded() {
    let flood = |order: &mut dyn Iterator<Item = u64>| {
        let mut buffer = ReceiveBuffer::new(seq(0));
        for at in order {
            buffer.insert(seq(at), &Payload::from_bytes(b"."), seq(1 << 20));
        }
        buffer.pieces_held()
    };
    let n = 20_000;
    assert!(flood(&mut (1..n)) < 40);
    assert!(flood(&mut (1..n).rev()) < 40);
    assert!(flood(&mut (1..n).map(|i| 2 * i)) <= 2048);
    assert!(flood(&mut (1..4000).map(|i| i * 2 + 1).chain((1..4000).map(|i| i * 2))) <= 2048);
    assert!(flood(&mut (0..n)) < 40);
}

/// Small writes are gathered, large ones kept as they are.
#[test]
fn tiny_writes_stay_bounded() {
    let mut buffer = SendBuffer::new(seq(0));
    (0..20_000).for_each(|_| buffer.push(Payload::from_bytes(b".")));
    assert!(buffer.pieces() < 40, "{}", buffer.pieces());
}

#[test]
fn pattern_stays_one_piece() {
    let mut send = SendBuffer::new(seq(0));
    let mut receive = ReceiveBuffer::new(seq(0));
    for i in 0..1000 {
        send.push(data(1, i * 100, 100, false));
        receive.insert(seq(i * 100), &send.slice(seq(i * 100), 100), seq(i * 100 + 100));
    }
    assert_eq!((send.pieces(), receive.pieces_held()), (1, 1));
    assert_eq!(receive.read(u32::MAX), data(1, 0, 100_000, false));
}

/// An idle connection's buffers are small.
#[test]
fn idle_is_small() {
    assert!(size_of::<SendBuffer>() <= 64 && size_of::<ReceiveBuffer>() <= 72);
}
