ADD = "INSERT INTO notes (body) VALUES (?)"
