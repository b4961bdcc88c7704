"""Experts: briefs of how questions of a field are answered, and the loop that follows them."""
