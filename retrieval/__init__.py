"""Finding what the company has already answered: passages, dense and lexical search, fusion."""
