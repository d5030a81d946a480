-- Run once, when the database of compose.yaml is made.
CREATE DATABASE capstan;
