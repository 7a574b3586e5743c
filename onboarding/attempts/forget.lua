-- The owner is connected to nothing any more: no grant that was given before may change that. Returns the lease.
-- KEYS: the owner's lease, connection, sequence. ARGV: lease token or '', seconds to remember, timeline line.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
local attempt = ATTEMPT .. (redis.call('HGET', KEYS[2], 'attempt') or '')
local timeline = redis.call('HGET', attempt, 'timeline')
if timeline then redis.call('HSET', attempt, 'timeline', timeline .. ARGV[3]) end
redis.call('HDEL', KEYS[2], 'attempt')
redis.call('HSET', KEYS[2], 'sequence', redis.call('INCR', KEYS[3]))
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
