//! Tests over small models built in code.
