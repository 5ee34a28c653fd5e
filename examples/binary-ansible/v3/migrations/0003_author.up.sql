ALTER TABLE notes ADD author text NOT NULL DEFAULT 'nobody';
ALTER TABLE notes ALTER author DROP DEFAULT;
