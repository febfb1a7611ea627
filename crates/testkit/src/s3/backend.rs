//! The S3 operations over a map.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput,
    CopyObjectResult, CopySource, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition,
    GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListObjectsV2Input, ListObjectsV2Output, PutObjectInput,
    PutObjectOutput, StreamingBlob, Timestamp, UploadPartInput, UploadPartOutput,
};
use s3s::host::{S3Host, VirtualHost};
use s3s::path::S3Path;
use s3s::validation::NameValidation;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};

use super::VIRTUAL_HOST_SUFFIX;
use super::state::{self, Inner, Object, State};

/// The operations, the secrets and the rights, all read from the shared state.
#[derive(Clone, Debug)]
pub(super) struct Backend(pub(super) Arc<State>);

/// Put into the extensions of a request whose range is to be overlooked.
#[derive(Clone, Copy, Debug)]
pub(super) struct IgnoreRange;

/// `BUCKET.s3.test` is a bucket, every other host is the server itself.
pub(super) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        Ok(match host.strip_suffix(VIRTUAL_HOST_SUFFIX) {
            Some(bucket) => VirtualHost::new("s3.test").with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

/// Servers other than Amazon's allow more: `tenant:bucket`, capitals, underscores.
pub(super) struct AnyBucketName;

impl NameValidation for AnyBucketName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}

#[async_trait]
impl S3Auth for Backend {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.lock().credentials.get(access_key) {
            Some(credential) => Ok(SecretKey::from(credential.secret.as_str())),
            None => Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )),
        }
    }
}

#[async_trait]
impl S3Access for Backend {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let state = self.0.lock();
        let bucket = match context.s3_path() {
            S3Path::Root => None,
            S3Path::Bucket { bucket } | S3Path::Object { bucket, .. } => state.buckets.get(&**bucket),
        };
        let Some(signer) = context.credentials() else {
            let reads = context.method().is_safe();
            return match bucket {
                Some(bucket) if reads && (bucket.public || bucket.bearer.is_some()) => Ok(()),
                _ => Err(s3_error!(AccessDenied, "Access Denied")),
            };
        };
        let credential = state.credentials.get(&signer.access_key);
        if credential.is_some_and(|credential| credential.expired) {
            return Err(s3_error!(ExpiredToken, "The provided token has expired."));
        }
        let wanted = credential.and_then(|credential| credential.session_token.as_deref());
        let given = context.headers().get("x-amz-security-token").and_then(|value| value.to_str().ok());
        if wanted != given {
            return Err(s3_error!(InvalidToken, "The provided token is malformed or otherwise not valid."));
        }
        match bucket.and_then(|bucket| bucket.owners.as_ref()) {
            Some(owners) if !owners.contains(&signer.access_key) => {
                Err(s3_error!(AccessDenied, "Access Denied"))
            }
            _ => Ok(()),
        }
    }
}

fn bucket<'a>(state: &'a Inner, name: &str) -> S3Result<&'a state::Bucket> {
    state.buckets.get(name).ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
}

fn object(state: &Inner, bucket_name: &str, key: &str) -> S3Result<Object> {
    bucket(state, bucket_name)?
        .objects
        .get(key)
        .cloned()
        .ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
}

fn etag(object: &Object) -> ETag {
    ETag::Strong(object.etag.clone())
}

fn length(bytes: &Bytes) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

fn matches(condition: &ETagCondition, object: &Object) -> bool {
    condition.as_etag().is_none_or(|tag| tag.value() == object.etag)
}

/// The conditional headers of a read, in the order of RFC 9110, section 13.2.2.
struct Conditions<'a> {
    if_match: Option<&'a ETagCondition>,
    if_unmodified_since: Option<&'a Timestamp>,
    if_none_match: Option<&'a ETagCondition>,
    if_modified_since: Option<&'a Timestamp>,
}

impl Conditions<'_> {
    fn check(&self, object: &Object) -> S3Result<()> {
        let modified = Timestamp::from(object.modified);
        let failed = match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => !matches(condition, object),
            (None, Some(time)) => modified > *time,
            (None, None) => false,
        };
        if failed {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let unchanged = match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => matches(condition, object),
            (None, Some(time)) => modified <= *time,
            (None, None) => false,
        };
        if unchanged { Err(s3_error!(NotModified)) } else { Ok(()) }
    }
}

async fn body(blob: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(blob) = blob else { return Ok(Bytes::new()) };
    let collected = blob.try_fold(BytesMut::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    });
    Ok(collected.await.map_err(|error| s3_error!(IncompleteBody, "{error}"))?.freeze())
}

fn answer<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

#[async_trait]
impl S3 for Backend {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = object(&self.0.lock(), &input.bucket, &input.key)?;
        Conditions {
            if_match: input.if_match.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
        }
        .check(&object)?;
        let range = input.range.filter(|_| request.extensions.get::<IgnoreRange>().is_none());
        let total = object.content.len();
        let (content, content_range) = match range {
            None => (object.content.clone(), None),
            Some(range) => {
                let range = range
                    .check(total as u64)
                    .map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
                let text = format!("bytes {}-{}/{total}", range.start, range.end - 1);
                let at = |offset| usize::try_from(offset).unwrap_or(total);
                (object.content.slice(at(range.start)..at(range.end)), Some(text))
            }
        };
        answer(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(length(&content)),
            content_range,
            content_type: Some("application/octet-stream".to_owned()),
            e_tag: Some(etag(&object)),
            last_modified: Some(object.modified.into()),
            body: Some(StreamingBlob::from(Body::from(content))),
            ..GetObjectOutput::default()
        })
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let object = object(&self.0.lock(), &input.bucket, &input.key)?;
        Conditions {
            if_match: input.if_match.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
        }
        .check(&object)?;
        answer(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(length(&object.content)),
            content_type: Some("application/octet-stream".to_owned()),
            e_tag: Some(etag(&object)),
            last_modified: Some(object.modified.into()),
            ..HeadObjectOutput::default()
        })
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let content = body(input.body).await?;
        let mut state = self.0.lock();
        let present = bucket(&state, &input.bucket)?.objects.get(&input.key);
        let refused = match (&input.if_none_match, &input.if_match, present) {
            (Some(condition), _, Some(object)) => matches(condition, object),
            (None, Some(condition), Some(object)) => !matches(condition, object),
            (None, Some(_), None) => return Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            _ => false,
        };
        if refused {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let object = Object::new(content, SystemTime::now());
        let e_tag = Some(etag(&object));
        state.bucket_mut(&input.bucket).objects.insert(input.key, object);
        answer(PutObjectOutput { e_tag, ..PutObjectOutput::default() })
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket: source_bucket, key: source_key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "only bucket and key can be copied from"));
        };
        let mut state = self.0.lock();
        let source = object(&state, source_bucket, source_key)?;
        let present = bucket(&state, &input.bucket)?.objects.contains_key(&input.key);
        if present && request.headers.get("if-none-match").is_some_and(|value| value == "*") {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let copy = Object::new(source.content, SystemTime::now());
        let result = CopyObjectResult {
            e_tag: Some(etag(&copy)),
            last_modified: Some(copy.modified.into()),
            ..CopyObjectResult::default()
        };
        state.bucket_mut(&input.bucket).objects.insert(input.key, copy);
        answer(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let mut state = self.0.lock();
        bucket(&state, &input.bucket)?;
        state.bucket_mut(&input.bucket).objects.remove(&input.key);
        answer(DeleteObjectOutput::default())
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        let mut state = self.0.lock();
        bucket(&state, &input.bucket)?;
        let mut deleted = Vec::new();
        for wanted in input.delete.objects {
            state.bucket_mut(&input.bucket).objects.remove(&wanted.key);
            deleted.push(DeletedObject { key: Some(wanted.key), ..DeletedObject::default() });
        }
        answer(DeleteObjectsOutput { deleted: Some(deleted), ..DeleteObjectsOutput::default() })
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let state = self.0.lock();
        let bucket = bucket(&state, &input.bucket)?;
        let asked = input.max_keys.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
        // The token of a page is the last key it was made of.
        let after = input.continuation_token.as_deref().or(input.start_after.as_deref());
        let page = page(
            &bucket.objects,
            input.prefix.as_deref().unwrap_or(""),
            input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
            after.unwrap_or(""),
            asked.min(state.page_size),
        );
        let contents = page.keys.iter().map(|key| {
            let object = &bucket.objects[*key];
            s3s::dto::Object {
                key: Some((*key).to_owned()),
                size: Some(length(&object.content)),
                e_tag: Some(etag(object)),
                last_modified: Some(object.modified.into()),
                ..s3s::dto::Object::default()
            }
        });
        let contents: Vec<_> = contents.collect();
        let folders: Vec<_> =
            page.folders.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect();
        answer(ListObjectsV2Output {
            key_count: i32::try_from(contents.len() + folders.len()).ok(),
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            contents: Some(contents),
            common_prefixes: Some(folders),
            ..ListObjectsV2Output::default()
        })
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let state = self.0.lock();
        let buckets = state
            .buckets
            .keys()
            .map(|name| Bucket { name: Some(name.clone()), ..Bucket::default() })
            .collect();
        answer(ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() })
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        bucket(&self.0.lock(), &request.input.bucket)?;
        answer(HeadBucketOutput::default())
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.0.lock();
        bucket(&state, &input.bucket)?;
        let id = format!("upload-{}-{}", state.uploads.len(), state.log.len());
        state.uploads.insert(id.clone(), BTreeMap::new());
        answer(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        })
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let content = body(input.body).await?;
        let part = Object::new(content, SystemTime::now());
        let e_tag = Some(etag(&part));
        let mut state = self.0.lock();
        let upload = state.uploads.get_mut(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        upload.insert(input.part_number, part.content);
        answer(UploadPartOutput { e_tag, ..UploadPartOutput::default() })
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.0.lock();
        let present = bucket(&state, &input.bucket)?.objects.get(&input.key);
        if present.is_some_and(|object| {
            input.if_none_match.as_ref().is_some_and(|condition| matches(condition, object))
        }) {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let parts = state.uploads.remove(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let mut content = BytesMut::new();
        for wanted in input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default() {
            let part = wanted
                .part_number
                .and_then(|number| parts.get(&number))
                .ok_or_else(|| s3_error!(InvalidPart))?;
            content.extend_from_slice(part);
        }
        let object = Object::new(content.freeze(), SystemTime::now());
        let e_tag = Some(etag(&object));
        state.bucket_mut(&input.bucket).objects.insert(input.key.clone(), object);
        answer(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag,
            ..CompleteMultipartUploadOutput::default()
        })
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.0.lock().uploads.remove(&request.input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        answer(AbortMultipartUploadOutput::default())
    }
}

/// One page of a listing.
struct Page<'a> {
    keys: Vec<&'a str>,
    folders: Vec<String>,
    /// The last key or folder of the page, if there is more behind it.
    next: Option<String>,
}

/// The first `limit` entries behind `after`. A folder counts as one entry and stands for every key in it.
fn page<'a>(
    objects: &'a BTreeMap<String, Object>,
    prefix: &str,
    delimiter: Option<&str>,
    after: &str,
    limit: usize,
) -> Page<'a> {
    let mut page = Page { keys: Vec::new(), folders: Vec::new(), next: None };
    let mut last = None;
    for key in
        objects.range::<str, _>((Bound::Included(prefix), Bound::Unbounded)).map(|(key, _)| key.as_str())
    {
        let Some(rest) = key.strip_prefix(prefix) else { break };
        let folder = delimiter
            .and_then(|delimiter| Some(&key[..prefix.len() + rest.find(delimiter)? + delimiter.len()]));
        let entry = folder.unwrap_or(key);
        if entry <= after || last == Some(entry) {
            continue;
        }
        if page.keys.len() + page.folders.len() == limit {
            page.next = last.map(str::to_owned);
            break;
        }
        match folder {
            Some(folder) => page.folders.push(folder.to_owned()),
            None => page.keys.push(key),
        }
        last = Some(entry);
    }
    page
}
