-- Notes what time alone has changed: attempts that nobody finished, grants that are gone, records about to expire.
-- KEYS: due. ARGV: most, the reasons there are as JSON. Answers how many it noted.
local time = now()
local reasons = cjson.decode(ARGV[2])

local function forget(id, lists)
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', LIST .. 'all', id)
    for _, name in ipairs(STANDINGS) do redis.call('ZREM', LIST .. 'status:' .. name, id) end
    for _, name in ipairs(reasons) do redis.call('ZREM', LIST .. 'reason:' .. name, id) end
    for _, name in ipairs(lists) do redis.call('ZREM', LIST .. name, id) end
end

local due = redis.call('ZRANGE', KEYS[1], '-inf', time, 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, id in ipairs(due) do
    local status, reason, started_at, lists, workspace =
        unpack(redis.call('HMGET', ATTEMPT .. id, 'status', 'reason', 'started_at', 'lists', 'workspace_id'))
    lists = cjson.decode(lists or '[]')
    if workspace then table.insert(lists, 'workspace:' .. workspace) end
    local left = redis.call('TTL', ATTEMPT .. id)
    local forget_at = time + left - FORGET_EARLY
    if left <= FORGET_EARLY then forget(id, lists)
    elseif status == 'started' then stand(id, started_at, reason, 'expired', 'timed_out', false, forget_at)
    elseif status == 'failed' and redis.call('TTL', GRANT .. id) >= FORGET_EARLY then
        redis.call('ZADD', KEYS[1], time + FORGET_EARLY, id)
    else
        redis.call('ZREM', LIST .. 'status:waiting', id)
        redis.call('ZADD', KEYS[1], forget_at, id)
    end
end
return #due
