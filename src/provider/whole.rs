//! Half an XML document is an error. Owns that check; knows no operation.
//!
//! The SDK takes XML that stops in the middle for XML that ends there: a list that lost its tail reads as a short or empty list, without any error.
//! A console that shows it would say "no databases here". JSON and CBOR that stop in the middle are errors already.

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream, retry::ErrorKind};

/// A client whose answers are whole. Only for services without streaming answers: it reads each to its end.
#[derive(Debug, Clone)]
pub struct Whole(pub SharedHttpClient);

/// A connector whose answers are whole.
#[derive(Debug)]
pub struct WholeConnector(pub SharedHttpConnector);

impl HttpClient for Whole {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(WholeConnector(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for WholeConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { read(answer.await?).await })
    }
}

async fn read(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = ByteStream::new(body)
        .collect()
        .await
        .map_err(|error| ConnectorError::io(error.into()))?
        .into_bytes();
    if response.status().is_success() && !whole(&bytes) {
        let error = "the answer stops in the middle of its XML";
        // Worth another try, like any fault of a server.
        return Err(ConnectorError::other(
            error.into(),
            Some(ErrorKind::ServerError),
        ));
    }
    *response.body_mut() = SdkBody::from(bytes);
    Ok(response)
}

/// Whether a body that starts like XML ends with the end of its root element; any other body is not judged.
fn whole(body: &[u8]) -> bool {
    let mut body = body.trim_ascii();
    if !body.starts_with(b"<") {
        return true;
    }
    // Declarations and comments before the root element.
    while body.starts_with(b"<?") || body.starts_with(b"<!") {
        let Some(end) = body.iter().position(|byte| *byte == b'>') else {
            return false;
        };
        body = body[end + 1..].trim_ascii_start();
    }
    let ends_name = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let Some(length) = body.iter().position(ends_name) else {
        return false;
    };
    let name = body.get(1..length).unwrap_or_default();
    let closed = body
        .strip_suffix(b">")
        .map(<[u8]>::trim_ascii_end)
        .and_then(|rest| rest.strip_suffix(name))
        .is_some_and(|rest| rest.ends_with(b"</"));
    let alone = body.ends_with(b"/>") && !body[1..].contains(&b'<');
    !name.is_empty() && (closed || alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_of_a_document_is_told_from_the_document() {
        let document =
            b"<?xml version=\"1.0\"?>\n<AResponse xmlns=\"x\"><A><B>1</B><A/></A></AResponse>\n";
        assert!(whole(document));
        // Without its last line end it is still whole; shorter than that it is not, down to the first character.
        assert!(whole(&document[..document.len() - 1]));
        for length in 1..document.len() - 1 {
            assert!(!whole(&document[..length]), "the first {length} bytes");
        }
    }

    #[test]
    fn what_is_no_xml_is_not_judged_and_an_empty_element_is_whole() {
        for body in [
            "",
            "{\"a\":",
            "plain",
            "<Empty/>",
            "<Empty a=\"1\" />",
            "<A></A >",
        ] {
            assert!(whole(body.as_bytes()), "{body}");
        }
    }
}
