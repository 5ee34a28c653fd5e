ALTER TABLE notes DROP colour;
