"""What both sides import: contracts, errors, ids, time, signatures."""
