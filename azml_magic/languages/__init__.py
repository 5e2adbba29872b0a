"""The languages of modules: from source to a callable under the contract."""
