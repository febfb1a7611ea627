//! The codec under which a chunk's filters stand in the metadata.
//!
//! ```json
//! {"name":"rangefold.filters","configuration":{"codecs":[
//!   {"name":"numcodecs.shuffle","configuration":{"elementsize":4}},
//!   {"name":"numcodecs.zlib","configuration":{"level":4}}]}}
//! ```
//!
//! Compatible implementations: none; the metadata never leaves the process.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, Once, PoisonError};

use rangefold_array::CodecSpec;
use rangefold_codec::{Decoder, encode};
use rangefold_refs::zarr_v3;
use serde_json::{Value, json};
use zarrs::array::ArrayBytesRaw;
use zarrs::array::codec::api::{
    BytesRepresentation, BytesToBytesCodecTraits, Codec, CodecError, CodecMetadataOptions, CodecOptions,
    CodecRuntimePluginV3, CodecTraits, PartialDecoderCapability, PartialEncoderCapability,
    RecommendedConcurrency, register_codec_v3,
};
use zarrs::metadata::Configuration;
use zarrs::metadata::v3::MetadataV3;
use zarrs::plugin::{ExtensionName, PluginCreateError, ZarrVersion};

/// The name under which a chunk's filters stand in the metadata that a store serves.
pub const CODEC_NAME: &str = "rangefold.filters";

/// Longest frame of strings one chunk may decode to; how long it is stands nowhere in the metadata.
const STRINGS_LEN_MAX: usize = 1 << 30;

/// Tells zarrs of the codec. Its registry belongs to the process, so this is done once.
pub(crate) fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        register_codec_v3(CodecRuntimePluginV3::new(
            |name| name == CODEC_NAME,
            |metadata| Ok(Codec::BytesToBytes(Arc::new(Filters::new(metadata)?))),
        ));
    });
}

/// A chunk's filters.
struct Filters {
    codecs: Vec<CodecSpec>,
    configuration: Configuration,
    /// Decoders that no thread is using.
    idle: Mutex<Vec<Decoder>>,
}

impl Filters {
    fn new(metadata: &MetadataV3) -> Result<Self, PluginCreateError> {
        let configuration = metadata.configuration().cloned().unwrap_or_default();
        let refused =
            |error: &dyn fmt::Display| PluginCreateError::Other(format!("codec {CODEC_NAME}: {error}"));
        let stages =
            configuration.get("codecs").and_then(Value::as_array).ok_or_else(|| refused(&"no codecs"))?;
        // The stages are read as those of an array of bytes.
        let mut chain = vec![json!({ "name": "bytes" })];
        chain.extend(stages.iter().cloned());
        let array = json!({
            "zarr_format": 3, "node_type": "array", "shape": [1], "data_type": "uint8", "fill_value": 0,
            "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": [1] } },
            "chunk_key_encoding": { "name": "default" }, "codecs": chain,
        });
        let array = zarr_v3::parse_array("", &array.to_string()).map_err(|error| refused(&error))?;
        Ok(Self { codecs: array.meta.codecs, configuration, idle: Mutex::default() })
    }

    fn with_decoder<T>(&self, decode: impl FnOnce(&mut Decoder) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decoder = idle.unwrap_or_default();
        let result = decode(&mut decoder);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(decoder);
        result
    }
}

impl fmt::Debug for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.codecs).finish()
    }
}

impl ExtensionName for Filters {
    fn name(&self, version: ZarrVersion) -> Option<Cow<'static, str>> {
        matches!(version, ZarrVersion::V3).then_some(Cow::Borrowed(CODEC_NAME))
    }
}

impl CodecTraits for Filters {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn configuration(&self, _: ZarrVersion, _: &CodecMetadataOptions) -> Option<Configuration> {
        Some(self.configuration.clone())
    }

    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        PartialDecoderCapability { partial_read: false, partial_decode: false }
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        PartialEncoderCapability { partial_encode: false }
    }
}

#[async_trait::async_trait]
impl BytesToBytesCodecTraits for Filters {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn BytesToBytesCodecTraits> {
        self
    }

    fn recommended_concurrency(&self, _: &BytesRepresentation) -> Result<RecommendedConcurrency, CodecError> {
        Ok(RecommendedConcurrency::new_maximum(1))
    }

    fn encoded_representation(&self, _: &BytesRepresentation) -> BytesRepresentation {
        BytesRepresentation::UnboundedSize
    }

    fn encode<'a>(
        &self,
        decoded: ArrayBytesRaw<'a>,
        _: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        encode(&self.codecs, &decoded).map(Cow::Owned).map_err(|error| CodecError::Other(error.to_string()))
    }

    fn decode<'a>(
        &self,
        encoded: ArrayBytesRaw<'a>,
        decoded: &BytesRepresentation,
        _: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        let failed = |error| CodecError::Other(rangefold_array::chain(&error));
        if let BytesRepresentation::FixedSize(length) = decoded {
            let length = usize::try_from(*length).map_err(|error| CodecError::Other(error.to_string()))?;
            let mut out = Vec::new();
            self.with_decoder(|decoder| decoder.decode_into(&self.codecs, &encoded, length, &mut out))
                .map_err(failed)?;
            return Ok(Cow::Owned(out));
        }
        // The frame of strings is cut up by zarrs' own codec; it is the stage below these.
        let codecs: Vec<CodecSpec> =
            std::iter::once(CodecSpec::VlenBytes).chain(self.codecs.iter().cloned()).collect();
        self.with_decoder(|decoder| {
            decoder.decode_strings(&codecs, &encoded, STRINGS_LEN_MAX).map(|frame| Cow::Owned(frame.to_vec()))
        })
        .map_err(failed)
    }
}
