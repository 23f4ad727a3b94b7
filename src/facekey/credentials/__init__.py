"""What proves who somebody is, in the forms that others agreed on: Argon2id hashes and JSON Web Tokens."""
