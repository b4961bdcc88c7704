"""Language models: what is said to one and what it answers, and the endpoints that run them."""
