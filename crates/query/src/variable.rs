//! Questions about a variable, built step by step in the words of the command.

use rangefold_refs::ManifestArray;

use crate::answer::Answer;
use crate::answer_error::AnswerError;
use crate::dataset::{Dataset, NoVariable, Planned};
use crate::explanation::Explanation;
use crate::query::Query;
use crate::words::{Words, WordsError};

/// One variable of a [`Dataset`].
#[derive(Clone, Debug)]
pub struct Variable {
    dataset: Dataset,
    path: String,
    array: ManifestArray,
}

impl Dataset {
    /// The variable at `path`, groups before it: `tas`, `ocean/thetao`.
    ///
    /// # Errors
    ///
    /// [`NoVariable`], with names that come near.
    pub fn variable(&self, path: &str) -> Result<Variable, NoVariable> {
        let array = self.array(path)?.clone();
        Ok(Variable { dataset: self.clone(), path: path.trim_matches('/').to_owned(), array })
    }
}

impl Variable {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Names of its dimensions, slowest first.
    #[must_use]
    pub fn dimensions(&self) -> &[String] {
        &self.array.meta.dimension_names
    }

    /// Lengths of its dimensions.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.array.meta.shape()
    }

    /// Type, chunks, codecs, attributes and references.
    #[must_use]
    pub fn array(&self) -> &ManifestArray {
        &self.array
    }

    /// Asks for reductions, separated by commas: `mean`, `min,max`, `quantile(0.9)`, `count_where(> 273.15)`. Over all
    /// dimensions, unless [`Question::over`] says otherwise.
    #[must_use]
    pub fn reduce(&self, operations: &str) -> Question {
        self.question(Words { op: vec![operations.to_owned()], ..Words::default() }, false)
    }

    /// Asks for the mean.
    #[must_use]
    pub fn mean(&self) -> Question {
        self.reduce("mean")
    }

    /// Asks for the smallest value.
    #[must_use]
    pub fn min(&self) -> Question {
        self.reduce("min")
    }

    /// Asks for the largest value.
    #[must_use]
    pub fn max(&self) -> Question {
        self.reduce("max")
    }

    /// Asks for the sum.
    #[must_use]
    pub fn sum(&self) -> Question {
        self.reduce("sum")
    }

    /// Asks for the number of values that are not missing.
    #[must_use]
    pub fn count(&self) -> Question {
        self.reduce("count")
    }

    /// Asks for the values themselves; [`Question::select`] says which.
    #[must_use]
    pub fn get(&self) -> Question {
        self.question(Words::default(), true)
    }

    /// Asks what `words` ask.
    #[must_use]
    pub fn ask(&self, words: Words) -> Question {
        self.question(words, false)
    }

    fn question(&self, words: Words, is_selection: bool) -> Question {
        Question { dataset: self.dataset.clone(), path: self.path.clone(), words, is_selection }
    }
}

/// A question about a variable. Nothing is read before [`Question::run`] or [`Question::explain`].
#[derive(Clone, Debug)]
pub struct Question {
    dataset: Dataset,
    path: String,
    words: Words,
    is_selection: bool,
}

impl Question {
    /// Reduces these dimensions and keeps the others.
    #[must_use]
    pub fn over<S: Into<String>>(mut self, dimensions: impl IntoIterator<Item = S>) -> Self {
        self.words.over = Some(dimensions.into_iter().map(Into::into).collect());
        self
    }

    /// Takes part of the variable: `time=2001-06..2001-08,lat=-30.0..30.0,lev=0`. What was selected before is narrowed:
    /// both are joined by a comma.
    #[must_use]
    pub fn select(mut self, selection: &str) -> Self {
        self.words.select = Some(match self.words.select.take() {
            Some(before) => format!("{before},{selection}"),
            None => selection.to_owned(),
        });
        self
    }

    /// A single coordinate value takes the nearest cell however far away.
    #[must_use]
    pub fn nearest(mut self) -> Self {
        self.words.nearest = true;
        self
    }

    /// Takes the mean of its group from each value first: `time.month`, `time.month:1981..2010`.
    #[must_use]
    pub fn anomaly(mut self, groups: &str) -> Self {
        self.words.anomaly = Some(groups.to_owned());
        self
    }

    /// Gathers positions in groups: `time.month`, `time.6h`, `basin`; one group alone, `time.season=DJF`; complete ones,
    /// `time.month:min=28`. Each adds a dimension.
    #[must_use]
    pub fn by(mut self, groups: &str) -> Self {
        self.words.by.push(groups.to_owned());
        self
    }

    /// Reduces in moving windows: `time=30`, `time=30:center`.
    #[must_use]
    pub fn rolling(mut self, windows: &str) -> Self {
        self.words.rolling = Some(windows.to_owned());
        self
    }

    /// Weighs values: `coslat`, or the path of a variable. Several are multiplied.
    #[must_use]
    pub fn weights(mut self, weights: &str) -> Self {
        self.words.weights.push(weights.to_owned());
        self
    }

    /// Takes the positions where another variable meets a condition: `sftlf > 50`.
    #[must_use]
    pub fn mask(mut self, mask: &str) -> Self {
        self.words.mask = Some(mask.to_owned());
        self
    }

    /// Takes the values that meet a condition: `> 273.15`.
    #[must_use]
    pub fn filter(mut self, condition: &str) -> Self {
        self.words.condition = Some(condition.to_owned());
        self
    }

    /// Takes stored elements as they are, neither unpacked nor masked.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.words.raw = true;
        self
    }

    /// The dataset that is asked.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Path of the variable.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the values themselves are asked for, and no reduction of them.
    #[must_use]
    pub fn is_selection(&self) -> bool {
        self.is_selection
    }

    /// The question in words.
    #[must_use]
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The question as a value.
    ///
    /// # Errors
    ///
    /// [`WordsError`] for the first word that cannot be read.
    pub fn query(&self) -> Result<Query, WordsError> {
        if self.is_selection { self.words.selection() } else { self.words.query() }
    }

    /// Plans the question.
    ///
    /// # Errors
    ///
    /// As [`Dataset::plan`], and [`AnswerError::Words`].
    pub async fn plan(&self) -> Result<Planned, AnswerError> {
        self.dataset.plan(&self.path, &self.query()?).await
    }

    /// What will be read, decoded and held; nothing of the variable itself is read to know it.
    ///
    /// # Errors
    ///
    /// As [`Question::plan`].
    pub async fn explain(&self) -> Result<Explanation, AnswerError> {
        Ok(self.plan().await?.explain())
    }

    /// Fetches, decodes and reduces.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if there is no answer.
    pub async fn run(&self) -> Result<Answer, AnswerError> {
        self.dataset.ask(&self.path, &self.query()?, &|_, _| {}).await
    }
}
