//! A run against happenings in every order.
