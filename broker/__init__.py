"""The Partner Ops identity broker: sign-in through integrated services, minimal profiles, signed session JWTs."""
