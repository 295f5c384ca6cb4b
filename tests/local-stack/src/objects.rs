//! Objects in the stack's S3, by plain HTTP: one SDK less.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;

use crate::account::Account;
use crate::stack::LocalStack;
use crate::wire::{self, WireError};

/// Why an object could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("there is no object `{key}` in the bucket `{bucket}`")]
    Missing { bucket: String, key: String },
    #[error("S3 answered {status}: {said}")]
    Refused { status: StatusCode, said: String },
}

impl LocalStack {
    /// The object's content, as the provider reads it.
    pub async fn object(&self, bucket: &str, key: &str) -> Result<Vec<u8>, ObjectError> {
        let (status, body) = self.s3(Method::GET, &format!("/{bucket}/{key}"), Bytes::new()).await?;
        match status {
            StatusCode::OK => Ok(body.to_vec()),
            StatusCode::NOT_FOUND => Err(ObjectError::Missing { bucket: bucket.to_owned(), key: key.to_owned() }),
            _ => Err(refused(status, &body)),
        }
    }

    /// Writes an object of the provider.
    pub async fn put_object(&self, bucket: &str, key: &str, content: Vec<u8>) -> Result<(), ObjectError> {
        let (status, body) = self.s3(Method::PUT, &format!("/{bucket}/{key}"), Bytes::from(content)).await?;
        if status.is_success() { Ok(()) } else { Err(refused(status, &body)) }
    }

    /// Makes a bucket of the provider; fine when it is there already.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), ObjectError> {
        let region = self.region();
        let body = format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        );
        let (status, body) = self.s3(Method::PUT, &format!("/{bucket}"), Bytes::from(body)).await?;
        if status.is_success() || status == StatusCode::CONFLICT { Ok(()) } else { Err(refused(status, &body)) }
    }

    async fn s3(&self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), WireError> {
        let authorization = Account::provider().authorization(self.region(), "s3");
        let request = Request::builder().method(method).uri(path).header("authorization", authorization);
        wire::send(self.endpoint(), request.body(Full::from(body))?).await
    }
}

fn refused(status: StatusCode, body: &Bytes) -> ObjectError {
    ObjectError::Refused { status, said: String::from_utf8_lossy(body).into_owned() }
}
