"""One module per mechanism: what an effect does when it begins, acts and ends, and what it contributes while on."""
