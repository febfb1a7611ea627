//! A question in words: what the command's options, a JSON document and the builder have in common.
//!
//! ```json
//! {"op": "mean,max", "over": ["lat", "lon"], "select": "time=2001..2010", "by": "time.month", "weights": "coslat"}
//! ```

use rangefold_active::Interpretation;
use rangefold_active::weights::{Weights, WeightsError};
use rangefold_reduce::Reduction;
use serde::{Deserialize, Serialize};

use crate::anomaly::Anomaly;
use crate::group::GroupBy;
use crate::group_error::GroupError;
use crate::operations::{self, OperationError};
use crate::query::{Query, Written};
use crate::rolling::{Rolling, RollingError};
use crate::select::{self, SelectError};
use crate::weight_source::WeightSource;

/// What is asked of a variable, as people write it. Each word is that of the command's option of the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    /// Operations: `mean`, `count_where(> 273.15)`, `quantile(0.9)`. As JSON a text with commas or a list.
    #[serde(deserialize_with = "one_or_many")]
    pub op: Vec<String>,
    /// Dimensions to reduce; all of them if not given.
    #[serde(deserialize_with = "maybe_many", skip_serializing_if = "Option::is_none")]
    pub over: Option<Vec<String>>,
    /// What to take along each dimension: `time=2001..2010,lat=-30.0..30.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
    /// Whether a single coordinate value takes the nearest cell however far away.
    #[serde(skip_serializing_if = "is_false")]
    pub nearest: bool,
    /// Means of groups that are taken from the values first: `time.month`, `time.month:1981..2010`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<String>,
    /// Groups: `time.month`, `time.6h`, `basin`; one of them, `time.season=DJF`; complete ones, `time.month:min=28`.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Moving windows: `time=30:center`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolling: Option<String>,
    /// Weights, several are multiplied: `coslat`, `areacella`.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<String>,
    /// A variable and a condition on it: `sftlf > 50`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// A condition that values must meet: `> 273.15`.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Whether stored elements are taken as they are, neither unpacked nor masked.
    #[serde(skip_serializing_if = "is_false")]
    pub raw: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// One text, or a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Texts::deserialize(deserializer)? {
        Texts::One(text) => vec![text],
        Texts::Many(texts) => texts,
    })
}

fn maybe_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Option::<Texts>::deserialize(deserializer)? {
        None => None,
        Some(Texts::One(text)) => Some(text.split(',').map(|name| name.trim().to_owned()).collect()),
        Some(Texts::Many(texts)) => Some(texts),
    })
}

/// Words that say nothing, whatever the data are.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// A document that is no question.
    #[error("the question cannot be read")]
    Json(#[from] serde_json::Error),
    /// An operation, condition or mask.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// A selection.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Groups.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Windows.
    #[error(transparent)]
    Rolling(#[from] RollingError),
    /// Weights with a reduction that they do not define.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Windows of a reduction that is not made of windows that overlap.
    #[error("windows {rolling} cannot be made: {reduction} is not made of windows that overlap")]
    Gathered {
        /// The windows.
        rolling: String,
        /// Name of the reduction.
        reduction: &'static str,
    },
    /// Windows along a dimension that is grouped.
    #[error("windows {rolling} cannot be made: dimension {dimension:?} is grouped by --by")]
    Grouped {
        /// The windows.
        rolling: String,
        /// The dimension.
        dimension: String,
    },
}

impl Words {
    /// Reads a question written as JSON; members that are not known are refused.
    ///
    /// # Errors
    ///
    /// [`WordsError::Json`].
    pub fn from_json(text: &str) -> Result<Self, WordsError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The question these words ask.
    ///
    /// # Errors
    ///
    /// [`WordsError`] for the first word that cannot be read, and for words that contradict each other.
    pub fn query(&self) -> Result<Query, WordsError> {
        let Self { op, over, select, nearest, anomaly, by, rolling, weights, mask, condition, raw } = self;
        let mut reductions = Vec::new();
        for text in op {
            reductions.extend(operations::parse(text)?);
        }
        let mut sources: Vec<WeightSource> = weights.iter().map(|text| operations::weights(text)).collect();
        sources.extend(mask.as_deref().map(operations::mask).transpose()?);
        let groups: Vec<GroupBy> = by.iter().map(|text| GroupBy::parse(text)).collect::<Result<_, _>>()?;
        let windows = rolling.as_deref().map(Rolling::parse).transpose()?;
        if sources.iter().any(|source| !matches!(source, WeightSource::Mask { .. })) {
            Weights::needed(&reductions)?;
        }
        if let Some(rolling) = &windows {
            check_windows(rolling, &reductions, &groups)?;
        }
        Ok(Query {
            reductions,
            over: over.clone(),
            select: select.as_deref().map_or(Ok(Vec::new()), select::parse)?,
            nearest: *nearest,
            anomaly: anomaly.as_deref().map(Anomaly::parse).transpose()?,
            by: groups,
            rolling: windows,
            weights: sources,
            interpretation: if *raw { Interpretation::Raw } else { Interpretation::Unpacked },
            condition: condition.as_deref().map(operations::condition).transpose()?,
            memory: None,
            is_selection: false,
            written: Written {
                select: select.clone(),
                anomaly: anomaly.clone(),
                by: by.clone(),
                weights: weights.clone(),
                mask: mask.clone(),
                condition: condition.clone(),
            },
        })
    }

    /// The question for the selected values themselves: of these words `select`, `nearest`, `anomaly` and `raw` count.
    ///
    /// # Errors
    ///
    /// As [`Words::query`].
    pub fn selection(&self) -> Result<Query, WordsError> {
        let Self { select, nearest, anomaly, raw, .. } = self.clone();
        // A value is the first of itself: reducing nothing masks and unpacks each element by the rules of a reduction.
        let words = Self { select, nearest, anomaly, raw, over: Some(Vec::new()), ..Self::default() };
        Ok(Query { reductions: vec![Reduction::First], is_selection: true, ..words.query()? })
    }
}

/// Refuses windows that no reduction could be made in.
fn check_windows(rolling: &Rolling, reductions: &[Reduction], groups: &[GroupBy]) -> Result<(), WordsError> {
    if let Some(reduction) = reductions.iter().find(|reduction| reduction.is_gathered()) {
        return Err(WordsError::Gathered { rolling: rolling.to_string(), reduction: reduction.name() });
    }
    let is_grouped = groups.iter().any(|by| by.dimension() == Some(&rolling.dimension));
    match is_grouped {
        true => {
            let dimension = rolling.dimension.clone();
            Err(WordsError::Grouped { rolling: rolling.to_string(), dimension })
        }
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_asks_what_the_options_ask() {
        let text = r#"{"op": ["mean", "count_where(> 273.15)"], "over": "lat, lon", "by": "time.month",
            "where": "< 300", "select": "time=0:12"}"#;
        let words = Words::from_json(text).unwrap();
        assert_eq!(words.over.as_deref(), Some(["lat".to_owned(), "lon".to_owned()].as_slice()));
        let query = words.query().unwrap();
        assert_eq!(query.reductions.len(), 2);
        assert_eq!(query.written.condition.as_deref(), Some("< 300"));
        assert_eq!(Words::from_json(&serde_json::to_string(&words).unwrap()).unwrap(), words);
    }

    #[test]
    fn unknown_members_and_contradictions_are_refused() {
        assert!(Words::from_json(r#"{"op": "mean", "wher": "> 1"}"#).is_err());
        let refused = |text| Words::from_json(text).unwrap().query().unwrap_err().to_string();
        assert_eq!(
            refused(r#"{"op": "median", "rolling": "time=3"}"#),
            "windows time=3 cannot be made: median is not made of windows that overlap"
        );
        assert_eq!(
            refused(r#"{"op": "mean", "rolling": "time=3", "by": "time.month"}"#),
            "windows time=3 cannot be made: dimension \"time\" is grouped by --by"
        );
    }
}
