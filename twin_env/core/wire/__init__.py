"""The wires between exchange and desk: delay, order, loss, market data, reports."""
