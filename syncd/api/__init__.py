"""HTTP: health, metrics, where the gateway is, an account's state, the docs and the page."""
