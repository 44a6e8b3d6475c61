//! JSON written as CBOR (RFC 8949), for the one service that speaks it: CloudWatch. Owns the one thing that JSON lacks: `{"$time": SECONDS}` is a time.

use serde_json::Value;

/// The bytes of a value.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => head(0, value, out),
            (None, Some(value)) => head(1, value.unsigned_abs() - 1, out),
            (None, None) => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            for item in items {
                write(item, out);
            }
        }
        Value::Object(fields) => {
            if let Some(seconds) = fields.get("$time") {
                head(6, 1, out);
                return write(seconds, out);
            }
            head(5, fields.len() as u64, out);
            for (name, field) in fields {
                write(&Value::String(name.clone()), out);
                write(field, out);
            }
        }
    }
}

/// A major type with its argument.
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match argument {
        0..24 => out.push(major | argument as u8),
        24..0x100 => out.extend([major | 0x18, argument as u8]),
        0x100..0x1_0000 => {
            out.push(major | 0x19);
            out.extend((argument as u16).to_be_bytes());
        }
        _ => {
            out.push(major | 0x1b);
            out.extend(argument.to_be_bytes());
        }
    }
}
