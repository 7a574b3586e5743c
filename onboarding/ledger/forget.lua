-- The owner is connected to nothing any more: no grant that was given before may change that. Returns the lease.
-- KEYS: the owner's lease, connection, attempts that wait for a person, attempts that were connected, sequence.
-- ARGV: lease token, seconds to remember, timeline line.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
for _, id in ipairs(redis.call('SMEMBERS', KEYS[3])) do
    if redis.call('HGET', ATTEMPT .. id, 'status') == 'failed' then settle(id, 'disconnected', ARGV[3]) end
end
for _, id in ipairs(redis.call('SMEMBERS', KEYS[4])) do
    local timeline = redis.call('HGET', ATTEMPT .. id, 'timeline')
    if timeline then redis.call('HSET', ATTEMPT .. id, 'timeline', timeline .. ARGV[3]) end
end
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('HDEL', KEYS[2], 'attempt')
redis.call('HSET', KEYS[2], 'sequence', redis.call('INCR', KEYS[5]))
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
