#define kInsert "INSERT INTO entries (text) VALUES (?)"
#define kNewest "SELECT text || coalesce(' (' || mood || ')', '') FROM entries ORDER BY id DESC LIMIT 10"
#define kCount "SELECT count(*) FROM entries"
