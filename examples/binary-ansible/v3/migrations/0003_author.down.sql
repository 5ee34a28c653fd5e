ALTER TABLE notes DROP author;
