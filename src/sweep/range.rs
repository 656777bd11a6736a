//! Values in equal steps, or by a factor: `10ms..50ms by 10ms`, `1ms..64ms times 2`, `1..5`.

/// Most values that a range may have.
const MOST: usize = 10_000;

/// A decimal number: `digits` divided by ten to the power of `places`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u64,
    places: u32,
}

/// The values of a range, as they would be typed one by one.
///
/// # Errors
/// Why the text is none, in a line for people.
pub fn values(text: &str) -> Result<Vec<String>, String> {
    let form = || {
        format!("`{text}` is not a range, such as \"1..5\", \"10ms..50ms by 10ms\" or \"1ms..64ms times 2\"")
    };
    let (first, rest) = text.split_once("..").ok_or_else(form)?;
    let (last, step) = match (rest.split_once(" by "), rest.split_once(" times ")) {
        (Some((last, step)), None) => (last, Some((step, false))),
        (None, Some((last, factor))) => (last, Some((factor, true))),
        _ => (rest, None),
    };
    let ((first, unit), (last, unit_of_last)) =
        (number(first).ok_or_else(form)?, number(last).ok_or_else(form)?);
    if unit != unit_of_last {
        return Err(format!(
            "`{text}` begins in `{unit}` and ends in `{unit_of_last}`: both need the same unit"
        ));
    }
    match step {
        None if unit.is_empty() => steps(text, first, last, Decimal { digits: 1, places: 0 }, unit),
        None => {
            Err(format!("`{text}` does not say how far its values lie apart: add `by 1{unit}` or `times 2`"))
        }
        Some((factor, true)) => {
            let factor = factor.trim().parse::<u64>().ok().filter(|factor| *factor > 1);
            let factor = factor.ok_or_else(|| format!("`{text}` needs a whole factor of two at least"))?;
            factors(text, first, last, factor, unit)
        }
        Some((step, false)) => {
            let (step, unit_of_step) = number(step).ok_or_else(form)?;
            if unit_of_step != unit {
                return Err(format!("`{text}` goes by `{unit_of_step}`, and its ends have `{unit}`"));
            }
            steps(text, first, last, step, unit)
        }
    }
}

fn steps(
    text: &str,
    first: Decimal,
    last: Decimal,
    step: Decimal,
    unit: &str,
) -> Result<Vec<String>, String> {
    let places = first.places.max(last.places).max(step.places);
    let common = |n: Decimal| u128::from(n.digits) * 10u128.pow(places - n.places);
    let (first, last, step) = (common(first), common(last), common(step));
    if step == 0 {
        return Err(format!("`{text}` does not move: its step is nothing"));
    }
    list(text, std::iter::successors(Some(first), |n| Some(n + step)), last, places, unit)
}

fn factors(
    text: &str,
    first: Decimal,
    last: Decimal,
    factor: u64,
    unit: &str,
) -> Result<Vec<String>, String> {
    let places = first.places.max(last.places);
    let common = |n: Decimal| u128::from(n.digits) * 10u128.pow(places - n.places);
    let (first, last) = (common(first), common(last));
    if first == 0 {
        return Err(format!("`{text}` does not move: it begins at nothing"));
    }
    list(text, std::iter::successors(Some(first), |n| n.checked_mul(u128::from(factor))), last, places, unit)
}

fn list(
    text: &str,
    values: impl Iterator<Item = u128>,
    last: u128,
    places: u32,
    unit: &str,
) -> Result<Vec<String>, String> {
    let values: Vec<u128> = values.take_while(|n| *n <= last).take(MOST + 1).collect();
    match values.len() {
        0 => Err(format!("the range `{text}` is empty: it begins behind its end")),
        n if n > MOST => Err(format!("the range `{text}` has more than {MOST} values")),
        _ => Ok(values.into_iter().map(|n| format!("{}{unit}", show(n, places))).collect()),
    }
}

/// A number and its unit.
fn number(text: &str) -> Option<(Decimal, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= 9)?;
    let wordy = unit.chars().all(|c| c.is_ascii_alphabetic() || c == '%');
    let digits = format!("{whole}{fraction}").parse().ok()?;
    wordy.then_some((Decimal { digits, places }, unit))
}

/// A decimal number without needless zeros.
fn show(digits: u128, places: u32) -> String {
    let one = 10u128.pow(places);
    let fraction = format!("{:0width$}", digits % one, width = places as usize);
    let fraction = if places == 0 { "" } else { fraction.trim_end_matches('0') };
    if fraction.is_empty() { (digits / one).to_string() } else { format!("{}.{fraction}", digits / one) }
}
