//! Each packet with its cause: what set it off (a packet by its number, a timer, a call), the rule that decided, and
//! where that rule stands; and what became of the packet.

use std::io::{self, Write};

use sim::trace::What;

use crate::view::paint::{self, BOLD, DIM, RED, YELLOW, paint};
use crate::view::story::{Journey, is_loss};
use crate::view::{Show, Story, words};

/// Writes the view.
pub fn write(story: &Story<'_>, show: Show, out: &mut dyn Write) -> io::Result<()> {
    for record in story.records {
        match &record.what {
            What::Sent { packet, .. } => {
                let journey = story.journey(packet.id).filter(|journey| {
                    std::ptr::eq(journey.packet, packet)
                        && show.host.is_none_or(|host| {
                            journey.origin == host || story.names.owner(packet.ip.dst) == Some(host)
                        })
                });
                if let Some(journey) = journey {
                    self::packet(story, journey, out)?;
                }
            }
            What::Fault { text } => {
                writeln!(
                    out,
                    "{}",
                    paint(YELLOW, format_args!("      {} {text}", words::clock(record.time)))
                )?;
            }
            What::State { node, from, to, why, .. } if show.host.is_none_or(|host| host == *node) => {
                let name = story.names.node(*node);
                writeln!(
                    out,
                    "      {} {} {}",
                    words::clock(record.time),
                    paint(paint::host(*node), name),
                    paint(BOLD, format_args!("{from} → {to}"))
                )?;
                writeln!(
                    out,
                    "{}",
                    paint(DIM, format_args!("          because {}", words::cause(story, *why)))
                )?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn packet(story: &Story<'_>, journey: &Journey<'_>, out: &mut dyn Write) -> io::Result<()> {
    let packet = journey.packet;
    let to = story.names.at(packet.ip.dst);
    writeln!(
        out,
        "{:>5} {} {} → {} {}",
        paint(BOLD, format!("#{}", journey.number)),
        words::clock(journey.sent),
        paint(paint::host(journey.origin), story.names.node(journey.origin)),
        paint(story.names.owner(packet.ip.dst).map_or(paint::PLAIN, paint::host), &to),
        paint(BOLD, words::brief(packet, journey.relative.as_ref())),
    )?;
    if let Some(why) = journey.why {
        writeln!(out, "{}", paint(DIM, format_args!("          because {}", words::cause(story, why))))?;
    }
    if story.is_forged(journey.origin, packet) {
        let claimed = story.names.at(packet.ip.src);
        writeln!(out, "{}", paint(YELLOW, format_args!("          forged: claims to be from {claimed}")))?;
    }
    for (time, pipe, fate) in &journey.fates {
        let (style, mark) = if is_loss(*fate) { (RED, "✗ ") } else { (YELLOW, "") };
        let link = story.names.link(*pipe);
        let text = format!("          {mark}{} {} on {link}", words::clock(*time), words::fate(*fate));
        writeln!(out, "{}", paint(style, text))?;
    }
    for arrival in &journey.arrivals {
        writeln!(out, "{}", paint(DIM, format_args!("          arrives {}", words::clock(*arrival))))?;
    }
    if let Some((time, node, why)) = journey.dropped {
        let text = format!(
            "          ✗ {} dropped by {}: {}",
            words::clock(time),
            story.names.node(node),
            words::drop_reason(why)
        );
        writeln!(out, "{}", paint(RED, text))?;
    }
    Ok(())
}
