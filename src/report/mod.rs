//! What a person or a program reads afterwards.
