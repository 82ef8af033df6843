//! Recurrent operators: one loop over the sequence, whose state has a row for each direction.

mod gates;
mod gru;
mod lstm;
mod rnn;
mod sequence;

use super::Table;

pub(super) const OPS: Table = &[("GRU", gru::convert), ("LSTM", lstm::convert), ("RNN", rnn::convert)];
