"""What hostile users send, by the number of its case; `test_index.py` says where each case is tested."""
