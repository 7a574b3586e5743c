-- Attempts whose delivery is overdue, most overdue first. Each is named again only after the pause.
-- KEYS: undelivered. ARGV: most, pause in seconds.
local now = tonumber(redis.call('TIME')[1])
local overdue = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, id in ipairs(overdue) do redis.call('ZADD', KEYS[1], now + ARGV[2], id) end
return overdue
