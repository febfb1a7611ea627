//! What an answer says of itself, in words: in attributes, headings and titles.
//!
//! ```text
//! expression      count_where(> 273.15)
//! description     air temperature: count_where(> 273.15) over time, by time.month, weighted by coslat
//! cell_methods    time: mean within years time: mean over years (by time.month)
//! ```

use crate::field::{Field, Operation};

/// The operation by the words of CF, with what CF has no words for as a comment; `None` where nothing was reduced or CF
/// does not name the operation.
#[must_use]
pub fn cell_methods(field: &Field) -> Option<String> {
    let operation = field.operation.as_ref()?;
    let method = operation.reduction.cell_method()?;
    let joins_parts = operation.reduction.joins_parts();
    let cycle = operation.by.iter().filter(|_| joins_parts).find_map(|by| cycle(by));
    let rolled = operation.rolling.as_deref().and_then(|rolling| rolling.split_once('='));
    let cycled = cycle.map(|(dimension, _)| dimension);
    let together = operation.over.iter().chain(&operation.gathered).map(String::as_str);
    let together = together.filter(|dimension| Some(*dimension) != cycled).chain(rolled.map(|(dim, _)| dim));
    let mut dims: Vec<&str> = Vec::new();
    for dim in together {
        if !dims.contains(&dim) {
            dims.push(dim);
        }
    }
    // The cosine of the latitude makes a mean over the globe one by area.
    let by_area = operation.weights.iter().any(|weight| weight == "coslat");
    let is = |dim: &str, name: &str| dim.to_ascii_lowercase().starts_with(name);
    let horizontal = |dim: &&str| is(dim, "lat") || is(dim, "lon");
    if by_area && dims.iter().any(|dim| is(dim, "lat")) && dims.iter().any(|dim| is(dim, "lon")) {
        dims.retain(|dim| !horizontal(dim));
        dims.push("area");
    }
    let mut methods = Vec::new();
    if !dims.is_empty() {
        let over: String = dims.iter().map(|dim| format!("{dim}: ")).collect();
        methods.push(format!("{over}{method}"));
    }
    if let Some((dimension, period)) = cycle {
        methods.push(format!("{dimension}: {method} within {period} {dimension}: {method} over {period}"));
    }
    if methods.is_empty() {
        return None;
    }
    let notes = notes(field).join(", ");
    let comment = if notes.is_empty() { notes } else { format!(" ({notes})") };
    Some(methods.join(" ") + &comment)
}

/// The dimension that groups such as `time.month` are parts of, and the cycle that they are within.
fn cycle(by: &str) -> Option<(&str, &'static str)> {
    // Which group it is, and how complete it must be, stand behind the part: `time.season=DJF`, `time.month:min=28`.
    let groups = by.split(['=', ':']).next()?.trim_end();
    let (dimension, part) = groups.rsplit_once('.')?;
    let period = match part {
        "month" | "season" | "dayofyear" => "years",
        "day" => "months",
        "hour" => "days",
        _ => return None,
    };
    Some((dimension, period))
}

/// What an answer is of, beyond the operation: groups, windows, weights, masks, conditions and the selection.
#[must_use]
pub fn notes(field: &Field) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(field.anomaly.iter().map(|groups| format!("anomalies from {groups}")));
    if let Some(operation) = &field.operation {
        let Operation { reduction: _, over: _, gathered: _, by, rolling, weights, mask, condition } =
            operation;
        if !by.is_empty() {
            notes.push(format!("by {}", by.join(" and ")));
        }
        notes.extend(rolling.iter().map(|rolling| format!("windows {rolling}")));
        if !weights.is_empty() {
            notes.push(format!("weighted by {}", weights.join(" and ")));
        }
        notes.extend(mask.iter().map(|mask| format!("where {mask}")));
        notes.extend(condition.iter().map(|condition| format!("of values {condition}")));
    }
    notes.extend(field.selection.iter().map(|selection| format!("at {selection}")));
    if field.raw {
        notes.push("as stored".to_owned());
    }
    notes
}

/// The variable in words and what was done to it: `air temperature: mean over time`.
#[must_use]
pub fn headline(field: &Field) -> String {
    let name = field.long_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(field.leaf());
    match &field.operation {
        Some(operation) => {
            let over = operation.over.join(", ");
            let over = if over.is_empty() { over } else { format!(" over {over}") };
            // The edges of a histogram are those of its bins.
            let what = if field.is_histogram() { operation.name() } else { operation.expression() };
            format!("{name}: {what}{over}")
        }
        None => name.to_owned(),
    }
}

/// The headline with all that the answer is of.
#[must_use]
pub fn description(field: &Field) -> String {
    std::iter::once(headline(field)).chain(notes(field)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use rangefold_reduce::Reduction;

    use super::*;
    use crate::samples;

    fn mean(change: impl FnOnce(&mut Operation)) -> Field {
        let mut field = samples::scalar();
        change(field.operation.as_mut().unwrap());
        field
    }

    #[test]
    fn methods_are_those_of_cf() {
        let methods = |field: &Field| cell_methods(field).unwrap();
        assert_eq!(methods(&mean(|_| ())), "time: lat: mean");
        let area = mean(|o| (o.over, o.weights) = (vec!["lat".into(), "lon".into()], vec!["coslat".into()]));
        assert_eq!(methods(&area), "area: mean (weighted by coslat)");
        let months = mean(|o| {
            (o.over, o.gathered, o.by) = (vec!["lat".into()], vec!["time".into()], vec!["time.month".into()]);
        });
        assert_eq!(
            methods(&months),
            "lat: mean time: mean within years time: mean over years (by time.month)"
        );
        let winters = mean(|o| {
            (o.over, o.gathered, o.by) = (vec![], vec!["time".into()], vec!["time.season=DJF:min=80".into()]);
        });
        assert_eq!(
            methods(&winters),
            "time: mean within years time: mean over years (by time.season=DJF:min=80)"
        );
        let seasons =
            mean(|o| (o.over, o.gathered, o.by) = (vec![], vec!["time".into()], vec!["time.QS-DEC".into()]));
        assert_eq!(methods(&seasons), "time: mean (by time.QS-DEC)");
        let running = mean(|o| (o.over, o.rolling) = (vec![], Some("time=30".into())));
        assert_eq!(methods(&running), "time: mean (windows time=30)");
        let hot = mean(|o| (o.mask, o.condition) = (Some("sftlf > 50".into()), Some("> 273.15".into())));
        assert_eq!(methods(&hot), "time: lat: mean (where sftlf > 50, of values > 273.15)");
        assert_eq!(cell_methods(&mean(|o| o.reduction = Reduction::ArgMax)), None);
        assert_eq!(cell_methods(&mean(|o| o.over.clear())), None);
    }

    #[test]
    fn a_description_has_everything() {
        let mut field = mean(|o| o.reduction = samples::operation("count_where(> 5.5)", &[]).reduction);
        field.selection = Some("time=2001-01..2001-03".into());
        assert_eq!(
            description(&field),
            "air temperature: count_where(> 5.5) over time, lat, at time=2001-01..2001-03"
        );
    }
}
