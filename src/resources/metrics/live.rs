//! The SDK calls of this kind and their translation.
