-- Records a new attempt, unless its link was started too often. Answers the seconds to wait, or -1.
-- KEYS: starts of this link, attempt. ARGV: most starts, their window, the attempt's life, field, value, …
local starts = redis.call('INCR', KEYS[1])
if starts == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if starts > tonumber(ARGV[1]) then return redis.call('TTL', KEYS[1]) end
redis.call('HSET', KEYS[2], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[2], ARGV[3])
return -1
