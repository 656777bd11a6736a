//! Scenario files in, reports out.
