//! Fitted models, as opaque files.

use datafolio_core::{ItemRecord, item_type};
use serde_json::Map;

use crate::data::{Data, Model};
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::outside_file::{OutsideFile, suffix};
use crate::payload_bytes::facts_of;

/// Formats, the suffix that a payload of each gets, and other suffixes by which a file of it is known.
const FORMATS: [(&str, &str, &[&str]); 5] = [
    ("joblib", ".joblib", &[]),
    ("skops", ".skops", &[]),
    ("onnx", ".onnx", &[]),
    ("pickle", ".pkl", &[".pickle"]),
    ("pt", ".pt", &[".pth"]),
];

/// Item type `model`: a file that holds a fitted model. It is copied and never unpickled, here or when it is read.
///
/// Python DataFolio 2.3 loads `joblib` and `skops`. A model of another format it lists, validates and keeps, and its
/// `get` says that it does not know the format. The handler also reads `pytorch_model` items of unreleased versions.
#[derive(Debug, Clone, Copy, Default)]
pub struct ModelFile;

impl Handler for ModelFile {
    fn item_type(&self) -> &str {
        item_type::MODEL
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Model(_))
    }

    fn write(&self, data: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let Data::Model(model) = data else {
            return Err(HandlerError::WrongKind { expected: "a model", found: data.kind().to_owned() });
        };
        let (format, extension) = format_of(&model, sink.name())?;
        let file = OutsideFile::open(&model.file)?;
        let mut writer = sink.payload(extension)?;
        file.copy_to(&mut writer)?;
        let payload = writer.finish()?;
        let mut fields = Map::new();
        if let Some(model_type) = &model.model_type {
            fields.insert("model_type".to_owned(), model_type.as_str().into());
        }
        fields.insert("serialization_format".to_owned(), format.into());
        Ok(Draft::new(fields).with_payload(payload))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        Ok(Data::Payload(item.open_payload()?))
    }

    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        item.open_payload().map(drop)
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let mut facts = facts_of(record, &[("type", "model_type")]);
        facts.push(("format", serialization_format(record).to_owned()));
        facts.extend(facts_of(record, &[("scikit-learn", "sklearn_version"), ("torch", "torch_version")]));
        facts
    }
}

/// The format of a stored model; entries of early releases do not have the field, and there the file name tells.
pub fn serialization_format(record: &ItemRecord) -> &str {
    match record.str("serialization_format") {
        Some(format) => format,
        None if record.item_type() == item_type::PYTORCH_MODEL => "pt",
        None if record.filename().is_some_and(|name| name.ends_with(".skops")) => "skops",
        None => "joblib",
    }
}

fn format_of(model: &Model, item: &str) -> HandlerResult<(&'static str, &'static str)> {
    let suffix = suffix(&model.file).to_ascii_lowercase();
    let found = FORMATS.iter().find(|(format, extension, others)| match &model.format {
        Some(given) => given == format,
        None => suffix == *extension || others.contains(&suffix.as_str()),
    });
    match found {
        Some((format, extension, _)) => Ok((format, extension)),
        None => {
            let known = FORMATS.map(|(format, ..)| format).join(", ");
            let reason = match &model.format {
                Some(given) => format!("model format {given:?} is not known: it is one of {known}"),
                None => {
                    format!("the format of a model cannot be told from {:?}: say which of {known} it is", model.file)
                }
            };
            Err(HandlerError::Invalid { item: item.to_owned(), reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_given_or_told_by_the_suffix() {
        let model = |file: &str, format: Option<&str>| Model {
            file: file.into(),
            format: format.map(str::to_owned),
            model_type: None,
        };
        for (file, format, expected) in [
            ("a.joblib", None, ("joblib", ".joblib")),
            ("a.SKOPS", None, ("skops", ".skops")),
            ("a.pickle", None, ("pickle", ".pkl")),
            ("a.pth", None, ("pt", ".pt")),
            ("a.bin", Some("onnx"), ("onnx", ".onnx")),
        ] {
            assert_eq!(format_of(&model(file, format), "m").unwrap(), expected);
        }
        assert_eq!(format_of(&model("a.bin", None), "m").unwrap_err().code(), "invalid-value");
        assert_eq!(format_of(&model("a.joblib", Some("exe")), "m").unwrap_err().code(), "invalid-value");
    }
}
