"""The whole product on one machine, without Docker or an account; never packaged."""
