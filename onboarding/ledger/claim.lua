-- Gives a started attempt to the one callback that may redeem its code. Every other answer changes nothing.
-- KEYS: attempt. ARGV: now, the oldest start still good, browser hash, timeline line, attempt id, seconds it may still take.
local status, claimed_at, started_at, browser, link =
    unpack(redis.call('HMGET', KEYS[1], 'status', 'claimed_at', 'started_at', 'browser', 'link'))
if not status then return {'unknown'} end
if status == 'started' and not claimed_at and tonumber(started_at) < tonumber(ARGV[2]) then return {'expired'} end
if browser ~= ARGV[3] then return {'other_browser'} end
if status ~= 'started' or claimed_at then return {'already_claimed'} end
if redis.call('EXISTS', REVOKED .. cjson.decode(link).id) == 1 then return {'revoked'} end
local timeline = redis.call('HGET', KEYS[1], 'timeline') .. ARGV[4]
redis.call('HSET', KEYS[1], 'claimed_at', ARGV[1], 'timeline', timeline)
redis.call('ZADD', DUE, now() + ARGV[6], ARGV[5])
count(started_at, 'returned', 1)
return {'claimed', unpack(redis.call('HGETALL', KEYS[1]))}
