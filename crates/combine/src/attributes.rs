//! Merging the attributes of one node over many inputs.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rangefold_refs::{AttributeValue, Attributes, by_part};

use crate::AttributeRule;

/// Attributes that change what a variable's stored numbers mean. They are compared and never dropped.
pub(crate) const MEANING: [&str; 15] = [
    "units",
    "calendar",
    "scale_factor",
    "add_offset",
    "_FillValue",
    "_NoFill",
    "missing_value",
    "_Unsigned",
    "valid_min",
    "valid_max",
    "valid_range",
    "flag_values",
    "flag_meanings",
    "flag_masks",
    by_part::TABLE,
];

/// An attribute value in one line.
pub(crate) fn printed(value: &AttributeValue) -> String {
    let list = |items: &[AttributeValue]| items.iter().map(printed).collect::<Vec<_>>().join(", ");
    match value {
        AttributeValue::Null => "null".to_owned(),
        AttributeValue::Bool(value) => value.to_string(),
        AttributeValue::Integer(value) => value.to_string(),
        AttributeValue::Float(value) => value.to_string(),
        AttributeValue::Float32(value) => format!("{value} (float32)"),
        AttributeValue::Text(text) => format!("{text:?}"),
        AttributeValue::List(items) => format!("[{}]", list(items)),
        AttributeValue::Map(members) => {
            let members: Vec<String> = members.iter().map(|(k, v)| format!("{k}: {}", printed(v))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// Merges attributes by the rules, sorted by name, so that neither order nor grouping of the inputs makes a
/// difference. Names of attributes left out are given to `dropped`.
pub(crate) fn merge(
    inputs: &[&Attributes],
    rules: &BTreeMap<String, AttributeRule>,
    mut dropped: impl FnMut(&str),
) -> Attributes {
    let Some((first, others)) = inputs.split_first() else { return Attributes::new() };
    let alike = others.iter().all(|other| other == first);
    let names: BTreeSet<&str> = if alike {
        first.iter().map(|(name, _)| name).collect()
    } else {
        inputs.iter().flat_map(|attributes| attributes.iter()).map(|(name, _)| name).collect()
    };
    let mut merged = Attributes::new();
    for name in names {
        let rule = if MEANING.contains(&name) { None } else { rules.get(name).copied() };
        let rule = rule.unwrap_or(AttributeRule::KeepIfEqual);
        let kept = if alike && rule != AttributeRule::Drop {
            first.get(name)
        } else {
            let values: Vec<&AttributeValue> = inputs.iter().filter_map(|a| a.get(name)).collect();
            match rule {
                AttributeRule::Drop => None,
                AttributeRule::KeepIfEqual if values.len() == inputs.len() => equal(&values),
                AttributeRule::KeepIfEqual => None,
                AttributeRule::Min => extreme(&values, Ordering::Less),
                AttributeRule::Max => extreme(&values, Ordering::Greater),
            }
        };
        match kept {
            Some(value) => merged.insert(name, value.clone()),
            None => dropped(name),
        }
    }
    merged
}

/// The value, if all are the same. `1` and `1.0` are; the float is taken, whatever stands first.
fn equal<'a>(values: &[&'a AttributeValue]) -> Option<&'a AttributeValue> {
    let (first, others) = values.split_first()?;
    let text = printed(first);
    let same = others.iter().all(|other| other == first || printed(other) == text);
    let float = values.iter().find(|value| matches!(value, AttributeValue::Float(_)));
    same.then(|| *float.unwrap_or(first))
}

/// The smallest or largest of comparable values; `None` if they are not all numbers or all texts.
fn extreme<'a>(values: &[&'a AttributeValue], wanted: Ordering) -> Option<&'a AttributeValue> {
    let mut values = values.iter().copied();
    let mut best = values.next()?;
    for value in values {
        let ordering = match (value, best) {
            (AttributeValue::Text(a), AttributeValue::Text(b)) => a.cmp(b),
            (a, b) => a.as_f64()?.partial_cmp(&b.as_f64()?)?,
        };
        if ordering == wanted {
            best = value;
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(text: &str) -> Attributes {
        rangefold_refs::zarr_v2::parse_attributes("", text).unwrap()
    }

    fn merged(inputs: &[&str], rules: &[(&str, AttributeRule)]) -> (String, Vec<String>) {
        let inputs: Vec<Attributes> = inputs.iter().map(|text| attributes(text)).collect();
        let rules = rules.iter().map(|(name, rule)| ((*name).to_owned(), *rule)).collect();
        let mut dropped = Vec::new();
        let all: Vec<&Attributes> = inputs.iter().collect();
        let merged = merge(&all, &rules, |name| dropped.push(name.to_owned()));
        (rangefold_refs::zarr_v2::group_zattrs(&merged), dropped)
    }

    #[test]
    fn what_is_equal_everywhere_is_kept_in_order_of_name() {
        let (kept, dropped) =
            merged(&[r#"{"b":1,"a":NaN,"c":"x"}"#, r#"{"a":NaN,"b":1.0,"c":"y","d":0}"#], &[]);
        assert_eq!(kept, r#"{"a":NaN,"b":1.0}"#);
        assert_eq!(dropped, ["c", "d"]);
    }

    #[test]
    fn rules_choose_but_never_drop_what_gives_numbers_their_meaning() {
        let rules =
            [("start", AttributeRule::Min), ("end", AttributeRule::Max), ("units", AttributeRule::Drop)];
        let (kept, dropped) = merged(
            &[r#"{"start":"2002","end":"2003","units":"K"}"#, r#"{"start":"2001","end":"2002","units":"K"}"#],
            &rules,
        );
        assert_eq!(kept, r#"{"end":"2003","start":"2001","units":"K"}"#);
        assert!(dropped.is_empty());
    }
}
