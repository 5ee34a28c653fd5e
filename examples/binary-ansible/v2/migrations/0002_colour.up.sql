ALTER TABLE notes ADD colour text;
