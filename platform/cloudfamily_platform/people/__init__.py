"""Places, people, devices, sign-in: the nouns that every other part speaks of."""
