ADD = "INSERT INTO notes (text) VALUES (?)"
