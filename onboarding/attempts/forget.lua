-- The owner is connected to nothing any more: no grant that was given before may change that. Returns the lease.
-- KEYS: the owner's lease, connection, attempts that wait for a person, attempts that were connected, sequence.
-- ARGV: lease token or '', seconds to remember, timeline line.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
for number = 3, 4 do
    for _, id in ipairs(redis.call('SMEMBERS', KEYS[number])) do
        local status, reason, started_at, timeline =
            unpack(redis.call('HMGET', ATTEMPT .. id, 'status', 'reason', 'started_at', 'timeline'))
        if status == 'connected' or status == 'failed' then
            redis.call('HSET', ATTEMPT .. id, 'timeline', timeline .. ARGV[3])
        end
        if status == 'failed' then
            redis.call('DEL', GRANT .. id)
            redis.call('HSET', ATTEMPT .. id, 'reason', 'superseded', 'detail', 'disconnected')
            stand(id, started_at, reason, 'failed', 'superseded', false,
                now() + redis.call('TTL', ATTEMPT .. id) - FORGET_EARLY)
        end
    end
    redis.call('DEL', KEYS[number])
end
redis.call('HDEL', KEYS[2], 'attempt')
redis.call('HSET', KEYS[2], 'sequence', redis.call('INCR', KEYS[5]))
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
