//! The protocols of AWS, as far as a harness needs them: which operation a call is, and how an answer or an error is written. Owns no socket.

use http::HeaderMap;

use super::script::Call;

/// An answer before it is written.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

/// How a service writes its answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Query and REST with XML.
    Xml,
    /// JSON, with or without REST.
    Json,
}

impl Protocol {
    /// The protocol of a call.
    pub fn of(headers: &HeaderMap, call: &Call) -> Self {
        let rest_json =
            ["eks", "lambda", "route53-recovery-cluster"].contains(&call.service.as_str());
        if rest_json || headers.contains_key("x-amz-target") {
            Self::Json
        } else {
            Self::Xml
        }
    }

    /// Its content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/x-amz-json-1.1",
        }
    }

    /// An answer.
    pub fn reply(self, status: u16, body: String) -> Reply {
        Reply {
            status,
            content_type: self.content_type().to_owned(),
            body: body.into_bytes(),
        }
    }

    /// An error as the protocol writes it.
    pub fn error(self, status: u16, code: &str, message: &str) -> Reply {
        let body = match self {
            Self::Xml => format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
            ),
            Self::Json => {
                format!(r#"{{"__type":"{code}Exception","message":"{message}"}}"#)
            }
        };
        self.reply(status, body)
    }
}

/// Which operation of which service in which region a call is, by its signature and its protocol.
pub fn identify(method: &str, url: &str, headers: &HeaderMap, body: &[u8]) -> Call {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scope = header("authorization")
        .and_then(|value| value.split("Credential=").nth(1))
        .unwrap_or_default();
    let mut scope = scope.split(['/', ',']).skip(2).map(ToOwned::to_owned);
    let path = url.split('?').next().unwrap_or_default();
    let form = String::from_utf8_lossy(body);
    let action = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    let operation = if let Some(target) = header("x-amz-target") {
        target.rsplit('.').next().unwrap_or_default().to_owned()
    } else if let Some(action) = action.filter(|_| path == "/") {
        action.to_owned()
    } else {
        format!("{method} {path}")
    };
    Call {
        region: scope.next().unwrap_or_default(),
        service: scope.next().unwrap_or_default(),
        operation,
    }
}
