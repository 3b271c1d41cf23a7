"""The exchange: book, matching, stops, auctions, protections, and the record of what it did."""
