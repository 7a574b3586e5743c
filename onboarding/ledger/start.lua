-- Records a new attempt, unless its link was started too often. Answers the seconds to wait, -1, or -2 for a revoked link.
-- KEYS: starts of this link, attempt, the link's revocation. ARGV: the attempt's id, what comes with it as JSON, field, value, …
local id, with = ARGV[1], cjson.decode(ARGV[2])
if redis.call('EXISTS', KEYS[3]) == 1 then return -2 end
local starts = redis.call('INCR', KEYS[1])
if starts == 1 then redis.call('EXPIRE', KEYS[1], with.window) end
if starts > with.most then return redis.call('TTL', KEYS[1]) end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[2], with.life)

enter(id, with.started_at, with.lists, with.life, with.keep)
stand(id, with.started_at, nil, 'started', nil, false, now() + with.open_for)
count(with.started_at, 'started', 1)
learn(with.terms, with.period)
return -1
