-- Attempts whose delivery is overdue, most overdue first. Each is named again only after the pause.
-- KEYS: undelivered. ARGV: most, pause in seconds, what attempts' keys begin with.
local now = tonumber(redis.call('TIME')[1])
local overdue = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
    if redis.call('HGET', ARGV[3] .. id, 'status') == 'granted' then
        redis.call('ZADD', KEYS[1], now + ARGV[2], id)
        table.insert(overdue, id)
    else redis.call('ZREM', KEYS[1], id) end
end
return overdue
