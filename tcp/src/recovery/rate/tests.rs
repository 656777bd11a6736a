use super::*;

fn ms(n: u64) -> Time {
    Time::ZERO + Duration::from_millis(n)
}
fn d(n: u64) -> Duration {
    Duration::from_millis(n)
}
/// Sends `n` segments of 1000 octets at `at`, with numbers from `order` on.
fn send(s: &mut Sampler, at: Time, order: u32, n: u32, inflight: u64) {
    for i in 0..n {
        s.on_sent(at, order + i, 1000, inflight + u64::from(i) * 1000);
    }
}

/// BBR/4.1-SAMPLE: delivered over the longer of the send and the acknowledgment interval.
#[test]
fn the_longer_interval_counts() {
    let mut s = Sampler::default();
    send(&mut s, ms(1), 1, 10, 0);
    // All at once after 100 ms.
    s.begin();
    for order in 1..=10 {
        s.on_delivered(ms(101), ms(1), order, 1000);
    }
    let rate = s.finish(d(100));
    assert_eq!((rate.rate, rate.delivered, rate.interval), (100_000, 10_000, d(100)));
    assert_eq!(rate.prior_delivered, Some(0));
}

/// BBR/4.1-SAMPLE: acknowledgments held up and released in a bunch do not look like a faster path: the interval of
/// sending counts.
#[test]
fn compressed_acknowledgments_do_not_inflate_the_rate() {
    let mut s = Sampler::default();
    // A segment each 10 ms, so 100 kB/s; acknowledgments of the last ten all come at 300 ms.
    for i in 0..20 {
        send(&mut s, ms(1 + 10 * i), 1 + i as u32, 1, 1000 * i);
        if i >= 10 {
            s.begin();
            s.on_delivered(ms(1 + 10 * i), ms(1 + 10 * (i - 10)), i as u32 - 9, 1000);
            s.finish(d(100));
        }
    }
    let mut best = 0;
    for i in 10..20 {
        s.begin();
        s.on_delivered(ms(300), ms(1 + 10 * i), i as u32 + 1, 1000);
        best = best.max(s.finish(d(100)).rate);
    }
    assert!((90_000..=105_000).contains(&best), "{best}");
}

/// BBR/4.1-SAMPLE: an interval shorter than the smallest round-trip time is no sample.
#[test]
fn too_short_an_interval_is_no_sample() {
    let mut s = Sampler::default();
    send(&mut s, ms(1), 1, 2, 0);
    s.begin();
    s.on_delivered(ms(21), ms(1), 1, 1000);
    assert_eq!(s.finish(d(40)).rate, 0);
    s.begin();
    s.on_delivered(ms(51), ms(1), 2, 1000);
    assert!(s.finish(d(40)).rate > 0);
}

/// BBR/4.1-APPLIM: marked from when the sender ran dry until what was in flight then is delivered.
#[test]
fn application_limited_until_the_bubble_is_gone() {
    let mut s = Sampler::default();
    send(&mut s, ms(1), 1, 2, 0);
    s.mark_app_limited(2000);
    send(&mut s, ms(2), 3, 1, 2000);
    for (order, limited) in [(1, false), (2, false), (3, true)] {
        s.begin();
        s.on_delivered(ms(100 + u64::from(order)), ms(1), order, 1000);
        assert_eq!(s.finish(d(1)).app_limited, limited, "{order}");
    }
    assert!(!s.is_app_limited());
}

/// RS.lost and RS.tx_in_flight: what was lost between sending and acknowledgment.
#[test]
fn losses_of_the_interval() {
    let mut s = Sampler::default();
    send(&mut s, ms(1), 1, 4, 0);
    let lost = s.on_lost(1, 1000).unwrap();
    assert_eq!((lost.tx_in_flight, lost.lost, lost.app_limited), (1000, 0, false));
    assert_eq!(s.on_lost(2, 1000).map(|l| l.lost), Some(1000));
    send(&mut s, ms(50), 5, 1, 2000);
    s.begin();
    s.on_delivered(ms(60), ms(1), 4, 1000);
    let rate = s.finish(d(1));
    assert_eq!((rate.lost, rate.tx_in_flight), (2000, 4000));
    s.begin();
    s.on_delivered(ms(100), ms(50), 5, 1000);
    assert_eq!(s.finish(d(1)).lost, 0, "lost before it was sent");
}

/// What is delivered or sent again is forgotten: memory is bounded by what is in flight.
#[test]
fn memory_is_bounded() {
    let mut s = Sampler::default();
    for order in 1..=100_000u32 {
        s.on_sent(ms(u64::from(order)), order, 1000, 1000);
        if order > 5 {
            s.begin();
            s.on_delivered(ms(u64::from(order)), ms(u64::from(order) - 5), order - 5, 1000);
            s.finish(d(1));
        }
        assert!(s.outstanding() <= 6);
    }
    for order in 99_996..=100_000 {
        s.forget(order);
    }
    assert_eq!(s.outstanding(), 0);
    assert!(s.on_lost(7, 1000).is_none(), "long gone");
}

/// BBR/4.1-SAMPLE: each acknowledgment has a sample of its own. One that brings only what was sent before the segment that an
/// earlier one has SACKed is measured from what was delivered when its own was sent.
#[test]
fn an_older_segment_makes_a_sample_too() {
    let mut s = Sampler::default();
    send(&mut s, ms(1), 1, 1, 0);
    s.begin();
    s.on_delivered(ms(11), ms(1), 1, 1000);
    s.finish(d(1));
    send(&mut s, ms(20), 2, 1, 0);
    s.begin();
    s.on_delivered(ms(30), ms(20), 2, 1000);
    s.finish(d(1));
    // Sent before the last that was delivered, and delivered after it.
    send(&mut s, ms(40), 3, 1, 0);
    send(&mut s, ms(50), 4, 1, 1000);
    s.begin();
    s.on_delivered(ms(60), ms(50), 4, 1000);
    assert_eq!(s.finish(d(1)).prior_delivered, Some(2000));
    s.begin();
    s.on_delivered(ms(70), ms(40), 3, 1000);
    let rate = s.finish(d(1));
    assert_eq!((rate.prior_delivered, rate.delivered, rate.interval), (Some(2000), 2000, d(30)));
    // Nothing was delivered: there is no sample.
    s.begin();
    assert_eq!(s.finish(d(1)).prior_delivered, None);
}
