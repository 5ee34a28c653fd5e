#define kInsert "INSERT INTO entries (text) VALUES (?)"
#define kNewest "SELECT text FROM entries ORDER BY id DESC LIMIT 10"
#define kCount "SELECT count(*) FROM entries"
