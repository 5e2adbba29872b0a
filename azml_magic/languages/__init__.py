"""The languages that modules are written in: source to a callable under the contract."""
